"""
The table at the end: a row for each crash point and weather, and whether all of it was as it has to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from crashes.judge import Verdict

HEADS = (
    "weather",
    "point",
    "fixes",
    "kills",
    "also struck",
    "double charges",
    "lost charges",
    "unexplained payments",
    "invariant breaches",
    "planted bug",
    "caught",
)
_FIGURES = slice(2, 9)


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    What came of one crash point in one weather, or of one kind of race (then `kills` counts races).

    `struck` counts what went wrong beside the kills: calls that failed, servers that were killed.
    """

    weather: str
    what: str
    kills: int
    kills_wanted: int
    verdict: Verdict
    unclean: tuple[str, ...]
    bug: str
    is_bug_caught: bool
    struck: int = 0

    @property
    def is_fine(self) -> bool:
        """
        Say whether enough was killed, nothing was wrong, and what is wrong on purpose was caught.
        """
        return not self.complaints()

    @property
    def figures(self) -> tuple[int, ...]:
        """
        Return what is counted and summed.
        """
        verdict = self.verdict
        wrong = (verdict.double_charges, verdict.lost_charges, verdict.unexplained_payments, verdict.breaches)
        return verdict.debts, self.kills, self.struck, *map(len, wrong)

    @property
    def cells(self) -> tuple[str, ...]:
        """
        Return the row as it is shown.
        """
        figures = (f"{figure:,}" for figure in self.figures)
        return self.weather, self.what, *figures, self.bug, "yes" if self.is_bug_caught else "NO"

    def complaints(self) -> list[str]:
        """
        Say in sentences what is not fine.
        """
        said = [*self.verdict.findings, *self.unclean]
        if self.kills < self.kills_wanted:
            said.append(f"only {self.kills} of {self.kills_wanted}: this row measured less than it says")
        if not self.is_bug_caught:
            said.append(f"the planted bug was not caught: {self.bug}")
        return [f"{self.weather}, {self.what}: {one}" for one in said]


def sums_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """
    Return the last line: the sum of each figure, and whether all bugs were caught.
    """
    sums = (f"{sum(row.figures[column] for row in rows):,}" for column in range(len(HEADS[_FIGURES])))
    return "sum", "", *sums, "", "all" if all(row.is_bug_caught for row in rows) else "NOT ALL"


def table_of(part: str, rows: Sequence[Row]) -> Table:
    """
    Lay out the rows of a part for a terminal, with the sums below.
    """
    table = Table(title=f"Crash proof: {part}", show_footer=True)
    figures = HEADS[_FIGURES]
    for head, total in zip(HEADS, sums_of(rows), strict=True):
        table.add_column(head, total, justify="right" if head in figures else "left")
    for row in rows:
        table.add_row(*row.cells, style="" if row.is_fine else "bold red")
    return table

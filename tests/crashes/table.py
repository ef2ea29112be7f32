"""
The table at the end: a row for each crash point and weather, and whether all of it was as it has to be.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table

from crashes.judge import Verdict


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    What came of one crash point in one weather, or of one kind of race (then `kills` counts races).
    """

    weather: str
    what: str
    kills: int
    kills_wanted: int
    verdict: Verdict
    unclean: tuple[str, ...]
    bug: str
    is_bug_caught: bool

    @property
    def is_fine(self) -> bool:
        """
        Say whether enough was killed, nothing was wrong, and what is wrong on purpose was caught.
        """
        return not self.complaints()

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


def table_of(rows: Iterable[Row]) -> Table:
    """
    Lay out the rows, with the sum of each figure below.
    """
    table = Table(title="Crash proof", show_footer=True)
    rows = list(rows)
    table.add_column("weather", "sum")
    table.add_column("point")
    for name, figure in (
        ("kills", sum(row.kills for row in rows)),
        ("double charges", sum(len(row.verdict.double_charges) for row in rows)),
        ("lost charges", sum(len(row.verdict.lost_charges) for row in rows)),
        ("unexplained payments", sum(len(row.verdict.unexplained_payments) for row in rows)),
        ("invariant breaches", sum(len(row.verdict.breaches) for row in rows)),
    ):
        table.add_column(name, str(figure), justify="right")
    table.add_column("planted bug")
    table.add_column("caught", "all" if all(row.is_bug_caught for row in rows) else "NOT ALL")
    for row in rows:
        verdict = row.verdict
        table.add_row(
            row.weather,
            row.what,
            str(row.kills),
            str(len(verdict.double_charges)),
            str(len(verdict.lost_charges)),
            str(len(verdict.unexplained_payments)),
            str(len(verdict.breaches)),
            row.bug,
            "yes" if row.is_bug_caught else "NO",
            style="" if row.is_fine else "bold red",
        )
    return table

"""
After the load: whether the books are right and hold exactly what was acknowledged.
"""

from dataclasses import dataclass

from bench.operations import FIRST_ISSUE, LAST_ISSUE
from rsolv import fixes, ledger
from rsolv.db import Database


@dataclass(frozen=True)
class Books:
    """
    What the database holds beside what was acknowledged, and the invariants that were breached, in words.
    """

    acknowledged: int
    stored: int
    pgbench_acknowledged: int
    pgbench_stored: int
    invariants: int
    breaches: list[str]

    @property
    def are_right(self) -> bool:
        """
        Whether nothing is missing, nothing is too much, and no invariant is breached.
        """
        is_all_there = self.acknowledged == self.stored and self.pgbench_acknowledged == self.pgbench_stored
        return is_all_there and not self.breaches


async def check_books(database: Database, *, acknowledged: int, pgbench_acknowledged: int) -> Books:
    """
    Count the consumed fixes of the load and of pgbench, and verify every invariant, in one snapshot.
    """
    async with database.snapshot() as connection:
        stored = await connection.fetchrow(
            """
            SELECT count(*) FILTER (WHERE issue_number <= $2) AS by_load,
                   count(*) FILTER (WHERE issue_number > $2) AS by_pgbench
            FROM fixes WHERE state = 'consumed' AND issue_number >= $1
            """,
            FIRST_ISSUE,
            LAST_ISSUE,
        )
        findings = await ledger.verify(connection, (*ledger.INVARIANTS, *fixes.INVARIANTS))
    assert stored is not None, "a count is one row"
    return Books(
        acknowledged=acknowledged,
        stored=stored["by_load"],
        pgbench_acknowledged=pgbench_acknowledged,
        pgbench_stored=stored["by_pgbench"],
        invariants=len(findings),
        breaches=[
            f"{found.id}: {found.promise}: {found.breaches} of {found.checked}, such as {found.example}"
            for found in findings
            if found.breaches
        ],
    )

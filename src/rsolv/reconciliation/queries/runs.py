"""
The statements about runs and about restored databases.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.reconciliation.rules import Counts, Restore, Run, Scope


async def insert_run(connection: Connection, *, scope: Scope, since: datetime, now: datetime) -> int:
    """
    Write down that a comparison begins, and return its id.
    """
    run_id: int = await connection.fetchval(
        "INSERT INTO reconciliation_runs (scope, since, began_at) VALUES ($1, $2, $3) RETURNING id", scope, since, now
    )
    return run_id


async def end_run(
    connection: Connection, run_id: int, counts: Counts, *, stopped_by: str | None, now: datetime
) -> None:
    """
    Write down what a comparison came to, or what kept it from its end.
    """
    await connection.execute(
        """
        UPDATE reconciliation_runs
        SET ended_at = $2, stopped_by = $3, compared = $4, settled = $5, rebuilt = $6, differing = $7
        WHERE id = $1
        """,
        run_id,
        now,
        stopped_by,
        counts.compared,
        counts.settled,
        counts.rebuilt,
        counts.differing,
    )


async def list_runs_for_operator(connection: Connection, *, limit: int) -> list[Run]:
    """
    Return the latest runs, the newest first.
    """
    rows = await connection.fetch(
        """
        SELECT id, scope, since, began_at, ended_at, stopped_by, compared, settled, rebuilt, differing
        FROM reconciliation_runs ORDER BY id DESC LIMIT $1
        """,
        limit,
    )
    return [Run(**row) for row in rows]


async def insert_restore(connection: Connection, *, backup_made_at: datetime, restored_at: datetime) -> int:
    """
    Note that this database is a copy of an earlier time.
    """
    restore_id: int = await connection.fetchval(
        "INSERT INTO restores (backup_made_at, restored_at) VALUES ($1, $2) RETURNING id", backup_made_at, restored_at
    )
    return restore_id


async def find_awaited_restore_by_age(connection: Connection) -> Restore | None:
    """
    Return the restore that has not been made good yet; of several, the one from the oldest backup.
    """
    row = await connection.fetchrow(
        """
        SELECT id, backup_made_at, restored_at FROM restores
        WHERE reconciled_at IS NULL ORDER BY backup_made_at LIMIT 1
        """
    )
    return row and Restore(**row)


async def end_restores(connection: Connection, *, since: datetime, now: datetime) -> int:
    """
    Note that all restores from backups made after a time have been made good, and return how many there were.
    """
    rows = await connection.fetch(
        """
        UPDATE restores SET reconciled_at = greatest($2, restored_at)
        WHERE reconciled_at IS NULL AND backup_made_at >= $1 RETURNING id
        """,
        since,
        now,
    )
    return len(rows)

"""
Restore a backup beside the live database and check it by the figures it came with.
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rsolv import reconciliation
from rsolv.audit import Actor
from rsolv.local import queries
from rsolv.local.backup import read_manifest
from rsolv.local.client_tools import ClientTools, choose_tools, with_database
from rsolv.local.errors import DatabaseExists, DatabaseUnusable
from rsolv.local.queries import Figures
from rsolv.local.reach import reached


@dataclass(frozen=True)
class Comparison:
    """
    One figure as the backup recorded it and as the restored database has it; None where it is missing.
    """

    figure: str
    recorded: int | None
    restored: int | None

    @property
    def is_equal(self) -> bool:
        """
        Whether both sides have the same.
        """
        return self.recorded == self.restored

    def as_dict(self) -> dict[str, object]:
        """
        Give it for a JSON document.
        """
        return {**asdict(self), "equal": self.is_equal}


async def restore(database_url: str, file: Path, *, into: str | None, actor: Actor, now: datetime) -> list[Comparison]:
    """
    Restore *file* into a new database, compare every figure, and give the comparisons.

    The new database stays only if it is named by *into* and all is equal; the live one is never touched. In the one
    that stays it is noted that it is a copy of an earlier time: nothing is charged there before the reconciliation.

    Raises:
        FileMissing, BackupUnusable: there is no backup, or it was changed since it was made.
        DatabaseExists: *into* is the name of an existing database.
        DatabaseUnusable: it cannot be reached, or refuses to make a database for us.
        ToolFailed: the dump cannot be restored; the new database is dropped.
    """
    manifest = read_manifest(file)
    name = into or f"rsolv_restore_{secrets.token_hex(6)}"
    async with reached(database_url, application="restore") as connection:
        version = await queries.server_major_version(connection)
        tools = choose_tools(at_least=max(version, manifest.tools_major_version))
        if await queries.database_exists(connection, name):
            raise DatabaseExists(name=name)
        try:
            await queries.create_database(connection, name)
        except queries.RefusedByServer as error:
            raise DatabaseUnusable(reason=str(error)) from None
        keep = False
        try:
            target = with_database(database_url, name)
            restored = await _restored_figures(tools, file, target, with_grants=into is not None)
            comparisons = compare(manifest.figures, restored)
            keep = into is not None and all(comparison.is_equal for comparison in comparisons)
            if keep:
                await _note(target, backup_made_at=manifest.made_at, actor=actor, now=now)
        finally:
            if not keep:
                await queries.drop_database(connection, name)
    return comparisons


def compare(recorded: Figures, restored: Figures) -> list[Comparison]:
    """
    Set two sets of figures side by side, every table and every ledger sum that either has.
    """
    left, right = _flat(recorded), _flat(restored)
    return [
        Comparison(figure=figure, recorded=left.get(figure), restored=right.get(figure))
        for figure in sorted(left.keys() | right.keys())
    ]


async def _restored_figures(tools: ClientTools, file: Path, target: str, *, with_grants: bool) -> Figures:
    tools.restore(file, target, with_grants=with_grants)
    async with reached(target, application="verify") as connection:
        return await queries.figures(connection)


async def _note(target: str, *, backup_made_at: datetime, actor: Actor, now: datetime) -> None:
    """
    Have the copy know what it is; one of a schema that cannot is brought up to date before anything runs on it.
    """
    async with reached(target, application="restore") as connection, connection.transaction():
        if await queries.notes_restores(connection):
            await reconciliation.note_restore(connection, backup_made_at=backup_made_at, actor=actor, now=now)


def _flat(figures: Figures) -> dict[str, int]:
    flat = {f"{table} rows": rows for table, rows in figures.tables.items()}
    for total in figures.ledger:
        account = f"ledger {total.asset} {total.kind}"
        flat[f"{account} accounts"] = total.accounts
        flat[f"{account} balance"] = total.balance
        flat[f"{account} entries"] = total.entries
    return flat

"""
What a backup promises: it is of one moment, it can be proven, and it never overwrites anything.
"""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from local.conftest import NOON
from rsolv.audit import Actor
from rsolv.local import Cluster
from rsolv.local.backup import Manifest, back_up, manifest_of
from rsolv.local.client_tools import ToolFailed, choose_tools, login, with_database
from rsolv.local.errors import BackupUnusable, DatabaseExists, DatabaseUnusable, FileExists, FileMissing
from rsolv.local.queries import LedgerSum, export_snapshot
from rsolv.local.restore import restore

ADA = Actor("operator", "ada")


async def test_a_backup_records_every_table_and_the_ledgers_sums(url: str, tmp_path: Path) -> None:
    """
    Rows are counted exactly, also of oddly named tables, and balances and entries are summed by kind.
    """
    manifest = await back_up(url, tmp_path / "books.dump", now=NOON)

    assert manifest.figures.tables == {
        "public.ledger_accounts": 3,
        "public.ledger_entries": 4,
        '"odd Schema"."odd ""Table"': 3,
    }
    assert manifest.figures.ledger == (
        LedgerSum(asset="credit", kind="available", accounts=2, balance=12, entries=12),
        LedgerSum(asset="credit", kind="issued", accounts=1, balance=-12, entries=-12),
    )


async def test_a_backup_is_private_and_leaves_nothing_half_done(file: Path) -> None:
    """
    The dump and its figures belong to their owner alone, and nothing else is in the directory.
    """
    found = {path.name: path.stat().st_mode & 0o777 for path in _listed(file.parent)}

    assert found == {"books.dump": 0o600, "books.dump.json": 0o600}


async def test_a_restored_backup_is_equal_in_every_figure(url: str, file: Path, connection: Any) -> None:
    """
    Verifying compares all figures and leaves no database behind.
    """
    before = await _databases(connection)

    comparisons = await restore(url, file, into=None, actor=ADA, now=NOON)

    assert [comparison.figure for comparison in comparisons if not comparison.is_equal] == []
    assert len(comparisons) == 9
    assert await _databases(connection) == before


async def test_a_changed_dump_is_refused(url: str, file: Path) -> None:
    """
    One flipped byte is noticed before anything is restored.
    """
    dump = bytearray(file.read_bytes())
    dump[len(dump) // 2] ^= 1
    file.write_bytes(dump)

    with pytest.raises(BackupUnusable, match="checksum"):
        await restore(url, file, into=None, actor=ADA, now=NOON)


async def test_a_figure_that_differs_is_named_and_nothing_is_kept(url: str, file: Path, connection: Any) -> None:
    """
    A ledger sum, a count and a missing table that do not fit are reported, and the new database is dropped.
    """
    record = json.loads(manifest_of(file).read_text())
    record["figures"]["ledger"][0]["balance"] += 1
    record["figures"]["tables"]["public.ledger_entries"] += 1
    record["figures"]["tables"]["public.lost"] = 1
    manifest_of(file).write_text(json.dumps(record))
    before = await _databases(connection)

    comparisons = await restore(url, file, into="books_kept", actor=ADA, now=NOON)

    assert {c.figure: (c.recorded, c.restored) for c in comparisons if not c.is_equal} == {
        "ledger credit available balance": (13, 12),
        "public.ledger_entries rows": (5, 4),
        "public.lost rows": (1, None),
    }
    assert await _databases(connection) == before


async def test_a_backup_can_be_kept_as_a_new_database(url: str, file: Path, cluster: Cluster, connection: Any) -> None:
    """
    The new database has what the old one had.
    """
    await restore(url, file, into="books_again", actor=ADA, now=NOON)

    own = await asyncpg.connect(cluster.url("books_again"))
    total = await own.fetchval("SELECT sum(amount) FROM ledger_entries")
    await own.close()
    assert total == 0


async def test_an_existing_database_is_never_overwritten(url: str, file: Path) -> None:
    """
    Not even the live one by its own name.
    """
    live = url.rpartition("/books")[2].partition("?")[0]

    with pytest.raises(DatabaseExists):
        await restore(url, file, into=f"books{live}", actor=ADA, now=NOON)


async def test_an_existing_file_is_never_overwritten(url: str, file: Path) -> None:
    """
    An older backup of the same name stays as it is.
    """
    before = file.read_bytes()

    with pytest.raises(FileExists):
        await back_up(url, file, now=NOON)

    assert file.read_bytes() == before


@pytest.mark.parametrize("missing", ["books.dump", "books.dump.json"])
async def test_a_backup_without_its_figures_is_no_backup(url: str, file: Path, missing: str) -> None:
    """
    Both files are needed.
    """
    (file.parent / missing).unlink()

    with pytest.raises(FileMissing, match=missing):
        await restore(url, file, into=None, actor=ADA, now=NOON)


async def test_a_dump_and_its_figures_are_of_one_moment(url: str, tmp_path: Path) -> None:
    """
    Rows that others commit meanwhile are in neither.
    """
    file = tmp_path / "busy.dump"
    writing = asyncio.create_task(_write_for_ever(url))

    manifests = [await back_up(url, file.with_suffix(f".{n}"), now=NOON) for n in range(3)]
    writing.cancel()
    different = [await _different(url, file.with_suffix(f".{n}")) for n in range(3)]

    assert different == [[], [], []]
    assert _entries(manifests[2]) > _entries(manifests[0])


async def test_planted_bug_figures_of_another_moment_would_be_noticed(url: str, file: Path, connection: Any) -> None:
    """
    Were the dump taken in a later snapshot than the figures, the comparison would say so.
    """
    own = await asyncpg.connect(url)
    await own.execute("INSERT INTO ledger_entries VALUES (9, 9, 9, 9)")
    async with own.transaction(isolation="repeatable_read", readonly=True):
        tools = choose_tools(at_least=own.get_server_version().major)
        await tools.dump(url, file, snapshot=await export_snapshot(own))
    await own.close()
    _vouch_for(file)

    assert await _different(url, file) == ["public.ledger_entries rows"]


async def test_a_dump_that_cannot_be_restored_leaves_no_database(url: str, file: Path, connection: Any) -> None:
    """
    Also when its figures vouch for it.
    """
    file.write_bytes(file.read_bytes()[:-2000])
    _vouch_for(file)
    before = await _databases(connection)

    with pytest.raises(ToolFailed):
        await restore(url, file, into="books_broken", actor=ADA, now=NOON)

    assert await _databases(connection) == before


async def test_a_database_that_cannot_be_reached_is_said_so(tmp_path: Path) -> None:
    """
    Nothing is written.
    """
    with pytest.raises(DatabaseUnusable):
        await back_up("postgresql://ada@127.0.0.1:1/none", tmp_path / "none.dump", now=NOON)

    assert _listed(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "address", "password"),
    [
        ("postgresql://ada:p%40ss@db:5432/books?a=b", "postgresql://ada@db:5432/books?a=b", "p@ss"),
        ("postgresql://rsolv@/rsolv?host=/run/a", "postgresql://rsolv@/rsolv?host=/run/a", None),
        ("postgresql://db/books", "postgresql://db/books", None),
    ],
    ids=["password", "socket", "nobody"],
)
def test_a_password_never_shows_in_the_list_of_processes(
    url: str, address: str, password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The address has none; it goes to the program's environment.
    """
    monkeypatch.delenv("PGPASSWORD", raising=False)

    shown, environment = login(url)

    assert (shown, environment.get("PGPASSWORD")) == (address, password)


def test_the_url_of_another_database_keeps_everything_else() -> None:
    """
    Only the name changes.
    """
    assert with_database("postgresql://a:b@h:1/x?host=/run/y", "z w") == "postgresql://a:b@h:1/z%20w?host=/run/y"


def _vouch_for(file: Path) -> None:
    record = json.loads(manifest_of(file).read_text())
    record["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest_of(file).write_text(json.dumps(record))


async def _databases(connection: Any) -> list[str]:
    return [row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database ORDER BY 1")]


async def _write_for_ever(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        while True:
            await connection.execute("INSERT INTO ledger_entries VALUES (2, 2, 1, 0)")
    finally:
        connection.terminate()


async def _different(url: str, file: Path) -> list[str]:
    return [
        comparison.figure
        for comparison in await restore(url, file, into=None, actor=ADA, now=NOON)
        if not comparison.is_equal
    ]


def _entries(manifest: Manifest) -> int:
    return manifest.figures.tables["public.ledger_entries"]


def _listed(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())

"""
No key is at rest in clear: not in a table, a data file or the write-ahead log.
"""

from collections.abc import Iterable
from pathlib import Path

import asyncpg
import httpx
import psutil

from rsolv import api_keys
from rsolv.audit import SYSTEM
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.local.cluster import Cluster

ONBOARD = "/api/v1/customers/onboard"
PLANTED = "planted-in-clear-0123456789"


async def use_keys(client: httpx.AsyncClient, database: Database) -> list[str]:
    """
    Sign up, with a repeat too, issue, rotate, use and revoke keys; return every key that was shown.
    """
    repeatable = {"idempotency-key": "sign-up-of-ada-1"}
    keys = []
    for email, headers in (("ada@example.com", {}), ("eve@example.com", repeatable), ("eve@example.com", repeatable)):
        answer = await client.post(ONBOARD, json={"email": email}, headers=headers)
        assert answer.status_code == httpx.codes.CREATED
        keys.append(answer.json()["api_key"])
    customer_id = answer.json()["customer"]["id"]
    now = clock.now()
    async with database.transaction() as connection:
        issued = await api_keys.issue_key(connection, customer_id=customer_id, name="CI", actor=SYSTEM, now=now)
        keys.append(issued.secret.reveal())
    async with database.transaction() as connection:
        rotated = await api_keys.rotate_key(
            connection,
            customer_id=customer_id,
            api_key_id=issued.api_key.id,
            overlap=clock.now() - now,
            actor=SYSTEM,
            now=now,
        )
        keys.append(rotated.secret.reveal())
        await api_keys.revoke_key(
            connection, customer_id=customer_id, api_key_id=rotated.api_key.id, actor=SYSTEM, now=now
        )
    for key in (*keys, keys[0][:-1] + "x"):
        await client.get("/api/v1/billing/usage", headers={"x-api-key": key})
    return keys


async def test_no_key_is_found_in_any_table(
    client: httpx.AsyncClient, database: Database, owner: asyncpg.Connection
) -> None:
    """
    Every row of every table is read as text; a planted text is found.
    """
    keys = await use_keys(client, database)
    await plant(owner)

    text = await everything_as_text(owner)

    assert [key for key in keys if key in text] == []
    assert PLANTED in text


async def test_no_key_is_found_in_data_files_or_the_log(
    client: httpx.AsyncClient, database: Database, owner: asyncpg.Connection, cluster: Cluster
) -> None:
    """
    Every file of the server is read as bytes, also for what was deleted again; a planted text is found.
    """
    keys = await use_keys(client, database)
    await plant(owner)
    await checkpoint(owner)

    found = files_with(cluster, [*keys, PLANTED])

    assert len(set(keys)) == 4
    assert {needle for needle, _ in found} == {PLANTED}
    assert {path.parts[0] for _, path in found} >= {"base", "pg_wal"}


async def plant(owner: asyncpg.Connection) -> None:
    """
    Write a text in clear and delete it at once, as somebody might who means to store it only briefly.
    """
    await owner.execute("CREATE TABLE notes (note text)")
    await owner.execute("INSERT INTO notes VALUES ($1), ($1)", PLANTED)
    await owner.execute("DELETE FROM notes WHERE ctid = '(0,1)'")


async def checkpoint(owner: asyncpg.Connection) -> None:
    """
    Have the server write its memory to its files, which it does before it copies a database's files.
    """
    await owner.execute("CREATE DATABASE copied STRATEGY file_copy")
    await owner.execute("DROP DATABASE copied")


async def everything_as_text(owner: asyncpg.Connection) -> str:
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    texts = [
        await owner.fetchval(f'SELECT string_agg(t::text, chr(10)) FROM "{row["tablename"]}" t')  # noqa: S608 -- its own name
        for row in tables
    ]
    return "\n".join(text or "" for text in texts)


def files_with(cluster: Cluster, needles: Iterable[str]) -> set[tuple[str, Path]]:
    """
    Find which needle stands in which file below the server's data directory.
    """
    data = Path(psutil.Process(cluster.pid).cwd())  # a server works in its data directory
    found = set()
    for path in (path for path in data.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found |= {(needle, path.relative_to(data)) for needle in needles if needle.encode() in content}
    return found

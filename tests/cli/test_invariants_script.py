"""
The checks of the books as one SQL file: what the code says, for whoever may only read.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from cli.conftest import Rsolv
from factories.books import INVARIANTS, STATEMENT
from factories.customers import make_customer
from factories.ledger import MOVE_A_BALANCE
from rsolv.cli.ledger import sorted_invariants
from rsolv.db import Database


@asynccontextmanager
async def only_reading(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """
    Act as a role that may select, and nothing else.
    """
    await owner.execute("CREATE ROLE auditor; GRANT auditor TO CURRENT_USER")
    await owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor; SET ROLE auditor")
    try:
        yield
    finally:
        await owner.execute("RESET ROLE; DROP OWNED BY auditor; DROP ROLE auditor")


async def run(owner: asyncpg.Connection) -> dict[str, tuple[int, str | None]]:
    """
    Run the file as a whole, then each of its statements; return breaches and example by invariant.
    """
    script = INVARIANTS.read_text(encoding="utf-8")
    await owner.execute(script)
    rows = [await owner.fetchrow(statement) for statement in STATEMENT.findall(script)]
    assert [(row["id"], row["promise"]) for row in rows] == [(each.id, each.promise) for each in sorted_invariants()]
    assert all(0 <= row["breaches"] <= row["checked"] for row in rows)
    return {row["id"]: (row["breaches"], row["example"]) for row in rows}


def test_the_file_is_what_the_code_says(rsolv: Rsolv) -> None:
    """
    Whoever changes an invariant writes the file again: `rsolv ledger verify --sql > docs/reference/invariants.sql`.
    """
    printed = rsolv("ledger", "verify", "--sql")

    assert printed.exit_code == 0
    assert printed.stdout == INVARIANTS.read_text(encoding="utf-8")


@pytest.mark.damages_books("to see it found")
async def test_a_role_that_may_only_select_finds_what_is_broken(database: Database, owner: asyncpg.Connection) -> None:
    """
    All holds; then a balance is moved behind the ledger's back, and the statements that are about it say so.
    """
    async with database.transaction() as connection:
        acme = await make_customer(connection)

    async with only_reading(owner):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute("UPDATE customers SET name = 'another'")
        sound = await run(owner)
    await owner.execute(MOVE_A_BALANCE)
    async with only_reading(owner):
        broken = await run(owner)

    assert set(sound.values()) == {(0, None)}
    assert {name: example for name, (breaches, example) in broken.items() if breaches} == {
        "L-7": f"customer {acme.customer.id}",
        "L-10": "credit",
        "L-16": broken["L-16"][1],
    }

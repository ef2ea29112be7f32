"""
What the database itself refuses when the code is bypassed.

That these guards are what refuses is shown in test_verify.py: with one of them off, the same damage goes through.
"""

import asyncpg
import pytest

from factories.ledger import give, new_cause, open_ledger, read_books
from ledger.by_hand import insert_entries, insert_posting, post
from rsolv.db import Database


@pytest.mark.parametrize(
    "legs",
    [
        pytest.param([], id="no-entries"),
        pytest.param([("available", 5)], id="one-entry"),
        pytest.param([("available", 5), ("issued", -4)], id="not-zero"),
        pytest.param([("available", 5), ("usd revenue", -5)], id="zero-only-across-assets"),
    ],
)
async def test_an_unbalanced_posting_is_refused_at_commit(database: Database, legs: list[tuple[str, int]]) -> None:
    """
    A posting needs two entries or more that sum to zero per asset; otherwise its whole transaction is gone.
    """
    async with database.transaction() as connection:
        acme = await open_ledger(connection)
        await connection.execute(
            "INSERT INTO ledger_accounts (customer_id, asset, kind) VALUES ($1, 'usd', 'revenue')", acme
        )
        before = await read_books(connection, customer_id=acme)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is not balanced"):
        async with database.transaction() as connection:
            await post(connection, customer_id=acme, legs=legs)

    async with database.reading() as connection:
        assert await read_books(connection, customer_id=acme) == before


async def test_a_balanced_posting_by_hand_is_taken(database: Database) -> None:
    """
    The guards know arithmetic, not us: what balances goes through, so the refusals beside this are for their reason.
    """
    async with database.transaction() as connection:
        acme = await open_ledger(connection)
        await post(connection, customer_id=acme, legs=[("issued", -5), ("consumed", 5)])

    async with database.reading() as connection:
        assert (await read_books(connection, customer_id=acme)).balances() == {"issued": -5, "consumed": 5}


async def test_entries_cannot_join_a_posting_of_another_transaction(database: Database) -> None:
    """
    A posting is closed when its transaction ends, even to entries that balance among themselves.
    """
    async with database.transaction() as connection:
        acme = await open_ledger(connection)
        granted = await give(connection, customer_id=acme, credits=5)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is closed"):
        async with database.transaction() as connection:
            await insert_entries(
                connection,
                customer_id=acme,
                posting_id=granted.posting_id,
                legs=[("issued", -1), ("consumed", 1)],
            )


async def test_a_posting_cannot_be_dated_into_a_later_transaction(database: Database) -> None:
    """
    Whoever names the next transaction as a posting's own leaves it without entries, and it is refused at commit.
    """
    async with database.transaction() as connection:
        acme = await open_ledger(connection)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is not balanced"):
        async with database.transaction() as connection:
            await connection.execute(
                """
                INSERT INTO ledger_postings (customer_id, cause_kind, cause_id, leg, source, transaction_id)
                SELECT $1, 'by_hand', 'tomorrow', 'main', 'adjustment',
                       (pg_current_xact_id()::text::bigint + 1)::text::xid8
                """,
                acme,
            )


async def test_entries_cannot_join_a_posting_of_another_customer(connection: asyncpg.Connection, acme: int) -> None:
    """
    An entry, its posting and its account belong to one customer.
    """
    globex = await open_ledger(connection)
    posting_id = await insert_posting(connection, customer_id=globex)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is closed"):
        async with connection.transaction():
            await insert_entries(connection, customer_id=acme, posting_id=posting_id, legs=[("issued", 1)])
    await insert_entries(connection, customer_id=globex, posting_id=posting_id, legs=[("issued", -1), ("consumed", 1)])


@pytest.mark.parametrize("kind", ["available", "held"])
async def test_available_and_held_are_never_negative(connection: asyncpg.Connection, acme: int, kind: str) -> None:
    """
    The constraint has the last word over whoever forgot to look.
    """
    await connection.execute(
        "INSERT INTO ledger_accounts (customer_id, asset, kind) VALUES ($1, 'credit', 'held')", acme
    )

    with pytest.raises(asyncpg.CheckViolationError, match="never_overspent"):
        async with connection.transaction():
            await post(connection, customer_id=acme, legs=[(kind, -1), ("consumed", 1)])


async def test_a_cause_cannot_post_twice_by_hand_either(connection: asyncpg.Connection, acme: int) -> None:
    """
    The unique constraint, not our looking first, is what makes a cause post once.
    """
    cause = new_cause("by_hand")
    await give(connection, customer_id=acme, credits=5, cause=cause)

    with pytest.raises(asyncpg.UniqueViolationError, match="once_per_cause"):
        async with connection.transaction():
            await post(connection, customer_id=acme, cause_id=cause.id, legs=[("issued", -1), ("consumed", 1)])


async def test_an_entry_cannot_choose_its_number_balance_or_time(connection: asyncpg.Connection, acme: int) -> None:
    """
    The database numbers, sums and dates the entries; what the writer says about it does not count.
    """
    posting_id = await insert_posting(connection, customer_id=acme)
    await insert_entries(connection, customer_id=acme, posting_id=posting_id, legs=[("issued", -3)])

    row = await connection.fetchrow(
        """
        INSERT INTO ledger_entries (customer_id, posting_id, account_id, amount, seq, balance_after, posted_at)
        SELECT $1, $2, id, 3, 77, 1000, '2000-01-01' FROM ledger_accounts WHERE customer_id = $1 AND kind = 'consumed'
        RETURNING seq, balance_after, posted_at > '2020-01-01' AS is_dated_now
        """,
        acme,
        posting_id,
    )

    assert tuple(row) == (1, 3, True)


async def test_an_entry_of_nothing_is_refused(connection: asyncpg.Connection, acme: int) -> None:
    """
    An entry moves something.
    """
    with pytest.raises(asyncpg.CheckViolationError, match="move_something"):
        async with connection.transaction():
            await post(connection, customer_id=acme, legs=[("issued", 0)])


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_accounts (customer_id, asset, kind, balance) VALUES ($1, 'credit', 'expired', 5)",
        "INSERT INTO ledger_accounts (customer_id, asset, kind, seq) VALUES ($1, 'credit', 'expired', 5)",
        """
        INSERT INTO ledger_grants (customer_id, posting_id, credits, remaining)
        SELECT customer_id, id, 5, 5 FROM ledger_postings WHERE customer_id = $1
        """,
    ],
    ids=["balance", "seq", "grant"],
)
async def test_accounts_and_grants_start_empty(connection: asyncpg.Connection, acme: int, statement: str) -> None:
    """
    Credits come in by entries only.
    """
    await give(connection, customer_id=acme, credits=5)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="starts empty"):
        async with connection.transaction():
            await connection.execute(statement, acme)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE customer_id = $1",
        "UPDATE ledger_accounts SET seq = 0 WHERE customer_id = $1",
        "UPDATE ledger_accounts SET kind = 'expired' WHERE customer_id = $1 AND kind = 'consumed'",
        "UPDATE ledger_grants SET remaining = 0 WHERE customer_id = $1",
        "UPDATE ledger_grants SET expires_at = NULL WHERE customer_id = $1",
    ],
    ids=["balance", "seq", "kind", "remaining", "expiry"],
)
@pytest.mark.parametrize("role", ["rsolv_app", "rsolv"])
async def test_balances_move_only_by_entries(
    connection: asyncpg.Connection, acme: int, statement: str, role: str
) -> None:
    """
    No direct change of an account or a grant is taken, neither from the application nor from the owner.
    """
    await give(connection, customer_id=acme, credits=5)
    await connection.execute(f"SET LOCAL ROLE {role}")

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="moves only by inserting entries"):
        async with connection.transaction():
            await connection.execute(statement, acme)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_postings SET source = 'purchased'",
        "UPDATE ledger_entries SET amount = amount + 1",
        *(
            form.format(table=table)
            for table in ("ledger_postings", "ledger_entries", "ledger_accounts", "ledger_grants")
            for form in ("DELETE FROM {table}", "TRUNCATE {table} CASCADE")
        ),
    ],
)
async def test_history_cannot_be_changed_even_by_the_owner(
    connection: asyncpg.Connection, acme: int, statement: str
) -> None:
    """
    Postings and entries are only ever added, and nothing that they stand on can go away.
    """
    await give(connection, customer_id=acme, credits=5)
    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE; SET ROLE rsolv")
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is append-only"):
        async with connection.transaction():
            await connection.execute(statement)

    assert await read_books(connection, customer_id=acme) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_postings SET source = 'purchased'",
        "UPDATE ledger_entries SET amount = amount + 1",
        "DELETE FROM ledger_postings",
        "DELETE FROM ledger_entries",
        "DELETE FROM ledger_accounts",
        "DELETE FROM ledger_grants",
        "TRUNCATE ledger_entries",
        "ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_only_grow",
        "SET LOCAL session_replication_role = 'replica'",
    ],
)
async def test_the_application_has_no_right_to_change_history(
    connection: asyncpg.Connection, acme: int, statement: str
) -> None:
    """
    The role of web and worker is refused before a trigger is even asked, and cannot switch triggers off.
    """
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute(statement)


async def test_the_application_has_exactly_the_rights_it_needs(connection: asyncpg.Connection) -> None:
    """
    Postings and entries can be read and added; accounts and grants are updated too, by the trigger of an entry.
    """
    rows = await connection.fetch(
        """
        SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS rights
        FROM information_schema.role_table_grants
        WHERE grantee = 'rsolv_app' AND table_name LIKE 'ledger%' GROUP BY table_name ORDER BY table_name
        """
    )

    assert [tuple(row) for row in rows] == [
        ("ledger_accounts", "INSERT SELECT UPDATE"),
        ("ledger_entries", "INSERT SELECT"),
        ("ledger_grants", "INSERT SELECT UPDATE"),
        ("ledger_postings", "INSERT SELECT"),
    ]

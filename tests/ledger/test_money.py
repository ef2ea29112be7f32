"""
Moving money: the second book, kept by the same engine.
"""

import asyncio

import asyncpg
import pytest

from factories.ledger import give, new_cause, open_ledger
from rsolv import ledger
from rsolv.db import Connection, Database

PAID = {"processor": 2900, "revenue": -2900}


async def post(
    connection: Connection, customer_id: int, cause: ledger.Cause | None = None, **other: object
) -> ledger.MoneyPosted:
    facts = {"currency": "usd", "amounts_cents": PAID, "source": "purchased"} | other
    return await ledger.post_money(connection, customer_id=customer_id, cause=cause or new_cause("charge"), **facts)


async def test_money_moves_between_the_accounts_of_its_currency(connection: Connection, acme: int) -> None:
    """
    Accounts are opened by the first posting; currencies are never mixed, and credits stay as they are.
    """
    await give(connection, customer_id=acme, credits=5)
    await post(connection, acme)
    await post(connection, acme)
    await post(connection, acme, currency="eur", amounts_cents={"receivable": 100, "processor": -60, "revenue": -40})

    assert await ledger.money_balances(connection, customer_id=acme) == {
        "eur": {"processor": -60, "receivable": 100, "revenue": -40},
        "usd": {"processor": 5800, "revenue": -5800},
    }
    assert await ledger.balance(connection, customer_id=acme) == 5
    assert ledger.breached(await ledger.verify(connection)) == []


async def test_a_repeated_posting_changes_nothing_and_says_the_same(connection: Connection, acme: int) -> None:
    """
    Idempotent by cause; another leg of the same cause is another posting.
    """
    first = await post(connection, acme, ledger.Cause("charge", "7", "money"))
    again = await post(connection, acme, ledger.Cause("charge", "7", "money"))
    other = await post(connection, acme, ledger.Cause("charge", "7", "fee"))

    assert (again.posting_id, first.repeated, again.repeated) == (first.posting_id, False, True)
    assert other.posting_id != first.posting_id
    assert (await ledger.money_balances(connection, customer_id=acme))["usd"]["processor"] == 5800


@pytest.mark.parametrize(
    "other",
    [
        {"amounts_cents": {"processor": 1500, "revenue": -1500}},
        {"amounts_cents": {"processor": 2900, "receivable": -2900}},
        {"currency": "eur"},
        {"source": "refund_reversal"},
    ],
    ids=["amount", "account", "currency", "source"],
)
async def test_a_cause_that_posted_otherwise_is_refused(
    connection: Connection, acme: int, other: dict[str, object]
) -> None:
    """
    Nothing is written, and who asked learns that something is wrong.
    """
    cause = new_cause("charge")
    await post(connection, acme, cause)

    with pytest.raises(ledger.CauseReused):
        await post(connection, acme, cause, **other)

    assert (await ledger.money_balances(connection, customer_id=acme))["usd"] == PAID


async def test_who_has_no_ledger_moves_no_money(connection: Connection) -> None:
    """
    A customer's accounts are opened when they are provisioned.
    """
    with pytest.raises(ledger.CustomerHasNoLedger):
        await post(connection, 404)


@pytest.mark.parametrize("amounts_cents", [{"processor": 1}, {"processor": 2900, "revenue": -2800}, {}])
async def test_a_posting_that_does_not_balance_is_a_mistake_of_ours(
    connection: Connection, acme: int, amounts_cents: dict[str, int]
) -> None:
    """
    It is refused before the database has to.
    """
    with pytest.raises(AssertionError):
        await post(connection, acme, amounts_cents=amounts_cents)


@pytest.mark.damages_books("posted by hand, for nothing at Stripe", "L-11")
async def test_of_twenty_at_once_one_posts(database: Database) -> None:
    """
    All hear of the same posting, and the money moved once.
    """
    async with database.transaction() as connection:
        customer_id = await open_ledger(connection)
    cause = new_cause("charge")

    async def once() -> int:
        async with database.transaction() as connection:
            return (await post(connection, customer_id, cause)).posting_id

    posted = await asyncio.gather(*(once() for _ in range(20)))

    async with database.reading() as connection:
        assert len(set(posted)) == 1
        assert await ledger.money_balances(connection, customer_id=customer_id) == {"usd": PAID}
        assert ledger.breached(await ledger.verify(connection)) == []


async def test_the_database_refuses_an_unbalanced_posting_and_an_account_of_another_book(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    Also when the code is bypassed.
    """
    async with database.transaction() as connection:
        customer_id = await open_ledger(connection)
    account = "INSERT INTO ledger_accounts (customer_id, asset, kind) VALUES ($1, $2, $3)"

    for asset, kind in [("usd", "available"), ("credit", "processor"), ("USD", "processor")]:
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(account, customer_id, asset, kind)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute(
            "INSERT INTO ledger_postings (customer_id, cause_kind, cause_id, leg, source) "
            "VALUES ($1, 'charge', '1', 'money', 'purchased')",
            customer_id,
        )

"""
A cause is one thing for ever, whatever kind of posting it made.
"""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from factories.ledger import correct, give, read_books, spend, undo
from ledger.by_hand import post
from rsolv import ledger
from rsolv.db import Connection

Verb = Callable[[Connection, int, int, ledger.Cause], Awaitable[object]]
"""
What is done on a connection, to a customer, who was given credits by a posting, for a cause.
"""

VERBS: dict[str, Verb] = {
    "grant": lambda c, acme, _granted, cause: give(c, customer_id=acme, credits=2, cause=cause),
    "consume": lambda c, acme, _granted, cause: spend(c, customer_id=acme, credits=2, cause=cause),
    "adjust-giving": lambda c, acme, _granted, cause: correct(c, customer_id=acme, credits=2, cause=cause),
    "adjust-taking": lambda c, acme, _granted, cause: correct(c, customer_id=acme, credits=-2, cause=cause),
    "reverse": lambda c, acme, granted, cause: undo(c, customer_id=acme, posting_id=granted, cause=cause),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
async def test_a_cause_that_posted_without_moving_available_credits_is_used_up(
    connection: Connection, acme: int, verb: Verb
) -> None:
    """
    A posting between other accounts, as money will make them, uses its cause up like any other.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    await post(connection, customer_id=acme, cause_id="1", legs=[("issued", -1), ("consumed", 1)])
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.CauseReused):
        await verb(connection, acme, granted.posting_id, ledger.Cause("by_hand", "1"))

    assert await read_books(connection, customer_id=acme) == before


@pytest.mark.parametrize(
    "cause",
    [
        ledger.Cause("Fix", "1"),
        ledger.Cause("", "1"),
        ledger.Cause("fix", ""),
        ledger.Cause("fix", "1" * 256),
    ],
    ids=["kind-with-a-capital", "no-kind", "no-id", "id-too-long"],
)
async def test_a_cause_without_a_proper_name_is_refused(
    connection: asyncpg.Connection, acme: int, cause: ledger.Cause
) -> None:
    """
    The name is what keeps it from happening twice, so it must be one.
    """
    with pytest.raises(asyncpg.CheckViolationError, match="cause_form"):
        async with connection.transaction():
            await give(connection, customer_id=acme, credits=1, cause=cause)

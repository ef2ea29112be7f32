"""
Spent credits that flow back are taken where they were due.
"""

import asyncio

import pytest

from reversals.taking import PRICE, Taking

pytestmark = pytest.mark.damages_books("what is disputed here is known to no dispute", "D-3")


async def test_refund_and_reversed_fix_end_in_the_same_books_in_any_order(taking: Taking) -> None:
    """
    The money went back and the credit too: nothing is owed.
    """
    await taking.take()
    await taking.reverse_fix()
    refund_first = await taking.balances()

    other = await taking.of_another_fix()
    await other.reverse_fix()
    await other.take(PRICE, "re_2")
    both = await other.balances()

    assert refund_first[0] == {"revenue": -PRICE, "refunded": PRICE}
    assert both[0] == {"revenue": -2 * PRICE, "refunded": 2 * PRICE}
    assert await other.credits() == (0, 2)
    assert await other.breaches() == []


@pytest.mark.parametrize("delay", range(6))
async def test_refund_and_reversed_fix_at_once_end_in_the_same_books(taking: Taking, delay: int) -> None:
    """
    On two connections, whichever comes first, and wherever the other then is.
    """

    async def refund() -> None:
        for _ in range(delay * 20):
            await asyncio.sleep(0)
        await taking.take()

    await asyncio.gather(refund(), taking.reverse_fix())

    assert await taking.dollars() == {"revenue": -PRICE, "refunded": PRICE}
    assert await taking.credits() == (0, 1)
    assert await taking.breaches() == []


async def test_what_flows_back_in_parts_is_collected_in_parts(sixty: Taking) -> None:
    """
    The receivable goes down in proportion, to nothing.
    """
    first, second = await sixty.spend(30), await sixty.spend(30)
    await sixty.take()
    owed = [(await sixty.dollars()).get("receivable", 0)]
    for spent in (first, second):
        await sixty.unspend(spent.posting_id)
        owed.append((await sixty.dollars()).get("receivable", 0))

    assert owed == [PRICE, PRICE // 2, 0]
    assert await sixty.credits() == (0, 60)
    assert await sixty.breaches() == []


async def test_collecting_without_anything_due_changes_nothing(taking: Taking) -> None:
    """
    Also again and again, by many at once.
    """
    await taking.take()
    await taking.reverse_fix()
    before = await taking.stage.books()

    await asyncio.gather(*(taking.collect() for _ in range(8)))

    assert await taking.stage.books() == before


async def test_credits_of_other_grants_are_not_collected(taking: Taking) -> None:
    """
    What the customer has besides stays theirs.
    """
    await taking.take()
    await taking.give(5)

    await taking.collect()

    assert await taking.credits() == (5, 0)
    assert (await taking.dollars())["receivable"] == PRICE


async def test_what_was_collected_is_restored_too(taking: Taking) -> None:
    """
    The refund failed after the fix was reversed: the credit is the customer's.
    """
    await taking.take()
    await taking.reverse_fix()

    await taking.restore()

    assert await taking.credits() == (1, 0)
    assert await taking.dollars() == {"processor": PRICE, "revenue": -PRICE}
    assert await taking.breaches() == []


@pytest.mark.damages_books("a fix is not told")
async def test_planted_bug_a_reversed_fix_that_is_not_collected_leaves_other_books(taking: Taking) -> None:
    """
    Without collecting, the order would matter: the customer would have the money, the credit and the debt.
    """
    await taking.take()
    spent = await taking.stage.owner.fetchval("SELECT consumed_posting_id FROM charge_intents")
    await taking.undo_only(spent)

    assert await taking.credits() == (1, 0)
    assert (await taking.dollars())["receivable"] == PRICE

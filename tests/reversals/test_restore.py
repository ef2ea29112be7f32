"""
Restoring what a refund or a dispute took, because it failed or was won.
"""

import asyncio

import pytest

from reversals.taking import PRICE, Taking, reversal_rows

pytestmark = pytest.mark.damages_books("what is disputed here is known to no dispute", "D-3")

PAID = {"processor": PRICE, "revenue": -PRICE}


async def test_a_restored_refund_leaves_the_books_as_before(taking: Taking) -> None:
    """
    To the cent and to the credit.
    """
    before = await taking.balances()
    await taking.take()

    restored = await taking.restore()

    assert restored is not None
    assert (restored.state, restored.credits_due, restored.receivable_cents) == ("restored", 0, 0)
    assert await taking.balances() == before
    assert (await taking.charge()).refund_state == "none"
    assert await taking.breaches() == []


async def test_credits_that_were_taken_flow_back_into_their_grant(sixty: Taking) -> None:
    """
    Also after a part of them was spent.
    """
    await sixty.spend(10)
    before = await sixty.balances()
    await sixty.take(1_450)

    await sixty.restore()

    assert await sixty.balances() == before
    assert await sixty.credits() == (50, 0)
    assert await sixty.breaches() == []


async def test_a_repeat_restores_nothing_more(taking: Taking) -> None:
    """
    However often, by however many at once.
    """
    await taking.take()
    first = await taking.restore()
    before = await taking.stage.books()

    again = await asyncio.gather(*(taking.restore() for _ in range(8)))

    assert again == [first] * 8
    assert await taking.stage.books() == before


async def test_what_was_restored_is_never_taken_again(taking: Taking) -> None:
    """
    Who hears late that it was taken is told that it was restored.
    """
    await taking.take()
    await taking.restore()
    before = await taking.stage.books()

    again = await taking.take()

    assert again.state == "restored"
    assert await taking.stage.books() == before


async def test_restoring_what_took_nothing_changes_nothing(taking: Taking) -> None:
    """
    Nor does a dispute restore a refund.
    """
    await taking.take()
    before = await taking.stage.books()

    assert await taking.restore("re_unheard_of") is None
    assert await taking.restore(kind="dispute") is None
    assert await taking.stage.books() == before


async def test_the_others_are_counted_anew_without_it(taking: Taking) -> None:
    """
    Two halves took the one credit; without the first, the second is half of the payment and due none.
    """
    await taking.take(1_450, "re_1")
    await taking.take(1_450, "re_2")
    both = await reversal_rows(taking.stage.owner)

    await taking.restore("re_1")

    assert both == [("taken", 0, 0, 0), ("taken", 1, 0, 1_450)]
    assert await reversal_rows(taking.stage.owner) == [("restored", 0, 0, 0), ("taken", 0, 0, 0)]
    assert await taking.dollars() == {"processor": 1_450, "revenue": -PRICE, "refunded": 1_450}
    assert await taking.breaches() == []


async def test_credits_given_back_satisfy_those_that_lack_some(sixty: Taking) -> None:
    """
    The first took all that was left; when it is restored the second gets what it is due.
    """
    await sixty.spend(40)
    await sixty.take(1_450, "re_1")
    await sixty.take(1_450, "dp_1", kind="dispute")
    both = await reversal_rows(sixty.stage.owner)

    await sixty.restore("re_1")

    assert both == [("taken", 30, 20, 483), ("taken", 30, 0, 1_450)]
    assert await reversal_rows(sixty.stage.owner) == [("restored", 0, 0, 0), ("taken", 30, 20, 483)]
    assert await sixty.dollars() == {"processor": 1_450, "revenue": -PRICE, "receivable": 483, "disputed": 967}
    assert await sixty.breaches() == []


async def test_what_is_restored_can_be_taken_by_another(taking: Taking) -> None:
    """
    A refund that failed makes room for the next one.
    """
    await taking.take()
    await taking.restore()

    await taking.take(PRICE, "re_2")

    assert await taking.dollars() == {"revenue": -PRICE, "receivable": PRICE}
    assert await taking.breaches() == []


async def test_taking_and_restoring_at_once_never_leaves_half(taking: Taking) -> None:
    """
    In whichever order they come.
    """
    await taking.take()

    await asyncio.gather(*(taking.take() for _ in range(5)), *(taking.restore() for _ in range(5)))

    assert await taking.dollars() == PAID
    assert await taking.breaches() == []

"""
Taking a payment back: its money, its share of the credits, and what is owed for those that are spent.
"""

import asyncio

import pytest

from charges.stage import Stage
from charges.test_crashes import Died
from reversals.taking import PRICE, Taking, reversal_rows
from rsolv import charges, reversals
from rsolv.reversals import ChargeReversed

pytestmark = pytest.mark.damages_books("what is disputed here is known to no dispute", "D-3")


async def test_a_refund_of_a_charged_fix_leaves_the_fix_to_be_paid(taking: Taking) -> None:
    """
    Its credit is spent, so all of the money is receivable.
    """
    taken = await taking.take()

    assert (taken.credits_due, taken.credits_taken, taken.shortfall_credits) == (1, 0, 1)
    assert await taking.dollars() == {"revenue": -PRICE, "receivable": PRICE}
    assert await taking.credits() == (0, 0)
    assert await taking.breaches() == []


async def test_a_refund_of_unspent_credits_takes_them(sixty: Taking) -> None:
    """
    Nothing is owed.
    """
    await sixty.take()

    assert await sixty.dollars() == {"revenue": -PRICE, "refunded": PRICE}
    assert await sixty.credits() == (0, 60)
    assert await sixty.breaches() == []


async def test_parts_take_their_share_and_together_all(sixty: Taking) -> None:
    """
    Each what it adds to the whole, rounded down; a third of sixty is not lost in between.
    """
    first = await sixty.take(967, "re_1")
    second = await sixty.take(967, "re_2")
    third = await sixty.take(966, "re_3", kind="dispute")

    assert [each.credits_due for each in (first, second, third)] == [20, 20, 20]
    assert await sixty.dollars() == {"revenue": -PRICE, "refunded": 1_934, "disputed": 966}
    assert await sixty.credits() == (0, 60)
    assert await sixty.breaches() == []


async def test_what_is_spent_is_owed_in_proportion(sixty: Taking) -> None:
    """
    Half is refunded, of which ten credits are missing: a third of the money is receivable.
    """
    await sixty.spend(40)

    taken = await sixty.take(1_450)

    assert (taken.credits_due, taken.credits_taken, taken.receivable_cents) == (30, 20, 483)
    assert await sixty.dollars() == {"processor": 1_450, "revenue": -PRICE, "receivable": 483, "refunded": 967}
    assert await sixty.credits() == (0, 20)
    assert await sixty.breaches() == []


async def test_a_charge_says_how_much_of_it_is_taken_back(sixty: Taking) -> None:
    """
    Refunds and disputes apart.
    """
    before = await sixty.charge()
    await sixty.take(900)
    partly = await sixty.charge()
    await sixty.take(500, "dp_1", kind="dispute")
    await sixty.take(1_500, "re_2")
    after = await sixty.charge()

    assert (before.refund_state, partly.refund_state, after.refund_state) == ("none",) + ("partly_refunded",) * 2
    assert (after.amount_refunded_cents, after.amount_disputed_cents) == (2_400, 500)


async def test_a_charge_that_went_back_whole_is_refunded(taking: Taking) -> None:
    """
    To the last cent.
    """
    await taking.take()

    assert (await taking.charge()).refund_state == "refunded"


@pytest.mark.parametrize("times", [2, 5])
async def test_a_repeat_takes_nothing_more(taking: Taking, times: int) -> None:
    """
    It answers as the first did, and moves nothing.
    """
    first = await taking.take()
    before = await taking.stage.books()

    again = [await taking.take() for _ in range(times)]

    assert again == [first] * times
    assert await taking.stage.books() == before


async def test_more_than_was_paid_is_refused_and_leaves_no_trace(taking: Taking) -> None:
    """
    A refund and a dispute together do not exceed the payment either.
    """
    await taking.take(2_000)
    before = await taking.stage.books()

    with pytest.raises(reversals.ReversalExceedsPayment) as refused:
        await taking.take(901, "dp_1", kind="dispute")

    assert refused.value.facts == {"charge_id": taking.charge_id, "left_cents": 900, "amount_cents": 901}
    assert await taking.stage.books() == before
    assert len(await reversal_rows(taking.stage.owner)) == 1


async def test_another_amount_under_the_same_id_is_refused(taking: Taking) -> None:
    """
    A refund never changes its amount, so one of us is wrong.
    """
    await taking.take(2_000)

    with pytest.raises(reversals.ReversalDiffers):
        await taking.take(2_001)


async def test_what_was_not_paid_cannot_be_taken_back(stage: Stage) -> None:
    """
    Nor what is nobody's.
    """
    with pytest.raises(charges.ChargeNotPaid):
        await Taking(stage, await stage.fix()).take()
    with pytest.raises(charges.UnknownCharge):
        await Taking(stage, 404).take()

    await stage.require_nothing_moved()


async def test_twenty_at_once_take_once(taking: Taking) -> None:
    """
    All with the same refund.
    """
    await asyncio.gather(*(taking.take() for _ in range(20)))

    assert await taking.dollars() == {"revenue": -PRICE, "receivable": PRICE}
    assert await taking.breaches() == []


async def test_of_many_refunds_at_once_as_many_are_taken_as_was_paid(sixty: Taking) -> None:
    """
    Those that would exceed it are refused.
    """
    answers = await asyncio.gather(*(sixty.take(1_000, f"re_{n}") for n in range(8)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, reversals.ReversalExceedsPayment)]
    assert len(refused) == 6
    assert (await sixty.dollars())["refunded"] == 2_000
    assert await sixty.breaches() == []


async def test_dying_half_way_leaves_nothing(taking: Taking) -> None:
    """
    Money, credits, the row and the charge move together or not at all.
    """
    before = await taking.stage.books()

    async def die(_connection: object, _event: object) -> None:
        raise Died

    taking.stage.bus.subscribe(ChargeReversed, die)
    with pytest.raises(Died):
        await taking.take()

    assert await taking.stage.books() == before
    assert await reversal_rows(taking.stage.owner) == []
    assert (await taking.charge()).amount_refunded_cents == 0


async def test_who_wants_to_know_is_told(taking: Taking) -> None:
    """
    Once for each move, in its transaction.
    """
    heard: list[ChargeReversed] = []

    async def note(_connection: object, event: ChargeReversed) -> None:
        heard.append(event)

    taking.stage.bus.subscribe(ChargeReversed, note)
    await taking.take()
    await taking.take()
    await taking.restore()
    await taking.restore()

    assert [(event.charge_id, event.amount_cents, event.is_restored) for event in heard] == [
        (taking.charge_id, PRICE, False),
        (taking.charge_id, PRICE, True),
    ]


async def test_what_was_taken_back_is_listed_with_its_postings(sixty: Taking) -> None:
    """
    By charge and by refund; restored ones stay in the list.
    """
    first = await sixty.take(967, "re_1")
    second = await sixty.take(967, "re_2")
    await sixty.restore("re_1")
    owner, customer_id = sixty.stage.owner, sixty.customer_id

    listed = await reversals.list_reversals(owner, customer_id=customer_id, paid=sixty.paid)
    postings = await reversals.list_postings(owner, customer_id=customer_id, paid=sixty.paid)
    found = await reversals.find_reversal(owner, customer_id=customer_id, stripe_object_id="re_2")

    assert [(each.id, each.state) for each in listed] == [(first.id, "restored"), (second.id, "taken")]
    assert [posting.leg for posting in postings] == ["money", "credits"] * 2 + ["credits_restored", "money_restored"]
    assert found == second

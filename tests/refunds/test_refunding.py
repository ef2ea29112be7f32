"""
Giving money back: whole, in parts, never more than is left, each once.
"""

import asyncio

import pytest

from charges.stage import NOW, SECOND, Stage
from refunds.giving import Giving
from reversals.taking import PRICE
from rsolv import charges, refunds
from rsolv.refunds import Refund


async def test_a_charge_is_refunded_whole(giving: Giving) -> None:
    """
    Asked for in one transaction, made by the worker; the fix is spent, so its price is owed again.
    """
    asked = await giving.ask()
    await giving.require_nothing_moved()

    await giving.finish(asked.id)

    await giving.require_refunded_once(asked.id)
    assert await giving.dollars() == {"revenue": -PRICE, "receivable": PRICE}
    assert (await giving.taking.charge()).refund_state == "refunded"


async def test_a_charge_is_refunded_in_parts_to_the_last_cent(giving: Giving) -> None:
    """
    A part, another, and what is left.
    """
    for cents in (900, 1_000, None):
        await giving.finish((await giving.ask(cents)).id)

    assert sorted(giving.theirs()) == [("succeeded", 900), ("succeeded", 1_000), ("succeeded", 1_000)]
    assert (await giving.taking.charge()).refund_state == "refunded"
    assert await giving.breaches() == []


@pytest.mark.parametrize("cents", [2_001, PRICE, -1, 0])
async def test_more_than_is_left_or_nothing_is_refused(giving: Giving, cents: int) -> None:
    """
    Also while the other refund is only asked for; nothing is written.
    """
    await giving.ask(900)

    with pytest.raises(refunds.RefundExceedsCharge) as refused:
        await giving.ask(cents)

    assert refused.value.facts == {"charge_id": giving.charge_id, "left": "$20.00"}
    assert len(await giving.all()) == 1


async def test_a_charge_without_anything_left_is_refused(giving: Giving) -> None:
    """
    Asking for the rest of nothing is no refund of nothing.
    """
    await giving.finish((await giving.ask()).id)

    with pytest.raises(refunds.RefundExceedsCharge):
        await giving.ask()


async def test_what_was_not_paid_is_not_refunded(stage: Stage) -> None:
    """
    Nor what is nobody's.
    """
    unpaid = Giving(stage, await stage.fix(), "")

    with pytest.raises(charges.ChargeNotPaid):
        await unpaid.ask()
    with pytest.raises(charges.UnknownCharge):
        await Giving(stage, 404, "").ask()


@pytest.mark.parametrize("dispute_state", ["disputed", "lost"])
async def test_a_disputed_charge_is_not_refunded(giving: Giving, dispute_state: charges.DisputeState) -> None:
    """
    The bank has the money; both together would be more than was paid.
    """
    async with giving.stage.database.transaction() as connection:
        await charges.note_dispute(
            connection,
            customer_id=giving.stage.customer_id,
            charge_id=giving.charge_id,
            dispute_state=dispute_state,
        )

    with pytest.raises(refunds.ChargeDisputed):
        await giving.ask()


async def test_a_repeated_act_asks_once(giving: Giving) -> None:
    """
    The repeat answers with the refund as it is by then; asking for something else under it is refused.
    """
    first = await giving.ask(900, act="ticket 1")
    done = await giving.finish(first.id)

    again = await giving.ask(900, act="ticket 1")

    assert again == done
    assert len(giving.theirs()) == 1
    with pytest.raises(refunds.RefundDiffers):
        await giving.ask(901, act="ticket 1")


async def test_of_twenty_asked_at_once_one_is_left_for(giving: Giving) -> None:
    """
    Each asks for the whole; one gets it.
    """
    answers = await asyncio.gather(*(giving.ask() for _ in range(20)), return_exceptions=True)

    asked = [answer for answer in answers if isinstance(answer, Refund)]
    refused = [answer for answer in answers if isinstance(answer, refunds.RefundExceedsCharge)]
    assert (len(asked), len(refused)) == (1, 19)


async def test_twenty_workers_at_once_refund_once(giving: Giving) -> None:
    """
    One takes it up; the others promise to come again.
    """
    asked = await giving.ask()

    await asyncio.gather(*(giving.advance(asked.id) for _ in range(20)))

    await giving.require_refunded_once(asked.id)
    assert await giving.stage.owner.fetchval(
        "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'refund.advance' AND status = 'queued'"
    )


async def test_who_comes_again_later_changes_nothing(giving: Giving) -> None:
    """
    A refund that has ended stays as it is.
    """
    asked = await giving.ask()
    done = await giving.finish(asked.id)
    before = await giving.stage.books()

    assert await giving.advance(asked.id, at=NOW + SECOND) == done
    assert await giving.stage.books() == before


async def test_an_unknown_refund_is_told(giving: Giving) -> None:
    """
    A job about nothing is a mistake of ours.
    """
    with pytest.raises(refunds.UnknownRefund):
        await giving.advance(404)


async def test_what_was_done_is_recorded(giving: Giving) -> None:
    """
    Who asked and why, and what came of it; the customer is told.
    """
    asked = await giving.ask(reason="wrong fix")
    await giving.finish(asked.id)

    owner = giving.stage.owner
    acts = await owner.fetch("SELECT actor, action FROM audit_entries WHERE action LIKE 'refund:%' ORDER BY id")
    notices = await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'mail.send_refund_notice'")
    assert [tuple(act) for act in acts] == [("operator:ada", "refund:asked"), ("system", "refund:succeeded")]
    assert notices == 1

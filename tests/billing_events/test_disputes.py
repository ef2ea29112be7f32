"""
Events about disputes: books, and what may be charged, go where Stripe has the money.
"""

import pytest

from billing_events.postroom import Postroom
from billing_events.test_payments import paid_unseen
from disputes.disputing import FRAUDULENT, INQUIRY, Court
from rsolv import disputes

CREATED, WITHDRAWN = "charge.dispute.created", "charge.dispute.funds_withdrawn"
REINSTATED, CLOSED = "charge.dispute.funds_reinstated", "charge.dispute.closed"


@pytest.mark.parametrize("told", [(CREATED, WITHDRAWN), (WITHDRAWN, CREATED), (CREATED,)], ids="+".join)
async def test_a_dispute_is_followed_by_its_events(postroom: Postroom, told: tuple[str, ...]) -> None:
    """
    The money is away, whichever event tells it; nothing new is charged.
    """
    court = Court(postroom.stage)
    charge = await court.pay(FRAUDULENT)

    outcomes = [await postroom.deliver(each) for each in told]

    assert outcomes == [{each: ("processed", None)} for each in told]
    dispute = await court.dispute((await court.theirs(charge)).id)
    assert (dispute.stage, dispute.is_withdrawn, await court.is_frozen()) == ("open", True, True)
    assert await postroom.breaches() == []


async def test_a_dispute_that_was_won_is_restored_whatever_is_heard_first(postroom: Postroom) -> None:
    """
    Each event only says where to look.
    """
    court = Court(postroom.stage)
    charge = await court.pay(FRAUDULENT)
    await postroom.deliver(CREATED)
    await court.decide((await court.theirs(charge)).id, won=True)

    outcomes = [await postroom.deliver(each) for each in (REINSTATED, WITHDRAWN, CLOSED)]

    assert [list(each.values()) for each in outcomes] == [[("processed", None)]] * 3
    dispute = await court.dispute((await court.theirs(charge)).id)
    assert (dispute.stage, dispute.is_withdrawn, await court.is_frozen()) == ("won", False, False)
    assert await postroom.breaches() == []


async def test_an_inquiry_moves_nothing(postroom: Postroom) -> None:
    """
    It is known, and no more.
    """
    court = Court(postroom.stage)
    charge = await court.pay(INQUIRY)
    before = await postroom.stage.money()

    outcomes = await postroom.deliver(CREATED)

    assert outcomes == {CREATED: ("processed", None)}
    assert (await court.dispute((await court.theirs(charge)).id)).stage == "inquiry"
    assert (await postroom.stage.money(), await court.is_frozen()) == (before, False)


async def test_a_dispute_heard_of_before_its_payment_settles_both(postroom: Postroom) -> None:
    """
    The worker that made the payment died.
    """
    await postroom.stage.add_card(FRAUDULENT)
    charge_id = await paid_unseen(postroom)

    outcomes = await postroom.deliver(CREATED)

    assert outcomes == {CREATED: ("processed", None)}
    assert (await postroom.stage.charge(charge_id)).state == "succeeded"
    assert await Court(postroom.stage).is_frozen()
    assert await postroom.breaches() == []


async def test_a_dispute_of_a_payment_of_others_is_ignored(postroom: Postroom) -> None:
    """
    Nobody is frozen for it.
    """
    await Court(postroom.stage).pay(FRAUDULENT)
    [told] = postroom.told(CREATED)
    other = {**told["data"]["object"], "payment_intent": "pi_other"}

    event = await postroom.handle(await postroom.receive(told, data={"object": other}))

    assert (event.outcome, event.reason) == ("ignored", "not_ours")
    async with postroom.stage.database.reading() as connection:
        assert await disputes.list_disputes(connection, customer_id=postroom.stage.customer_id, limit=9) == []

"""
What becomes of a charge that is disputed: books, freeze, what is shown and who is told, at every stage.
"""

from dataclasses import replace

import pytest

from charges.stage import NOW, SECOND
from disputes.disputing import FRAUDULENT, INQUIRY, LATER, NOT_RECEIVED, Court, moved, reading
from rsolv import reversals
from rsolv.charges import Charge, Held
from rsolv.reversals import Paid
from rsolv.stripe_gateway import DisputeStage

CARDS = pytest.mark.parametrize("card", [FRAUDULENT, NOT_RECEIVED])


async def refund(court: Court, charge: Charge, cents: int, refund_id: str = "re_1") -> None:
    """
    Take a part of a charge back otherwise.
    """
    async with court.stage.database.transaction() as connection:
        await reversals.take_back(
            connection,
            court.stage.bus,
            customer_id=court.stage.customer_id,
            paid=Paid("charge", charge.id),
            kind="refund",
            stripe_object_id=refund_id,
            amount_cents=cents,
            now=NOW,
        )


async def fail_refund(court: Court, refund_id: str = "re_1") -> None:
    """
    Have a refund fail later.
    """
    async with court.stage.database.transaction() as connection:
        await reversals.restore(
            connection,
            court.stage.bus,
            customer_id=court.stage.customer_id,
            kind="refund",
            stripe_object_id=refund_id,
            now=NOW,
        )


async def test_an_inquiry_moves_nothing_and_is_shown_and_told(court: Court) -> None:
    """
    New charges go on; the charge says that it is asked about.
    """
    charge, dispute_id = await court.disputed(INQUIRY)

    known = await court.dispute(dispute_id)
    assert (known.stage, known.money, known.freezes_charges) == ("inquiry", "untouched", False)
    assert known.respond_by is not None
    assert charge.dispute_state == "inquiry"
    assert await court.notices() == ["inquiry"]
    assert await court.acts() == ["dispute:inquiry"]
    await court.require_untouched(charge)
    assert (await court.held()).state == "succeeded"


async def test_an_inquiry_that_is_closed_is_over(court: Court) -> None:
    """
    It is read once more, and then left alone.
    """
    charge, dispute_id = await court.disputed(INQUIRY)
    await court.decide(dispute_id, won=True)

    await court.look(dispute_id, at=LATER)
    assert (await court.dispute(dispute_id)).closed_at == LATER
    await court.look(dispute_id, at=LATER + SECOND)

    assert (await court.dispute(dispute_id)).wake_at is None
    await court.require_untouched(charge)


async def test_an_inquiry_may_become_a_dispute(court: Court) -> None:
    """
    Then the money goes, and so does all that hangs on it.
    """
    charge, dispute_id = await court.disputed(INQUIRY)
    await court.decide(dispute_id, won=False)

    await court.look(dispute_id)

    assert (await court.stage.charge(charge.id)).dispute_state == "disputed"
    assert await court.notices() == ["inquiry", "open"]
    await court.require_withdrawn(charge)


@CARDS
async def test_money_that_is_withdrawn_is_reversed_and_freezes_new_charges(court: Court, card: str) -> None:
    """
    Its credit was spent on the fix, so all of it is receivable; operators hear until when to respond.
    """
    charge, dispute_id = await court.disputed(card)

    known = await court.dispute(dispute_id)
    assert (known.stage, known.money, known.freezes_charges) == ("open", "taken", True)
    assert charge.dispute_state == "disputed"
    assert await court.notices() == ["open"]
    assert await court.acts() == ["charges:frozen", "dispute:open", "dispute:taken"]
    assert await court.money() == {"revenue": -charge.amount_cents, "receivable": charge.amount_cents}
    await court.require_withdrawn(charge)


@CARDS
async def test_a_dispute_that_is_won_restores_all(court: Court, card: str) -> None:
    """
    Exactly what was taken, and new charges may be made again.
    """
    charge, dispute_id = await court.disputed(card)
    await court.decide(dispute_id, won=True)

    await court.look(dispute_id, at=LATER)

    known = await court.dispute(dispute_id)
    assert (known.stage, known.money, known.closed_at) == ("won", "restored", LATER)
    assert (await court.stage.charge(charge.id)).dispute_state == "won"
    assert await court.acts() == [
        *("charges:frozen", "dispute:open", "dispute:taken"),
        *("charges:released", "dispute:won", "dispute:restored"),
    ]
    await court.require_untouched(charge)


async def test_a_dispute_that_is_lost_stays_taken_and_frozen(court: Court) -> None:
    """
    Until an operator says otherwise.
    """
    charge, dispute_id = await court.disputed()
    await court.decide(dispute_id, won=False)

    await court.look(dispute_id, at=LATER)

    known = await court.dispute(dispute_id)
    assert (known.stage, known.money, known.closed_at) == ("lost", "taken", LATER)
    assert (await court.stage.charge(charge.id)).dispute_state == "lost"
    await court.require_withdrawn(charge)


async def test_a_loss_that_is_appealed_and_won_is_restored(court: Court) -> None:
    """
    An end at Stripe need not be the last word.
    """
    charge = await court.pay()

    for stage, movements in (("open", 1), ("lost", 1), ("open", 1), ("won", 1), ("won", 2)):
        await court.settle(moved(charge, stage, movements))

    await court.require_untouched(charge)


async def test_money_that_goes_again_after_it_was_back_is_taken_again(court: Court) -> None:
    """
    A reversal of its own, since the first is restored for good; and it freezes anew.
    """
    charge = await court.pay()

    for movements in (1, 2, 3):
        await court.settle(moved(charge, "open", movements))
    await court.require_withdrawn(charge)
    await court.settle(moved(charge, "won", 4))

    await court.require_untouched(charge)
    assert await court.stage.owner.fetchval("SELECT count(*) FROM reversals") == 2


@pytest.mark.parametrize("reached", ["inquiry", "open", "won", "lost"])
async def test_a_repeat_changes_nothing(court: Court, reached: DisputeStage) -> None:
    """
    Nor does it tell anybody twice.
    """
    charge = await court.pay()
    theirs = moved(charge, reached, {"inquiry": 0, "won": 2}.get(reached, 1))
    await court.settle(theirs)
    before, told, acts = await court.stage.books(), await court.notices(), await court.acts()

    again = await court.settle(theirs, at=LATER)

    assert again.believed == "already"
    assert (await court.stage.books(), await court.notices(), await court.acts()) == (before, told, acts)


async def test_a_part_of_a_charge_may_be_disputed(court: Court) -> None:
    """
    So much is taken, and no more.
    """
    charge = await court.pay()

    await court.settle(reading(charge, amount_cents=900))

    await court.require_withdrawn(charge, cents=900)


async def test_several_disputes_of_one_charge_take_their_parts(court: Court) -> None:
    """
    One that is won leaves the other standing, and with it the freeze.
    """
    charge = await court.pay()
    await court.settle(reading(charge, "du_1", amount_cents=900))
    await court.settle(reading(charge, "du_2", amount_cents=1_000))
    await court.require_withdrawn(charge, cents=1_900)

    await court.settle(replace(moved(charge, "won", 2, "du_2"), amount_cents=1_000))

    await court.require_withdrawn(charge, cents=900)
    assert (await court.stage.charge(charge.id)).dispute_state == "disputed"


async def test_more_than_is_left_after_a_refund_is_parked_and_freezes(court: Court) -> None:
    """
    Never more goes back than came; should the refund fail, the dispute is taken at the next look.
    """
    charge = await court.pay()
    await refund(court, charge, 1_000)

    parked = await court.settle(reading(charge))

    assert parked.believed == "parked"
    assert parked.dispute is not None
    assert (parked.dispute.parked_reason, parked.dispute.money) == ("more_than_captured", "untouched")
    assert await court.notices() == ["open", "parked"]
    assert await court.is_frozen()
    assert await court.breaches() == []
    await fail_refund(court)
    await court.settle(reading(charge), at=LATER)
    await court.require_withdrawn(charge)
    assert (await court.dispute("du_1")).parked_reason is None


async def test_what_is_left_after_a_refund_may_be_disputed(court: Court) -> None:
    """
    Both together are the whole charge.
    """
    charge = await court.pay()
    await refund(court, charge, 1_000)

    await court.settle(reading(charge, amount_cents=charge.amount_cents - 1_000))

    known = await court.stage.charge(charge.id)
    assert (known.amount_refunded_cents, known.amount_disputed_cents) == (1_000, charge.amount_cents - 1_000)
    assert await court.money() == {
        "revenue": -charge.amount_cents,
        "refunded": 1_000,
        "receivable": charge.amount_cents - 1_000,
    }
    assert await court.breaches() == []


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"amount_cents": 1_000_000}, "amount_differs"),
        ({"amount_cents": 0}, "amount_differs"),
        ({"currency": "eur"}, "currency_differs"),
        ({"livemode": True}, "livemode_differs"),
        ({"movements": 2}, "movements_differs"),
    ],
    ids=str,
)
async def test_what_does_not_agree_with_the_charge_is_parked(
    court: Court, parts: dict[str, object], reason: str
) -> None:
    """
    Nothing is posted, somebody is told, it is read on, and as the money is away the customer is frozen all the same.
    """
    charge = await court.pay()

    settled = await court.settle(reading(charge, **parts))

    assert settled.dispute is not None
    assert (settled.believed, settled.dispute.parked_reason) == ("parked", reason)
    assert settled.dispute.wake_at is not None
    assert await court.money() == {"processor": charge.amount_cents, "revenue": -charge.amount_cents}
    assert await court.notices() == ["open", "parked"]
    assert await court.is_frozen()
    assert await court.breaches() == []


@pytest.mark.parametrize("payment_id", ["pi_of_somebody_else", None])
async def test_a_dispute_of_a_payment_that_is_not_ours_is_foreign(court: Court, payment_id: str | None) -> None:
    """
    It leaves no trace.
    """
    charge = await court.pay()

    settled = await court.settle(reading(charge, payment_id=payment_id))

    assert settled.believed == "foreign"
    assert await court.stage.owner.fetchval("SELECT count(*) FROM disputes") == 0
    await court.require_untouched(charge)


async def test_a_dispute_heard_of_before_its_charge_is_settled_waits_for_it(court: Court) -> None:
    """
    Parked and frozen meanwhile; a minute later the charge is known to be paid, and it is taken back.
    """
    charge_id = await court.stage.fix()
    prepared = await court.stage.advance(charge_id, machine=court.stage.machine(cap=never))
    theirs = reading(prepared)

    early = await court.settle(theirs)

    assert early.dispute is not None
    assert (early.believed, early.dispute.parked_reason) == ("parked", "charge_not_paid")
    assert await court.is_frozen()
    await court.release()
    await court.stage.owner.execute("UPDATE charge_intents SET wake_at = $1", NOW)
    paid = await court.stage.finish(charge_id, machine=court.machine)
    await court.settle(theirs, at=LATER)
    assert (await court.dispute("du_1")).money == "taken"
    assert (await court.money()).get("receivable") == paid.amount_cents
    assert await court.breaches() == []


async def never(_connection: object, _intent: object, _now: object) -> Held:
    """
    Hold everything.
    """
    return Held("test", LATER)


async def test_planted_bug_taking_back_at_every_event_is_noticed(court: Court) -> None:
    """
    Who posts for each reading that says withdrawn, under an id of its own, takes more than there was: it is refused.
    """
    charge = await court.pay()
    await court.settle(reading(charge))

    with pytest.raises(reversals.ReversalExceedsPayment):
        await refund(court, charge, charge.amount_cents, "du_1_again")

    await court.require_withdrawn(charge)

"""
Events about refunds and disputes of a subscription's payment: they lead to its invoice, whatever was heard before.
"""

import asyncio
import itertools
import random
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from billing_events.subscribed import NOT_OURS, PAID, PROCESSED, SUCCEEDED, PlanPostroom
from rsolv import disputes, refunds, reversals
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.embedded import sdk_client
from subscriptions.stage import DAY

REFUNDED, SUMMED, DISPUTED = "refund.created", "charge.refunded", "charge.dispute.created"
PRO, HALF = 59_900, 29_950
ALL_BACK = {"revenue": -PRO, "disputed": PRO}


async def give_back(plans: PlanPostroom, *, cents: int = HALF, nth: int = 0) -> str:
    """
    Refund a part of the nth payment that was ever made, on Stripe's pages, and return the payment.
    """
    paid = sorted(plans.stage.twin.store.all("payment_intent"), key=lambda each: (each["created"], each["id"]))
    made = await plans.stage.gateway.refund_payment(
        paid[nth]["id"], amount_cents=cents, reason="duplicate", metadata={}, key=f"{nth} {cents}"
    )
    assert made.payment_id is not None
    return made.payment_id


async def dollars(plans: PlanPostroom) -> Mapping[str, int]:
    """
    Return the balances of money that are not nothing.
    """
    rows = await plans.stage.owner.fetch(
        "SELECT kind, balance FROM ledger_accounts WHERE asset = 'usd' AND balance <> 0"
    )
    return {row["kind"]: row["balance"] for row in rows}


async def is_frozen(plans: PlanPostroom) -> bool:
    """
    Say whether acme is not charged.
    """
    async with plans.stage.database.reading() as connection:
        return await disputes.is_frozen(connection, customer_id=plans.stage.customer_id)


async def require_half_back(plans: PlanPostroom, *, periods: int = 1) -> None:
    """
    Insist on half of one payment taken back once, with its credits, and on sound books.
    """
    assert await dollars(plans) == {
        "processor": periods * PRO - HALF,
        "revenue": -periods * PRO,
        "refunded": HALF,
    }
    assert await plans.stage.credits() == periods * 60 - 30
    assert await plans.breaches() == []


async def forget_payments(plans: PlanPostroom) -> None:
    """
    Have the look-up of payments be empty, as before it was there.
    """
    await plans.stage.owner.execute("ALTER TABLE stripe_invoice_payments DISABLE TRIGGER USER")
    await plans.stage.owner.execute("DELETE FROM stripe_invoice_payments")
    await plans.stage.owner.execute("ALTER TABLE stripe_invoice_payments ENABLE TRIGGER USER")


@pytest.mark.parametrize("told", [(REFUNDED,), (SUMMED,), (REFUNDED, SUMMED), (SUMMED, REFUNDED)], ids="+".join)
async def test_a_refund_of_an_invoice_is_taken_in_once(plans: PlanPostroom, told: tuple[str, ...]) -> None:
    """
    One event is enough, whichever; the subscription is as it was.
    """
    await plans.stage.subscribe()
    before = await plans.stage.newest()
    await give_back(plans)

    outcomes = [await plans.deliver(each) for each in told]

    assert outcomes == [{each: PROCESSED} for each in told]
    assert await plans.stage.newest() == before
    await require_half_back(plans)


async def test_a_refund_heard_of_before_its_invoice_was_paid_settles_both(plans: PlanPostroom) -> None:
    """
    A renewal of which nobody has told us, of a subscription that we know.
    """
    await plans.stage.subscribe()
    plans.stage.pass_time(32 * DAY)
    await give_back(plans, nth=1)

    outcomes = await plans.deliver(REFUNDED)

    assert outcomes == {REFUNDED: PROCESSED}
    await require_half_back(plans, periods=2)


@pytest.mark.parametrize("told", [REFUNDED, SUMMED])
async def test_a_refund_of_a_subscription_whose_making_was_never_heard(plans: PlanPostroom, told: str) -> None:
    """
    The answer was lost; our mark on the invoice says whose it is.
    """
    await plans.stage.ask_in_vain()
    await give_back(plans)

    outcomes = await plans.deliver(told)

    assert outcomes == {told: PROCESSED}
    await require_half_back(plans)


async def test_a_payment_that_was_not_noted_is_found_by_its_invoice(plans: PlanPostroom) -> None:
    """
    Of a time before payments were noted.
    """
    await plans.stage.subscribe()
    await forget_payments(plans)
    await give_back(plans)

    outcomes = await plans.deliver(REFUNDED)

    assert outcomes == {REFUNDED: PROCESSED}
    await require_half_back(plans)


@pytest.mark.parametrize("heard", ["heard", "unheard"])
async def test_a_dispute_of_an_invoice_takes_it_back_and_freezes(plans: PlanPostroom, heard: str) -> None:
    """
    Also as the first that we hear of its payment.
    """
    await plans.stage.add_card("pm_card_createDispute")
    await (plans.stage.subscribe() if heard == "heard" else plans.stage.ask_in_vain())

    outcomes = await plans.deliver(DISPUTED)

    assert outcomes == {DISPUTED: PROCESSED}
    assert await dollars(plans) == ALL_BACK
    assert (await plans.stage.credits(), await is_frozen(plans)) == (0, True)
    assert await plans.breaches() == []


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_all_events_ends_in_the_same_books(plans: PlanPostroom, seed: int) -> None:
    """
    Two copies each of all that Stripe tells of a subscription, its renewal, a refund and another of the rest.
    """
    await plans.stage.ask_in_vain()
    plans.stage.pass_time(32 * DAY)
    await give_back(plans, nth=1)
    await give_back(plans, nth=0, cents=PRO)
    told = plans.told() * 2
    random.Random(seed).shuffle(told)  # noqa: S311 -- the order of a test

    received = [await plans.receive(event) for event in told]
    ended = [await plans.finish(event_id) for event_id in received if event_id is not None]

    assert {event.outcome for event in ended} <= {"processed", "ignored"}
    assert await dollars(plans) == {"processor": HALF, "revenue": -2 * PRO, "refunded": PRO + HALF}
    assert await plans.stage.credits() == 30
    assert await plans.breaches() == []


@pytest.mark.parametrize("order", list(itertools.permutations([PAID, REFUNDED, SUCCEEDED])), ids="+".join)
async def test_a_refund_and_the_news_of_its_invoice_may_come_in_any_order(
    plans: PlanPostroom, order: tuple[str, ...]
) -> None:
    """
    Whichever comes first settles the invoice.
    """
    await plans.stage.ask_in_vain()
    await give_back(plans)

    for each in order:
        assert await plans.deliver(each) == {each: PROCESSED}

    await require_half_back(plans)


async def test_events_that_are_handled_at_once_settle_once(plans: PlanPostroom) -> None:
    """
    By as many workers as there are events, all of which find an invoice that nobody has heard of.
    """
    await plans.stage.ask_in_vain()
    await give_back(plans)
    received = await plans.take_in(REFUNDED, SUMMED, PAID, SUCCEEDED)

    await asyncio.gather(*(plans.handle(event_id) for event_id in received))

    assert {(await plans.finish(event_id)).outcome for event_id in received} == {"processed"}
    await require_half_back(plans)


@pytest.mark.parametrize("call", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_at_any_call_only_delays(plans: PlanPostroom, kind: FaultKind, call: int) -> None:
    """
    Finding the invoice, reading it, reading the refund: nothing has moved before all are read.
    """
    await plans.stage.ask_in_vain()
    await give_back(plans)
    [event_id] = await plans.take_in(REFUNDED)
    plans.stage.twin.faults.plan([Fault(kind, skip=call)])

    ended = await plans.finish(event_id)

    assert (ended.outcome, ended.reason) == PROCESSED
    await require_half_back(plans)


async def stranger(plans: PlanPostroom, *, with_subscription: bool) -> str:
    """
    Have somebody else's customer pay on the same account, get half of it back, and return the payment.
    """
    stripe = sdk_client(plans.stage.twin).v1
    customer = await stripe.customers.create_async({"email": "other@example.com"})
    method = await stripe.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    if with_subscription:
        price = (await stripe.prices.list_async()).data[0]
        await stripe.subscriptions.create_async(
            {"customer": customer.id, "items": [{"price": price.id}], "default_payment_method": method.id}
        )
    else:
        made = await plans.stage.gateway.create_payment(
            stripe_customer_id=customer.id,
            amount_cents=PRO,
            currency="usd",
            payment_method_id=method.id,
            description="other",
            metadata={},
            key="other",
        )
        await plans.stage.gateway.confirm_payment(made.id, payment_method_id=method.id, key="other confirm")
    [paid] = [each for each in plans.stage.twin.store.all("payment_intent") if each["customer"] == customer.id]
    await plans.stage.gateway.refund_payment(
        paid["id"], amount_cents=HALF, reason="duplicate", metadata={}, key="other back"
    )
    return str(paid["id"])


@pytest.mark.parametrize("with_subscription", [False, True], ids=["a payment", "a subscription"])
@pytest.mark.parametrize(("told", "calls"), [(REFUNDED, ["list_invoices_of_payment"]), (SUMMED, [])])
async def test_money_back_of_others_costs_a_call_at_most(
    plans: PlanPostroom, told: str, calls: list[str], *, with_subscription: bool
) -> None:
    """
    None where the snapshot names a customer who is not ours.
    """
    await plans.stage.subscribe()
    await stranger(plans, with_subscription=with_subscription)

    with capture_logs() as logs:
        outcomes = await plans.deliver(told)

    assert outcomes == {told: NOT_OURS}
    assert [entry["call"] for entry in logs if entry["event"] == "stripe_called"] == calls
    assert await dollars(plans) == {"processor": PRO, "revenue": -PRO}


async def test_what_came_back_of_an_invoice_that_is_not_paid_is_parked(plans: PlanPostroom) -> None:
    """
    A part of it was paid, and given back: money that our books do not have. Somebody looks.
    """
    await plans.stage.subscribe()
    await forget_payments(plans)
    await give_back(plans)
    with plans.stage.twin.store.unit():
        for link in plans.stage.twin.store.all("invoice_payment"):
            plans.stage.twin.account.edit("invoice_payment", link["id"])["status"] = "open"

    outcomes = await plans.deliver(REFUNDED)

    assert outcomes == {REFUNDED: ("parked", "invoice_not_paid")}
    assert await dollars(plans) == {"processor": PRO, "revenue": -PRO}


async def test_planted_bug_without_the_link_a_refund_would_be_lost(plans: PlanPostroom) -> None:
    """
    It is the invoice payment at Stripe, and nothing else, that leads to an invoice of which we have not heard.
    """
    await plans.stage.ask_in_vain()
    await give_back(plans)
    with plans.stage.twin.store.unit():
        for link in plans.stage.twin.store.all("invoice_payment"):
            link_edited = plans.stage.twin.account.edit("invoice_payment", link["id"])
            link_edited["payment"] = {"payment_intent": "pi_other", "type": "payment_intent"}

    outcomes = await plans.deliver(REFUNDED)

    assert outcomes == {REFUNDED: NOT_OURS}
    with pytest.raises(AssertionError):
        await require_half_back(plans)


async def test_what_came_back_is_listed_with_its_invoice(plans: PlanPostroom) -> None:
    """
    As refunds and as reversals.
    """
    await plans.stage.subscribe()
    await give_back(plans)
    await plans.deliver(REFUNDED)

    async with plans.stage.database.reading() as connection:
        [refund] = await refunds.list_refunds(connection, customer_id=plans.stage.customer_id, limit=9)
        [reversal] = await reversals.list_reversals(connection, customer_id=plans.stage.customer_id, paid=refund.paid)
        postings = await reversals.list_postings(connection, customer_id=plans.stage.customer_id, paid=refund.paid)

    assert (refund.paid.kind, reversal.amount_cents, reversal.stripe_object_id) == (
        "invoice",
        HALF,
        refund.stripe_refund_id,
    )
    assert [posting.leg for posting in postings] == ["money", "credits"]

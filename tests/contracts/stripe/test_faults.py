"""
Whatever goes wrong once, at any call: which failure comes out, and that the same attempt, repeated, has happened once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from contracts.stripe.paying import made_payment, only_payment, paid_payment
from contracts.stripe.stand import BACK, DAY, Stand
from contracts.stripe.subscribing import opened_subscription
from rsolv.stripe_gateway import GatewayFailure, GatewayUnavailable, OutcomeUnknown, StripeGateway
from stripe_twin.core.faults import KINDS, FaultKind

Act = Callable[[StripeGateway], Awaitable[object]]
Ready = Callable[[Stand, str, str], Awaitable[Act]]
Meaning = type[GatewayFailure] | None


@dataclass(frozen=True)
class Trouble:
    """
    What a fault means to a write, over each way, and to a read; for how long the same key is answered so.

    *total_seconds* is how long the gateway waits for an answer, where none comes.
    """

    embedded: Meaning
    loopback: Meaning
    read: Meaning = GatewayUnavailable
    lasts_seconds: int = 0
    total_seconds: float | None = None

    def of_write(self, stand: Stand) -> Meaning:
        """
        Return what it means over the way of this test.
        """
        meaning: Meaning = getattr(self, stand.way)
        return meaning


MEANT: dict[FaultKind, Trouble] = {
    # In this process no connection is made. Over loopback it is reset once the request is on its way, and from our
    # side that may have happened.
    "refused": Trouble(GatewayUnavailable, OutcomeUnknown),
    "timeout_before": Trouble(OutcomeUnknown, OutcomeUnknown, total_seconds=0.5),
    "timeout_after": Trouble(OutcomeUnknown, OutcomeUnknown, total_seconds=0.5),
    "cut_body": Trouble(OutcomeUnknown, OutcomeUnknown),
    "rate_limited": Trouble(GatewayUnavailable, GatewayUnavailable),
    "rate_limited_retry": Trouble(GatewayUnavailable, GatewayUnavailable),
    "rate_limited_stop": Trouble(GatewayUnavailable, GatewayUnavailable),
    "locked": Trouble(GatewayUnavailable, GatewayUnavailable),
    "conflict": Trouble(GatewayUnavailable, GatewayUnavailable),
    # Kept under the key: its repeat executes nothing before Stripe forgets the key.
    "error_stored": Trouble(OutcomeUnknown, OutcomeUnknown, lasts_seconds=DAY),
    "error_not_stored": Trouble(OutcomeUnknown, OutcomeUnknown),
    "slow": Trouble(None, None, read=None),
}
EVERY_FAULT = pytest.mark.parametrize("kind", KINDS)


async def to_make_a_customer(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to make another customer.
    """
    return lambda gateway: gateway.create_customer(email="ada@example.com", name="Ada", metadata={}, key="ada")


async def to_choose_a_card(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to say which card pays invoices.
    """
    return lambda gateway: gateway.set_default_payment_method(acme, payment_method_id=visa, key="default")


async def to_save_a_card(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to open the page for a card.
    """
    return lambda gateway: gateway.open_card_setup(
        stripe_customer_id=acme, return_url=BACK, cancel_url=BACK, currency="usd", metadata={}, key="setup"
    )


async def to_attach_a_card(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to give a customer another card.
    """
    return lambda gateway: gateway.attach_payment_method("pm_card_amex", stripe_customer_id=acme, key="attach")


async def to_detach_a_card(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to take a card away.
    """
    return lambda gateway: gateway.detach_payment_method(visa, key="detach")


async def to_make_a_payment(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to make a payment.
    """
    return lambda gateway: made_payment(gateway, acme)


async def to_confirm_a_payment(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to charge a card.
    """
    made = await made_payment(stripe.gateway, acme)
    return lambda gateway: gateway.confirm_payment(made.id, payment_method_id=visa, key="confirm")


async def to_refund_a_payment(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to give a part of a payment back.
    """
    paid = await paid_payment(stripe.gateway, acme, visa)
    return lambda gateway: gateway.refund_payment(
        paid.id, amount_cents=900, reason="duplicate", metadata={}, key="refund"
    )


async def to_cancel_a_payment(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to end a payment.
    """
    made = await made_payment(stripe.gateway, acme)
    return lambda gateway: gateway.cancel_payment(made.id, key="cancel")


async def to_open_a_subscription(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to subscribe, with a first charge.
    """
    price_id = await stripe.price()
    return lambda gateway: gateway.open_subscription(
        stripe_customer_id=acme, price_id=price_id, quantity=1, payment_method_id=visa, metadata={}, key="subscribe"
    )


async def to_schedule_the_end(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to end a subscription with its period.
    """
    opened = await opened_subscription(stripe, acme, visa)
    return lambda gateway: gateway.schedule_cancellation(opened.id, at_period_end=True, key="end")


async def to_cancel_a_subscription(stripe: Stand, acme: str, visa: str) -> Act:
    """
    Get ready to end a subscription, for which Stripe takes no key.
    """
    opened = await opened_subscription(stripe, acme, visa)
    return lambda gateway: gateway.cancel_subscription(opened.id)


SUBSCRIPTION = "/v1/subscriptions/{subscription_exposed_id}"
# What is done, by which call, and the event that tells how often.
WRITES: dict[str, tuple[Ready, str, str]] = {
    "create_customer": (to_make_a_customer, "POST /v1/customers", "customer.created"),
    "set_default_payment_method": (to_choose_a_card, "POST /v1/customers/{customer}", "customer.updated"),
    "open_card_setup": (to_save_a_card, "POST /v1/checkout/sessions", "setup_intent.created"),
    "attach_payment_method": (
        to_attach_a_card,
        "POST /v1/payment_methods/{payment_method}/attach",
        "payment_method.attached",
    ),
    "detach_payment_method": (
        to_detach_a_card,
        "POST /v1/payment_methods/{payment_method}/detach",
        "payment_method.detached",
    ),
    "create_payment": (to_make_a_payment, "POST /v1/payment_intents", "payment_intent.created"),
    "confirm_payment": (to_confirm_a_payment, "POST /v1/payment_intents/{intent}/confirm", "charge.succeeded"),
    "cancel_payment": (to_cancel_a_payment, "POST /v1/payment_intents/{intent}/cancel", "payment_intent.canceled"),
    "refund_payment": (to_refund_a_payment, "POST /v1/refunds", "refund.created"),
    "open_subscription": (to_open_a_subscription, "POST /v1/subscriptions", "charge.succeeded"),
    "schedule_cancellation": (to_schedule_the_end, f"POST {SUBSCRIPTION}", "customer.subscription.updated"),
    "cancel_subscription": (to_cancel_a_subscription, f"DELETE {SUBSCRIPTION}", "customer.subscription.deleted"),
}
EVERY_WRITE = pytest.mark.parametrize(("ready", "route", "event_type"), WRITES.values(), ids=WRITES)


async def meaning_of(call: Awaitable[object]) -> Meaning:
    """
    Make a call, and return the failure it ended in.
    """
    try:
        await call
    except GatewayFailure as failure:
        return type(failure)
    return None


async def times(stripe: Stand, event_type: str) -> int:
    """
    Count how often something happened at Stripe.
    """
    return len((await stripe.api("GET", f"/v1/events?limit=100&type={event_type}"))["data"])


def test_every_fault_of_the_twin_has_its_meaning() -> None:
    """
    A new kind of fault is a row of the table, or this fails.
    """
    assert set(MEANT) == set(KINDS)


@EVERY_WRITE
@EVERY_FAULT
async def test_a_write_that_meets_a_fault_happens_once(
    stripe: Stand, acme: str, visa: str, kind: FaultKind, ready: Ready, route: str, event_type: str
) -> None:
    """
    The failure says whether it may have happened; the same attempt again ends the doubt, and once more changes nothing.
    """
    act, meant = await ready(stripe, acme, visa), MEANT[kind]
    method, template = route.split()
    before = await times(stripe, event_type)
    await stripe.spoil(kind, method=method, template=template, seconds=0.05)

    async with stripe.gateway_that_waits(meant.total_seconds) as waiting:
        failed = await meaning_of(act(waiting))
    await stripe.advance(meant.lasts_seconds)
    again = [await meaning_of(act(stripe.gateway)) for _ in range(2)]

    assert (failed, again) == (meant.of_write(stripe), [None, None])
    assert await stripe.faults_left() == 0
    assert await times(stripe, event_type) == before + 1


@EVERY_FAULT
async def test_a_read_that_meets_a_fault_may_be_repeated(
    stripe: Stand, gateway: StripeGateway, acme: str, kind: FaultKind
) -> None:
    """
    A read has nothing to have happened: it is never an unknown outcome.
    """
    made, meant = await made_payment(gateway, acme), MEANT[kind]
    await stripe.spoil(kind, method="GET", template="/v1/payment_intents/{intent}", seconds=0.05)

    async with stripe.gateway_that_waits(meant.total_seconds) as waiting:
        failed = await meaning_of(waiting.read_payment(made.id))

    assert (failed, await stripe.faults_left()) == (meant.read, 0)
    assert (await gateway.read_payment(made.id)).id == made.id


async def test_a_stored_error_is_repeated_with_its_key(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    The outcome stays unknown for as long as Stripe keeps it, and reading shows that nothing was made.
    """
    await stripe.spoil("error_stored", method="POST", template="/v1/payment_intents")

    outcomes = [await meaning_of(made_payment(gateway, acme)) for _ in range(3)]

    assert outcomes == [OutcomeUnknown] * 3
    assert await stripe.count("payment_intent") == 0


async def test_a_list_that_meets_a_fault_on_its_second_page_fails(
    stripe: Stand, gateway: StripeGateway, acme: str
) -> None:
    """
    A part is never taken for the whole.
    """
    for number in range(101):
        await made_payment(gateway, acme, key=f"payment {number}")
    await stripe.spoil("error_not_stored", method="GET", template="/v1/payment_intents", skip=1)

    with pytest.raises(GatewayUnavailable):
        await only_payment(stripe, acme)


async def test_a_new_key_after_a_lost_answer_pays_twice(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    A planted bug, of the caller this time: the check on one payment notices.
    """
    await stripe.spoil("cut_body", method="POST", template="/v1/payment_intents")

    with pytest.raises(OutcomeUnknown):
        await made_payment(gateway, acme, key="lost")
    await made_payment(gateway, acme, key="a new one")

    with pytest.raises(AssertionError):
        await only_payment(stripe, acme)

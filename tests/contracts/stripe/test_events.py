"""
Events: listed the newest first, delivered with a signature, verified strictly.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.stripe.mail import Delivery, Inbox
from contracts.stripe.paying import made_payment, paid_payment
from contracts.stripe.stand import DAY, Stand
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import API_VERSION, DeliveryRefused, StripeEvent, StripeGateway


async def listed(stripe: Stand, *types: str) -> list[StripeEvent]:
    """
    List what happened since yesterday.
    """
    since = await stripe.now() - timedelta(days=1)
    return [event async for event in stripe.gateway.list_events(created_since=since, types=types)]


async def test_what_happened_is_listed_the_newest_first(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Each with its type, its object, the customer and the version that we speak.
    """
    paid = await paid_payment(gateway, acme, visa)

    events = await listed(stripe)

    assert [event.type for event in events][::-1] == [
        "customer.created",
        "payment_method.attached",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert (events[0].object_id, events[0].object_kind) == (paid.id, "payment_intent")
    assert {event.stripe_customer_id for event in events} == {acme}
    assert {(event.api_version, event.livemode, event.is_thin) for event in events} == {(API_VERSION, False, False)}


async def test_an_event_names_the_attempt_that_caused_it(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Our key and Stripe's id of our call, so that the two can be joined; what time did has neither.
    """
    made = await made_payment(gateway, acme, key="attempt 11")

    (event,) = await listed(stripe, "payment_intent.created")

    assert (event.request_idempotency_key, event.request_id) == ("attempt 11", made.request_id)


async def test_events_are_listed_by_their_types(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Those asked for, and none that was not.
    """
    await paid_payment(gateway, acme, visa)

    events = await listed(stripe, "charge.succeeded", "customer.created", "invoice.paid")

    assert [event.type for event in events] == ["charge.succeeded", "customer.created"]


async def test_more_than_a_page_of_events_is_listed(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Each once, in order.
    """
    made = [(await made_payment(gateway, acme, key=f"payment {number}")).id for number in range(101)]

    events = await listed(stripe, "payment_intent.created")

    assert [event.object_id for event in events] == made[::-1]


async def test_events_are_forgotten_after_thirty_days(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    An outage must not be longer than that.
    """
    since = await stripe.now() - timedelta(days=1)
    await stripe.advance(30 * DAY)

    assert [event async for event in gateway.list_events(created_since=since)] == []


async def test_a_delivery_brings_the_listed_event(stripe: Stand, inbox: Inbox, acme: str) -> None:
    """
    Signed with the endpoint's secret, in the version that we speak.
    """
    delivered = await inbox.verified(await inbox.next())

    (event,) = await listed(stripe, "customer.created")

    assert (delivered.id, delivered.type, delivered.object_id) == (event.id, "customer.created", acme)
    assert (delivered.api_version, delivered.request_idempotency_key) == (API_VERSION, "customer acme")


TAMPERING: dict[str, tuple[Callable[[Delivery], Delivery], str]] = {
    "another body": (lambda good: Delivery(good.body + b" ", good.signatures), "signature_wrong"),
    "another time": (
        lambda good: Delivery(good.body, (f"t=2{good.signatures[0][3:]}",)),
        "signature_wrong",
    ),
    "no signature": (lambda good: Delivery(good.body, ()), "header_missing"),
    "two headers": (lambda good: Delivery(good.body, good.signatures * 2), "header_repeated"),
    "a time only": (lambda good: Delivery(good.body, (good.signatures[0].partition(",")[0],)), "header_malformed"),
}


@pytest.mark.parametrize(("change", "reason"), TAMPERING.values(), ids=TAMPERING)
async def test_a_delivery_that_was_changed_is_refused(
    inbox: Inbox, acme: str, change: Callable[[Delivery], Delivery], reason: str
) -> None:
    """
    In its body, its time or its headers; as it came it is accepted.
    """
    good = await inbox.next()

    with pytest.raises(DeliveryRefused) as refused:
        await inbox.verified(change(good))

    assert refused.value.reason == reason
    assert (await inbox.verified(good)).object_id == acme


async def test_a_delivery_of_another_endpoint_is_refused(inbox: Inbox, acme: str) -> None:
    """
    Its secret is not ours.
    """
    delivery = await inbox.next()

    with pytest.raises(DeliveryRefused) as refused:
        await inbox.verified(delivery, Secret("whsec_anothers"))

    assert refused.value.reason == "signature_wrong"


async def test_during_a_rotation_either_secret_is_enough(stripe: Stand, inbox: Inbox) -> None:
    """
    Stripe signs with both for as long as the old one is valid.
    """
    rolled = await stripe.control(
        "POST", f"webhook_endpoints/{inbox.endpoint_id}/roll_secret", {"previous_valid_seconds": 3600}
    )
    acme = await stripe.customer()

    delivery = await inbox.next()

    assert (await inbox.verified(delivery)).object_id == acme
    assert (await inbox.verified(delivery, Secret(rolled["secret"]))).object_id == acme


@pytest.mark.parametrize(
    ("kind", "reason"), [("badly_signed", "signature_wrong"), ("stale", "too_old")], ids=["badly signed", "stale"]
)
async def test_a_spoilt_delivery_is_refused(stripe: Stand, inbox: Inbox, kind: str, reason: str) -> None:
    """
    With the reason why.
    """
    await stripe.control("POST", "webhook_faults", [{"kind": kind, "seconds": 320}])
    await stripe.customer()

    with pytest.raises(DeliveryRefused) as refused:
        await inbox.verified(await inbox.next())

    assert refused.value.reason == reason


async def test_an_event_of_an_unknown_type_is_still_an_event(stripe: Stand, inbox: Inbox) -> None:
    """
    It can be recorded and answered, whatever it is.
    """
    await stripe.control("POST", "webhook_faults", [{"kind": "unknown_type"}])
    acme = await stripe.customer()

    event = await inbox.verified(await inbox.next())

    assert event.object_id == acme
    assert event.type != "customer.created"


async def test_an_event_of_another_version_says_so(stripe: Stand, inbox: Inbox) -> None:
    """
    So that it can be parked.
    """
    await stripe.control("POST", "webhook_faults", [{"kind": "old_version"}])
    await stripe.customer()

    event = await inbox.verified(await inbox.next())

    assert event.api_version not in {API_VERSION, None}


async def test_an_event_delivered_twice_has_one_id(stripe: Stand, inbox: Inbox) -> None:
    """
    By which the second is recognised.
    """
    await stripe.control("POST", "webhook_faults", [{"kind": "duplicated"}])
    await stripe.customer()

    first = await inbox.verified(await inbox.next())
    second = await inbox.verified(await inbox.next())

    assert first.id == second.id


async def test_an_event_that_never_arrives_is_found_in_the_list(stripe: Stand, inbox: Inbox) -> None:
    """
    It is lost on the way, not at Stripe.
    """
    await stripe.control("POST", "webhook_faults", [{"kind": "dropped", "event_type": "customer.created"}])
    acme = await stripe.customer()
    await stripe.card(acme)

    arrived = await inbox.verified(await inbox.next())
    (lost,) = await listed(stripe, "customer.created")

    assert (arrived.type, lost.object_id) == ("payment_method.attached", acme)

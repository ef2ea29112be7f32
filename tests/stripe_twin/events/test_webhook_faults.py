"""
What goes wrong with webhooks on purpose; in the end every event arrives, or is found by listing.
"""

import pytest
import stripe

from stripe_twin.core import StripeError
from stripe_twin.events import WebhookFault
from stripe_twin.events.faults import WEBHOOK_FAULT_KINDS
from stripe_twin.twin import Twin

pytestmark = pytest.mark.usefixtures("endpoint")


def names(inbox) -> list[str]:
    """
    Return whose events arrived, in order.
    """
    return [post.event["data"]["object"]["name"] for post in inbox.received]


async def test_a_duplicated_event_arrives_twice(sdk: stripe.StripeClient, twin: Twin, inbox, deliver, happen) -> None:
    """
    The same id and the same bytes; it counts as one delivery.
    """
    twin.sender.faults.plan([WebhookFault("duplicated")])
    await happen("ada", "brian")
    await deliver()

    assert names(inbox) == ["ada", "brian", "ada"]
    assert inbox.received[0].body == inbox.received[2].body
    assert [event.pending_webhooks for event in (await sdk.v1.events.list_async()).data] == [0, 0]


async def test_a_reordered_event_arrives_after_the_next(twin: Twin, inbox, deliver, happen) -> None:
    """
    It waits until another one was sent.
    """
    twin.sender.faults.plan([WebhookFault("reordered")])
    await happen("ada")
    assert await deliver() == 0
    await happen("brian")
    await deliver()

    assert names(inbox) == ["brian", "ada"]


async def test_a_reordered_event_that_is_the_last_arrives_alone(twin: Twin, inbox, deliver, happen) -> None:
    """
    After a minute, when nothing else was sent.
    """
    twin.sender.faults.plan([WebhookFault("reordered")])
    await happen("ada")
    await deliver()
    twin.account.advance(twin.account.now + 60)
    await deliver()

    assert names(inbox) == ["ada"]


async def test_a_delayed_event_arrives_later_and_freshly_signed(twin: Twin, inbox, deliver, happen) -> None:
    """
    By so many seconds of the twin's clock.
    """
    twin.sender.faults.plan([WebhookFault("delayed", seconds=90)])
    await happen("ada")
    assert await deliver() == 0
    twin.account.advance(twin.account.now + 90)
    await deliver()

    assert names(inbox) == ["ada"]
    assert inbox.received[0].signed_at == twin.account.now


async def test_a_stale_event_was_signed_long_ago(twin: Twin, inbox, deliver, happen) -> None:
    """
    Only at its first try: the next is signed when it is sent.
    """
    twin.sender.faults.plan([WebhookFault("stale", seconds=301)])
    inbox.answers.extend([400])
    await happen("ada")
    await deliver()
    twin.account.advance(twin.account.now + 600)
    await deliver()

    first, second = inbox.received
    assert (twin.account.now - 600) - first.signed_at == 301
    assert second.signed_at == twin.account.now


async def test_a_dropped_event_is_only_found_by_listing(
    sdk: stripe.StripeClient, twin: Twin, inbox, deliver, happen
) -> None:
    """
    It never arrives, and the list tells which it is.
    """
    twin.sender.faults.plan([WebhookFault("dropped")])
    await happen("ada", "brian")
    await deliver()
    twin.account.advance(twin.account.now + 24 * 3600)
    await deliver()
    missing = await sdk.v1.events.list_async({"delivery_success": False})

    assert names(inbox) == ["brian"]
    assert [event.data.object["name"] for event in missing.data] == ["ada"]


async def test_a_badly_signed_event_is_signed_well_at_the_next_try(
    twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    Stripe's own library refuses the first and accepts the second.
    """
    twin.sender.faults.plan([WebhookFault("badly_signed")])
    inbox.answers.extend([400])
    await happen("ada")
    await deliver()
    twin.account.advance(twin.account.now + 600)
    await deliver()

    first, second = inbox.received
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(first.body, first.signature, endpoint.secret, tolerance=0)
    assert stripe.Webhook.construct_event(second.body, second.signature, endpoint.secret, tolerance=0)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [("old_version", "api_version", "2025-03-31.basil"), ("unknown_type", "type", "unheard_of.happened")],
)
async def test_an_event_in_disguise_is_well_signed(
    twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen, kind: str, field: str, value: str
) -> None:
    """
    An older version or a type nobody knows; listing shows the event as it is.
    """
    twin.sender.faults.plan([WebhookFault(kind)])
    await happen("ada")
    await deliver()

    [post] = inbox.received
    stripe.Webhook.construct_event(post.body, post.signature, endpoint.secret, tolerance=0)
    assert post.event[field] == value
    assert twin.store.all("event")[0][field] != value


async def test_a_burst_is_held_until_it_is_released(twin: Twin, inbox, deliver, happen) -> None:
    """
    Then all of it arrives at once, in order.
    """
    twin.sender.faults.plan([WebhookFault("burst", times=None)])
    await happen("ada", "brian", "carol")
    assert await deliver() == 0
    twin.sender.faults.clear()

    assert twin.sender.release() == 3
    await twin.sender.deliver_due(inbox, at_once=10)

    assert names(inbox) == ["ada", "brian", "carol"]


async def test_a_fault_waits_for_its_type_its_turn_and_its_times(twin: Twin, inbox, deliver, happen) -> None:
    """
    It strikes events of its type, after those it lets pass, as often as it says.
    """
    twin.sender.faults.plan(
        [
            WebhookFault("dropped", event_type="invoice.*", times=None),
            WebhookFault("dropped", event_type="customer.*", times=2, skip=1),
        ]
    )
    await happen("ada", "brian", "carol", "dora")
    await deliver()

    assert names(inbox) == ["ada", "dora"]


async def test_chance_is_the_same_for_the_same_seed(twin: Twin, inbox, deliver, happen) -> None:
    """
    Faults by probability strike some, and the same ones again after clearing.
    """
    everybody = [str(number) for number in range(40)]
    arrived = []
    for _ in range(2):
        twin.sender.faults.clear()
        twin.sender.faults.plan([WebhookFault("dropped", probability=0.5, times=None)])
        await happen(*everybody)
        await deliver()
        arrived.append(names(inbox))
        inbox.received.clear()

    assert arrived[0] == arrived[1]
    assert 5 < len(arrived[0]) < 35


@pytest.mark.parametrize("kind", WEBHOOK_FAULT_KINDS)
async def test_after_any_fault_every_event_arrives_or_is_listed(
    sdk: stripe.StripeClient, twin: Twin, inbox, deliver, happen, kind: str
) -> None:
    """
    Whoever takes deliveries, and lists what is missing, knows everything.
    """
    twin.sender.faults.plan([WebhookFault(kind, probability=0.5, times=None)])
    everybody = [str(number) for number in range(12)]
    await happen(*everybody)
    await deliver()
    twin.account.advance(twin.account.now + 24 * 3600)
    twin.sender.release()
    await deliver()
    missing = await sdk.v1.events.list_async({"delivery_success": False, "limit": 100})

    assert {*names(inbox), *(event.data.object["name"] for event in missing.data)} == set(everybody)


def test_an_unknown_delivery_is_not_sent_again(twin: Twin) -> None:
    """
    There is nothing to send.
    """
    with pytest.raises(StripeError, match="No such delivery"):
        twin.sender.redeliver("whd_nobody")

"""
Events, read back.
"""

from collections.abc import Awaitable, Callable

import pytest
import stripe

from stripe_twin.twin import Twin

DAY = 24 * 3600


async def test_events_are_listed_newest_first(sdk: stripe.StripeClient, happen: Callable[..., Awaitable[None]]) -> None:
    """
    The list begins with what happened last, and pages by cursor.
    """
    await happen("ada", "brian", "carol")

    first = await sdk.v1.events.list_async({"limit": 2})
    rest = await sdk.v1.events.list_async({"limit": 2, "starting_after": first.data[-1].id})

    assert [event.data.object["name"] for event in first.data] == ["carol", "brian"]
    assert [event.data.object["name"] for event in rest.data] == ["ada"]
    assert (first.has_more, rest.has_more) == (True, False)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"type": "customer.created"}, ["customer.created"]),
        ({"type": "customer.*"}, ["customer.updated", "customer.created"]),
        ({"type": "*.created"}, ["product.created", "customer.created"]),
        ({"types": ["product.created", "customer.updated"]}, ["product.created", "customer.updated"]),
        ({"types": ["product.*", "customer.created"]}, ["product.created", "customer.created"]),
        ({"type": "customer"}, []),
    ],
    ids=str,
)
async def test_types_are_chosen_by_name_or_group(sdk: stripe.StripeClient, wanted: dict, found: list[str]) -> None:
    """
    One name, a group by `*`, or up to twenty of both.
    """
    customer = await sdk.v1.customers.create_async({})
    await sdk.v1.customers.update_async(customer.id, {"name": "Ada"})
    await sdk.v1.products.create_async({"name": "Pro"})

    listed = await sdk.v1.events.list_async(wanted)

    assert [event.type for event in listed.data] == found


@pytest.mark.parametrize(
    "wanted", [{"type": "a.b", "types": ["a.b"]}, {"types": ["a.b"] * 21}], ids=["both", "twenty-one"]
)
async def test_contradictory_types_are_refused(sdk: stripe.StripeClient, wanted: dict) -> None:
    """
    Either one type or several, and at most twenty.
    """
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await sdk.v1.events.list_async(wanted)

    assert (refusal.value.http_status, refusal.value.param) == (400, "types")


async def test_events_are_chosen_by_time(
    sdk: stripe.StripeClient, twin: Twin, happen: Callable[..., Awaitable[None]]
) -> None:
    """
    `created` bounds them.
    """
    began = twin.account.now
    await happen("ada")
    twin.account.advance(began + 60)
    await happen("brian")

    late = await sdk.v1.events.list_async({"created": {"gt": began}})
    early = await sdk.v1.events.list_async({"created": {"lte": began}})

    assert [event.data.object["name"] for event in late.data] == ["brian"]
    assert [event.data.object["name"] for event in early.data] == ["ada"]


async def test_events_are_forgotten_after_thirty_days(
    sdk: stripe.StripeClient, twin: Twin, happen: Callable[..., Awaitable[None]]
) -> None:
    """
    One second before, an event is still there; then neither list nor retrieval knows it.
    """
    await happen("ada")
    event = (await sdk.v1.events.list_async()).data[0]

    twin.account.advance(event.created + 30 * DAY - 1)
    kept = await sdk.v1.events.retrieve_async(event.id)
    twin.account.advance(event.created + 30 * DAY)
    listed = await sdk.v1.events.list_async()
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await sdk.v1.events.retrieve_async(event.id)

    assert kept.id == event.id
    assert listed.data == []
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


async def test_undelivered_events_can_be_listed_alone(
    sdk: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    `delivery_success` tells those that arrived from those that have not.
    """
    inbox.answers.extend([500])
    await happen("ada", "brian")
    await deliver()

    arrived = await sdk.v1.events.list_async({"delivery_success": True})
    missing = await sdk.v1.events.list_async({"delivery_success": False})

    assert [event.data.object["name"] for event in arrived.data] == ["brian"]
    assert [(event.data.object["name"], event.pending_webhooks) for event in missing.data] == [("ada", 1)]

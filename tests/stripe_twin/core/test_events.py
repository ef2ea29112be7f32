"""
Events: one for each change, with what was before, and who asked.
"""

import stripe

from stripe_twin.core.records import changed_attributes
from stripe_twin.twin import Twin


def test_previous_attributes_are_the_old_values_of_what_changed() -> None:
    """
    Hashes key by key, lists whole, a new key as null.
    """
    before = {"name": "Ada", "address": {"city": "London", "line1": "A"}, "tags": [1, 2], "same": {"a": 1}}
    after = {
        "name": "Grace",
        "address": {"city": "Paris", "line1": "A"},
        "tags": [1, 3],
        "same": {"a": 1},
        "phone": "1",
    }

    assert changed_attributes(before, after) == {
        "name": "Ada",
        "address": {"city": "London"},
        "tags": [1, 2],
        "phone": None,
    }


async def test_an_update_tells_what_was_before_and_who_asked(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    The event carries our idempotency key and the id of the request.
    """
    customer = await sdk.v1.customers.create_async({"name": "Ada", "metadata": {"rank": "1"}})
    updated = await sdk.v1.customers.update_async(
        customer.id, {"name": "Grace", "metadata": {"rank": "2"}}, {"idempotency_key": "rename"}
    )

    event = (await sdk.v1.events.list_async({"type": "customer.updated"})).data[0]

    assert event.data.to_dict()["previous_attributes"] == {"name": "Ada", "metadata": {"rank": "1"}}
    assert event.data.object["name"] == "Grace"
    assert event.request is not None
    assert updated.last_response is not None
    assert (event.request.id, event.request.idempotency_key) == (updated.last_response.request_id, "rename")


async def test_a_call_that_is_refused_emits_nothing(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    An event is part of the unit that it tells of.
    """
    before = twin.store.count("event")

    try:
        await sdk.v1.customers.update_async("cus_nobody", {"name": "Ada"})
    except stripe.InvalidRequestError as error:
        refused = error

    assert refused.code == "resource_missing"
    assert twin.store.count("event") == before


async def test_the_same_seed_and_calls_give_the_same_ids(twin: Twin) -> None:
    """
    What a test saw once it sees again.
    """
    from stripe_twin.embedded import sdk_client  # noqa: PLC0415 -- a second twin, for this test only

    ids = []
    for _ in range(2):
        other = sdk_client(Twin(seed="same"))
        ids.append([(await other.v1.customers.create_async({})).id for _ in range(3)])

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3

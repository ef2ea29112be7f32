"""
Faults, latency and the idempotency store through the control.
"""

import httpx
import pytest
import stripe

from stripe_twin.twin import Twin

URL = "http://127.0.0.1:1/hook"


async def received(twin: Twin) -> list[str]:
    """
    Send what is due, and return the URLs it went to.
    """
    seen: list[str] = []

    async def post(url: str, *_rest: object) -> int:
        seen.append(url)
        return 200

    await twin.sender.deliver_due(post)
    return seen


async def test_planned_faults_strike_and_are_listed(http: httpx.AsyncClient, sdk: stripe.StripeClient) -> None:
    """
    The next call of that route fails as planned; the list tells how often each still strikes.
    """
    planned = await http.post(
        "/_twin/faults", json=[{"kind": "conflict", "method": "POST", "template": "/v1/customers"}]
    )
    await sdk.v1.customers.list_async()
    with pytest.raises(stripe.StripeError) as refusal:
        await sdk.v1.customers.create_async({})
    left = await http.get("/_twin/faults")
    await sdk.v1.customers.create_async({})

    assert [fault["times"] for fault in planned.json()["faults"]] == [1]
    assert refusal.value.http_status == 409
    assert [fault["times"] for fault in left.json()["faults"]] == [0]


async def test_cleared_faults_strike_no_more(http: httpx.AsyncClient, sdk: stripe.StripeClient) -> None:
    """
    Also those that were planned for ever; latency ends with them.
    """
    await http.post("/_twin/faults", json=[{"kind": "rate_limited", "times": None}])
    await http.post("/_twin/latency", json={"seconds": 0.001})
    cleared = await http.delete("/_twin/faults")

    assert cleared.json() == {"faults": []}
    assert (await http.get("/_twin/latency")).json() == {"seconds": 0}
    assert (await sdk.v1.customers.create_async({})).id


async def test_webhook_faults_are_planned_released_and_cleared(
    http: httpx.AsyncClient, sdk: stripe.StripeClient, twin: Twin
) -> None:
    """
    A burst holds what happens until it is released.
    """
    await sdk.v1.webhook_endpoints.create_async({"url": URL, "enabled_events": ["*"]})
    await http.post("/_twin/webhook_faults", json=[{"kind": "burst", "times": None}])
    await sdk.v1.customers.create_async({})
    await sdk.v1.customers.create_async({})
    during = await received(twin)
    listed = (await http.get("/_twin/webhook_faults")).json()["webhook_faults"]
    released = (await http.post("/_twin/webhook_faults/release")).json()
    cleared = (await http.delete("/_twin/webhook_faults")).json()
    after = await received(twin)

    assert [one["kind"] for one in listed] == ["burst"]
    assert (released, cleared) == ({"released": 2}, {"webhook_faults": []})
    assert (during, after) == ([], [URL, URL])


async def test_without_the_idempotency_store_a_repeat_is_executed(
    http: httpx.AsyncClient, sdk: stripe.StripeClient
) -> None:
    """
    Two customers under one key; switched on again, one.
    """

    async def ids() -> set[str]:
        return {(await sdk.v1.customers.create_async({}, {"idempotency_key": "same"})).id for _ in range(2)}

    off = await http.post("/_twin/idempotency", json={"on": False})
    without = await ids()
    await http.post("/_twin/idempotency", json={"on": True})
    with_store = await ids()

    assert off.json() == {"on": False}
    assert (len(without), len(with_store)) == (2, 1)


async def test_deliveries_are_listed_and_sent_again(
    http: httpx.AsyncClient, sdk: stripe.StripeClient, twin: Twin
) -> None:
    """
    Newest first with their tries, chosen by state or event.
    """
    endpoint = await sdk.v1.webhook_endpoints.create_async({"url": URL, "enabled_events": ["*"]})
    await sdk.v1.customers.create_async({})
    await received(twin)
    await sdk.v1.products.create_async({"name": "Pro"})

    everything = (await http.get("/_twin/deliveries")).json()
    arrived = (await http.get("/_twin/deliveries?state=delivered")).json()["deliveries"]
    of_event = (await http.get(f"/_twin/deliveries?event={arrived[0]['event']}&endpoint={endpoint.id}&limit=1")).json()
    again = await http.post(f"/_twin/deliveries/{arrived[0]['id']}/redeliver")

    assert [one["type"] for one in everything["deliveries"]] == ["product.created", "customer.created"]
    assert [one["tries"][0]["status"] for one in arrived] == [200]
    assert of_event == {"deliveries": arrived, "count": 1}
    assert again.json()["state"] == "waiting"
    assert len(await received(twin)) == 2


async def test_a_secret_is_rolled(http: httpx.AsyncClient, sdk: stripe.StripeClient) -> None:
    """
    The new one is shown, once; the old one stays valid for a day at most.
    """
    endpoint = await sdk.v1.webhook_endpoints.create_async({"url": URL, "enabled_events": ["*"]})
    path = f"/_twin/webhook_endpoints/{endpoint.id}/roll_secret"

    rolled = (await http.post(path, json={"previous_valid_seconds": 3600})).json()["secret"]
    too_long = await http.post(path, json={"previous_valid_seconds": 86401})

    assert rolled.startswith("whsec_")
    assert rolled != endpoint.secret
    assert too_long.status_code == 400

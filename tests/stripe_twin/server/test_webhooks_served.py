"""
The server sends webhooks by itself: promptly, signed by the machine's clock, to this machine only.
"""

import httpx
import stripe


def test_events_arrive_by_themselves(serve, receiver, until) -> None:
    """
    Signed so that Stripe's own library takes them by the machine's clock, wherever the twin's clock stands.
    """
    served = serve()
    sdk = served.sdk()
    endpoint = sdk.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    httpx.post(f"{served.url}/_twin/clock", json={"advance_seconds": 40 * 24 * 3600})
    customer = sdk.v1.customers.create({"name": "Ada"})

    signature, body = until(lambda: receiver.received)[0]

    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
    assert event.data.object["id"] == customer.id
    assert until(lambda: httpx.get(f"{served.url}/_twin/deliveries?state=delivered").json()["count"]) == 1


def test_what_was_not_sent_is_sent_after_a_restart(serve, receiver, until) -> None:
    """
    A burst that was held when the process was killed arrives when it is released.
    """
    served = serve()
    served.sdk().v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    httpx.post(f"{served.url}/_twin/webhook_faults", json=[{"kind": "burst", "times": None}])
    for _ in range(5):
        served.sdk().v1.customers.create({})
    until(lambda: httpx.get(f"{served.url}/_twin/deliveries?state=held").json()["count"] == 5)
    served.kill()

    served = serve()
    httpx.post(f"{served.url}/_twin/webhook_faults/release")

    assert until(lambda: len(receiver.received) == 5)


def test_nothing_leaves_this_machine(serve, until) -> None:
    """
    An endpoint elsewhere is recorded as failed, with the reason.
    """
    served = serve()
    served.sdk().v1.webhook_endpoints.create({"url": "https://acme.test/hook", "enabled_events": ["*"]})
    served.sdk().v1.customers.create({})

    def tries() -> list[dict]:
        return httpx.get(f"{served.url}/_twin/deliveries").json()["deliveries"][0]["tries"]

    [attempt] = until(tries)
    assert (attempt["status"], attempt["error"]) == (None, "not this machine: nothing was sent")

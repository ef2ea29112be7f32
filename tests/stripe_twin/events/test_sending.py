"""
Deliveries: who gets them, how they are signed, how often they are tried.
"""

import hashlib
import hmac
import re

import pytest
import stripe

from stripe_twin.core import StripeError
from stripe_twin.embedded import sdk_client
from stripe_twin.events import LIVE_RETRY_SECONDS, roll_secret, set_retry_seconds
from stripe_twin.twin import Twin

URL = "http://127.0.0.1:1/hook"
DAY = 24 * 3600


def signatures(header: str, scheme: str = "v1") -> list[str]:
    """
    Return the signatures of a scheme.
    """
    return re.findall(rf",{scheme}=([0-9a-f]{{64}})", header)


def signed(secret: str, at: int, body: bytes) -> str:
    """
    Sign as Stripe's documentation says.
    """
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


async def test_an_event_arrives_signed(endpoint: stripe.WebhookEndpoint, inbox, deliver, happen) -> None:
    """
    Stripe's own library accepts the body and its signature.
    """
    await happen("ada")
    await deliver()

    [post] = inbox.received
    event = stripe.Webhook.construct_event(post.body, post.signature, endpoint.secret, tolerance=0)
    assert (event.type, event.data.object["name"]) == ("customer.created", "ada")
    assert post.url == endpoint.url
    assert post.headers["content-type"] == "application/json; charset=utf-8"


async def test_the_signature_is_as_documented(
    twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    HMAC-SHA256 over time, dot and raw body; beside it a fake v0, as test events have.
    """
    await happen("ada")
    await deliver()

    [post] = inbox.received
    assert post.signed_at == twin.account.now
    assert signatures(post.signature) == [signed(endpoint.secret, twin.account.now, post.body)]
    assert len(signatures(post.signature, "v0")) == 1
    assert signatures(post.signature, "v0") != signatures(post.signature)


async def test_the_signing_time_can_be_that_of_another_clock(inbox) -> None:
    """
    A receiver compares with its own clock, so a served twin signs with the machine's.
    """
    twin = Twin(signed_at=lambda: 12345)
    client = sdk_client(twin)
    await client.v1.webhook_endpoints.create_async({"url": URL, "enabled_events": ["*"]})
    await client.v1.customers.create_async({})

    await twin.sender.deliver_due(inbox)

    assert inbox.received[0].signed_at == 12345


async def test_each_endpoint_gets_the_types_it_wants(sdk: stripe.StripeClient, twin: Twin, inbox, happen) -> None:
    """
    One delivery per endpoint that asks for the type; the event counts them.
    """
    create = sdk.v1.webhook_endpoints.create_async
    await create({"url": f"{URL}/all", "enabled_events": ["*"]})
    await create({"url": f"{URL}/customers", "enabled_events": ["customer.created"]})
    await create({"url": f"{URL}/invoices", "enabled_events": ["invoice.paid"]})
    disabled = await create({"url": f"{URL}/disabled", "enabled_events": ["*"]})
    await sdk.v1.webhook_endpoints.update_async(disabled.id, {"disabled": True})
    await happen("ada")

    event = (await sdk.v1.events.list_async()).data[0]
    await twin.sender.deliver_due(inbox)

    assert event.pending_webhooks == 2
    assert [post.url for post in inbox.received] == [f"{URL}/all", f"{URL}/customers"]
    assert (await sdk.v1.events.retrieve_async(event.id)).pending_webhooks == 0


async def test_an_undone_call_sends_nothing(
    sdk: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, inbox, deliver
) -> None:
    """
    What a refused call would have told is not told.
    """
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.customers.create_async({"payment_method": "pm_nobody"})

    assert await deliver() == 0


async def test_a_failed_delivery_is_tried_three_times_more(
    twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    In test mode over a few hours, whatever kind of failure it was; then it is given up.
    """
    began = twin.account.now
    inbox.answers.extend([500, None, 302, 404])
    await happen("ada")
    await deliver()
    tries = [len(inbox.received)]
    for seconds in (599, 600, 600 + 3600, 600 + 3600 + 7200, 10 * DAY):
        twin.account.advance(began + seconds)
        await deliver()
        tries.append(len(inbox.received))

    [delivery] = twin.store.all("_delivery")
    assert tries == [1, 1, 2, 3, 4, 4]
    assert delivery["state"] == "failed"
    assert [one["status"] or one["error"] for one in delivery["tries"]] == [500, "nobody there", 302, 404]


async def test_each_try_is_signed_afresh_over_the_same_bytes(
    twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    The body never changes, time and signature do.
    """
    inbox.answers.extend([500])
    await happen("ada")
    await deliver()
    twin.account.advance(twin.account.now + 600)
    await deliver()

    first, second = inbox.received
    assert first.body == second.body
    assert second.signed_at == first.signed_at + 600
    assert first.signature != second.signature


async def test_the_pauses_between_tries_can_be_set(
    twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    As in live mode, for up to three days.
    """
    with twin.store.unit():
        set_retry_seconds(twin.account, list(LIVE_RETRY_SECONDS))
    inbox.answers.extend([500] * 8)
    await happen("ada")
    await deliver()
    for pause in LIVE_RETRY_SECONDS:
        twin.account.advance(twin.account.now + pause)
        await deliver()

    assert len(inbox.received) == 9
    assert sum(LIVE_RETRY_SECONDS) <= 3 * DAY
    assert twin.store.all("_delivery")[0]["state"] == "delivered"


def test_a_pause_of_nothing_is_refused(twin: Twin) -> None:
    """
    A try that follows at once would never end.
    """
    with pytest.raises(StripeError, match="1 second"), twin.store.unit():
        set_retry_seconds(twin.account, [60, 0])


async def test_while_a_secret_is_rolled_both_sign(
    twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    The new secret first, the old one until its time is over.
    """
    with twin.store.unit():
        new = roll_secret(twin.account, endpoint.id, previous_valid_seconds=3600)
    await happen("ada")
    await deliver()
    twin.account.advance(twin.account.now + 3600)
    await happen("brian")
    await deliver()

    during, after = inbox.received
    assert signatures(during.signature) == [
        signed(new, during.signed_at, during.body),
        signed(endpoint.secret, during.signed_at, during.body),
    ]
    assert signatures(after.signature) == [signed(new, after.signed_at, after.body)]


async def test_a_deleted_endpoint_gets_nothing_more(
    sdk: stripe.StripeClient, twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    Further tries are off as soon as the endpoint is.
    """
    inbox.answers.extend([500])
    await happen("ada")
    await deliver()
    await sdk.v1.webhook_endpoints.delete_async(endpoint.id)
    twin.account.advance(twin.account.now + DAY)

    assert await deliver() == 0
    assert twin.store.all("_delivery")[0]["state"] == "failed"


async def test_an_endpoint_that_fails_for_days_is_disabled(
    sdk: stripe.StripeClient, twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    Three days and twenty tries without one success; no event tells of it.
    """
    inbox.answers.extend([500] * 100)
    await happen(*"abcdefghijklmnopqrstu")
    await deliver()
    before = await sdk.v1.webhook_endpoints.retrieve_async(endpoint.id)
    twin.account.advance(twin.account.now + 3 * DAY)
    await deliver()
    after = await sdk.v1.webhook_endpoints.retrieve_async(endpoint.id)

    assert (before.status, after.status) == ("enabled", "disabled")
    assert len(inbox.received) == 22


async def test_one_success_forgives_an_endpoint(
    sdk: stripe.StripeClient, twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    The days are counted anew from the next failure.
    """
    inbox.answers.extend([*[500] * 20, 200, *[500] * 19])
    await happen(*"abcdefghijklmnopqrst")
    await deliver()
    twin.account.advance(twin.account.now + 3 * DAY)
    await deliver()

    assert (await sdk.v1.webhook_endpoints.retrieve_async(endpoint.id)).status == "enabled"


async def test_a_delivery_can_be_sent_once_more(
    sdk: stripe.StripeClient, twin: Twin, endpoint: stripe.WebhookEndpoint, inbox, deliver, happen
) -> None:
    """
    Also one that had arrived; the event's count stays right.
    """
    await happen("ada")
    await deliver()
    delivery = twin.store.all("_delivery")[0]

    twin.sender.redeliver(delivery["id"])
    await deliver()

    assert inbox.types == ["customer.created"] * 2
    assert (await sdk.v1.events.list_async()).data[0].pending_webhooks == 0


async def test_what_a_receiver_causes_is_sent_as_well(
    sdk: stripe.StripeClient, twin: Twin, endpoint: stripe.WebhookEndpoint, inbox
) -> None:
    """
    A receiver may call the API before it answers; the events of that follow.
    """
    customer = await sdk.v1.customers.create_async({})

    async def post(url: str, headers, body: bytes) -> int:
        await inbox(url, headers, body)
        if len(inbox.received) == 1:  # only then, else it would never end
            await sdk.v1.customers.update_async(customer.id, {"name": "Ada"})
        return 200

    await twin.sender.deliver_due(post)

    assert inbox.types == ["customer.created", "customer.updated"]


async def test_a_stopped_sender_notes_nothing(twin: Twin, endpoint: stripe.WebhookEndpoint, happen) -> None:
    """
    A reset in the middle of a post leaves the closed state alone.
    """

    async def post(*_post: object) -> int:
        twin.sender.stop()
        return 200

    await happen("ada", "brian")
    await twin.sender.deliver_due(post)

    assert [one["tries"] for one in twin.store.all("_delivery")] == [[], []]

"""
Subscriptions over the wire: what is answered, and what is refused in which words.
"""

from typing import Any

import asyncpg
import httpx
import pytest

from api.wire import INVOICES, METHODS, STORE, SUBSCRIPTION, caller, fix, usage_of
from factories.catalogs import CATALOGS
from rsolv.api import Parts
from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

WISH = {"plan": "pro", "billing_consent": True}
PRO = CATALOGS["current"].plans["pro"]
CARD = {"stripe_payment_method_id": "pm_card_visa", "billing_consent": True}


async def add_card(client: httpx.AsyncClient, card: str = "pm_card_visa") -> None:
    """
    Add a card with consent.
    """
    answer = await client.post(METHODS, json={**CARD, "stripe_payment_method_id": card})
    assert answer.status_code == httpx.codes.CREATED, answer.text


async def subscribed(client: httpx.AsyncClient) -> dict[str, Any]:
    """
    Add a card, subscribe, and return what is answered.
    """
    await add_card(client)
    answer = await client.post(SUBSCRIPTION, json=WISH)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return dict(answer.json()["subscription"])


async def test_subscribing_answers_with_the_subscription(acme_client: httpx.AsyncClient) -> None:
    """
    And so does asking for it; usage shows plan, state and the price of a fix beyond the credits.
    """
    before = (await usage_of(acme_client))["credit_balance"]
    opened = await subscribed(acme_client)
    shown = (await acme_client.get(SUBSCRIPTION)).json()["subscription"]
    usage = await usage_of(acme_client)

    assert shown == opened
    assert (opened["state"], opened["plan"], opened["price_cents"]) == ("active", "pro", PRO.monthly_price_cents)
    assert (usage["subscription_type"], usage["subscription_state"]) == ("pro", "active")
    assert usage["credit_balance"] == before + 5 + PRO.period_credits
    assert usage["pricing"]["next_fix_cents"] == PRO.fix_price_cents


async def test_who_never_subscribed_has_no_subscription(acme_client: httpx.AsyncClient) -> None:
    """
    That is an answer, no error.
    """
    assert (await acme_client.get(SUBSCRIPTION)).json() == {"subscription": None}
    assert (await acme_client.get(INVOICES)).json() == {"invoices": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"plan": "pro"}, 422, "billing_consent_required"),
        ({**WISH, "plan": "trial"}, 422, "plan_not_sold"),
        ({**WISH, "plan": "PRO"}, 422, "validation_failed"),
        ({**WISH, "trial_days": 30}, 422, "validation_failed"),
        (WISH, 402, "no_billing_info"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_happens(
    acme_client: httpx.AsyncClient, twin: Twin, owner: asyncpg.Connection, body: dict[str, Any], status: int, code: str
) -> None:
    """
    Nothing at Stripe, no row of ours.
    """
    answer = await acme_client.post(SUBSCRIPTION, json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert twin.store.count("price") == 0
    assert await owner.fetchval("SELECT count(*) FROM subscriptions") == 0


async def test_without_a_card_and_with_a_subscription_the_words_differ(acme_client: httpx.AsyncClient) -> None:
    """
    402 and 409, each with its code.
    """
    await add_card(acme_client)
    (card,) = (await acme_client.get(METHODS)).json()["payment_methods"]
    await acme_client.delete(f"{METHODS}/{card['id']}")
    without_card = await acme_client.post(SUBSCRIPTION, json=WISH)
    await subscribed(acme_client)
    again = await acme_client.post(SUBSCRIPTION, json=WISH)
    (other,) = (await acme_client.get(METHODS)).json()["payment_methods"]
    removal = await acme_client.delete(f"{METHODS}/{other['id']}")

    assert (without_card.status_code, without_card.json()["code"]) == (402, "no_payment_method")
    assert (again.status_code, again.json()["code"]) == (409, "already_subscribed")
    assert (removal.status_code, removal.json()["code"]) == (409, "payment_method_needed")


async def test_a_repeat_with_the_same_idempotency_key_is_the_same_subscription(
    acme_client: httpx.AsyncClient, twin: Twin
) -> None:
    """
    Also after an answer that was lost; another plan under the key is refused.
    """
    await add_card(acme_client)
    twin.faults.plan([Fault("cut_body", method="POST", template="/v1/subscriptions")])
    keyed = {"idempotency-key": "first"}

    lost = await acme_client.post(SUBSCRIPTION, json=WISH, headers=keyed)
    opened = await acme_client.post(SUBSCRIPTION, json=WISH, headers=keyed)
    again = await acme_client.post(SUBSCRIPTION, json=WISH, headers=keyed)

    assert (lost.status_code, lost.json()["code"]) == (503, "payments_unavailable")
    assert opened.json() == again.json()
    assert opened.json()["subscription"]["state"] == "active"
    assert twin.store.count("subscription") == 1


async def test_a_bank_that_wants_the_customer_is_a_page_to_go_to(acme_client: httpx.AsyncClient) -> None:
    """
    201, incomplete, with the address.
    """
    await add_card(acme_client, "pm_card_authenticationRequired")

    answer = await acme_client.post(SUBSCRIPTION, json=WISH)

    opened = answer.json()["subscription"]
    assert (answer.status_code, opened["state"]) == (httpx.codes.CREATED, "incomplete")
    assert opened["action_url"].startswith("http")
    assert (await usage_of(acme_client))["subscription_type"] == "pay_as_you_go"


async def test_an_end_is_scheduled_taken_back_and_made_at_once(acme_client: httpx.AsyncClient) -> None:
    """
    Each answers with the subscription as it then is; afterwards there is none to end.
    """
    await subscribed(acme_client)

    scheduled = (await acme_client.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": True})).json()["subscription"]
    resumed = (await acme_client.post(f"{SUBSCRIPTION}/resume")).json()["subscription"]
    ended = (await acme_client.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": False})).json()["subscription"]
    refused = [
        await acme_client.post(f"{SUBSCRIPTION}/cancel", json={}),
        await acme_client.post(f"{SUBSCRIPTION}/resume"),
    ]
    usage = await usage_of(acme_client)

    assert (scheduled["state"], scheduled["cancel_at"]) == ("active", scheduled["period_ends_at"])
    assert (resumed["cancel_at_period_end"], resumed["cancel_at"]) == (False, None)
    assert (ended["state"], usage["subscription_type"]) == ("canceled", "pay_as_you_go")
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "no_active_subscription")}
    assert usage["pricing"]["next_fix_cents"] == CATALOGS["current"].plans["pay_as_you_go"].fix_price_cents


async def test_a_preview_says_what_it_costs_before_and_after(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, twin: Twin
) -> None:
    """
    From the catalogue, from Stripe, and for the next invoice; and as last month was. Nothing is bought.
    """
    await acme_client.post(STORE, json=fix(1))
    await owner.execute(
        "UPDATE fixes SET settled_at = date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 day'"
    )
    unknown = (await acme_client.post(f"{SUBSCRIPTION}/preview", json={"plan": "pro"})).json()
    await add_card(acme_client)
    known = (await acme_client.post(f"{SUBSCRIPTION}/preview", json={"plan": "pro"})).json()
    bought = twin.store.count("subscription")
    await acme_client.post(SUBSCRIPTION, json=WISH)
    running = (await acme_client.post(f"{SUBSCRIPTION}/preview", json={"plan": "pro"})).json()
    await acme_client.post(f"{SUBSCRIPTION}/cancel", json={})
    ending = (await acme_client.post(f"{SUBSCRIPTION}/preview", json={"plan": "pro"})).json()

    month = PRO.monthly_price_cents
    assert [(each["today_cents"], each["next_cents"]) for each in (unknown, known, running, ending)] == [
        *((month, month), (month, month), (0, month), (0, 0))
    ]
    assert bought == 0
    assert (known["fixes_last_month"], known["last_month_on_plan_cents"]) == (1, month)
    assert known["last_month_pay_as_you_go_cents"] == CATALOGS["current"].plans["pay_as_you_go"].fix_price_cents
    assert "$599.00" in known["agreement"]
    assert running["next_at"] is not None


async def test_an_invoice_shows_its_lines_and_pages(acme_client: httpx.AsyncClient) -> None:
    """
    Stripe's hosted page and document, and the credits that a line brought.
    """
    await subscribed(acme_client)

    (invoice,) = (await acme_client.get(INVOICES)).json()["invoices"]
    explained = (await acme_client.get(f"{INVOICES}/{invoice['id']}")).json()
    unknown = await acme_client.get(f"{INVOICES}/{int(invoice['id']) + 1}")

    assert (invoice["state"], invoice["reason"]) == ("paid", "subscription_create")
    assert (invoice["amount_paid_cents"], invoice["hosted_url"] is not None) == (PRO.monthly_price_cents, True)
    assert invoice["pdf_url"].endswith("/pdf")
    assert explained["invoice"] == invoice
    assert [(line["amount_cents"], line["credits"]) for line in explained["lines"]] == [
        (PRO.monthly_price_cents, PRO.period_credits)
    ]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_invoice")


async def test_invoices_come_a_page_at_a_time(acme_client: httpx.AsyncClient) -> None:
    """
    The newest first, until there is no cursor.
    """
    for _ in range(3):
        await acme_client.post(METHODS, json=CARD)
        await acme_client.post(SUBSCRIPTION, json=WISH)
        await acme_client.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": False})

    first = (await acme_client.get(INVOICES, params={"limit": 2})).json()
    second = (await acme_client.get(INVOICES, params={"limit": 2, "cursor": first["next_cursor"]})).json()

    ids = [int(each["id"]) for each in first["invoices"] + second["invoices"]]
    assert (len(ids), ids) == (3, sorted(ids, reverse=True))
    assert second["next_cursor"] is None


async def test_another_customers_subscription_and_invoices_are_not_seen(
    acme_client: httpx.AsyncClient, globex_client: httpx.AsyncClient
) -> None:
    """
    Nor ended by them.
    """
    await subscribed(acme_client)
    (invoice,) = (await acme_client.get(INVOICES)).json()["invoices"]

    assert (await globex_client.get(SUBSCRIPTION)).json() == {"subscription": None}
    assert (await globex_client.get(f"{INVOICES}/{invoice['id']}")).status_code == httpx.codes.NOT_FOUND
    assert (await globex_client.post(f"{SUBSCRIPTION}/cancel", json={})).status_code == httpx.codes.CONFLICT
    assert (await acme_client.get(SUBSCRIPTION)).json()["subscription"]["state"] == "active"


async def test_an_installation_without_stripe_says_so(parts: Parts, acme_client: httpx.AsyncClient) -> None:
    """
    503 on what asks Stripe; what we know is still shown.
    """
    async with caller(parts, gateway=None, key=acme_client.headers["x-api-key"]) as client:
        answer = await client.post(SUBSCRIPTION, json=WISH)
        shown = await client.get(SUBSCRIPTION)

    assert (answer.status_code, answer.json()["code"]) == (503, "payments_unavailable")
    assert shown.status_code == httpx.codes.OK


async def test_while_billing_is_off_nobody_subscribes(parts: Parts, acme_client: httpx.AsyncClient, twin: Twin) -> None:
    """
    409 with its own code, and nothing is charged; what there is can still be ended.
    """
    await subscribed(acme_client)
    await acme_client.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": False})

    async with caller(parts, billing_enabled=False, key=acme_client.headers["x-api-key"]) as client:
        answer = await client.post(SUBSCRIPTION, json=WISH)

    assert (answer.status_code, answer.json()["code"]) == (409, "billing_off")
    assert twin.store.count("subscription") == 1

"""
/api/v1/billing/payment-methods and what belongs to it.
"""

import asyncio
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from api.wire import CONSENT, METHODS, ONBOARD, SETUP, all_at_once, billing_of, caller, contents, fix, usage_of
from factories.catalogs import CATALOGS
from factories.paying import attached, bonuses, count
from rsolv.api import Parts
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.twin import Twin

VISA = {"stripe_payment_method_id": "pm_card_visa", "billing_consent": True}
CONSENTED = {"billing_consent": True}
NO_CONSENT = [{}, {"billing_consent": False}]


async def added(client: httpx.AsyncClient, card: str = "pm_card_visa") -> dict[str, Any]:
    """
    Add a card that was set up elsewhere.
    """
    answer = await client.post(METHODS, json=VISA | {"stripe_payment_method_id": card})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return dict(answer.json())


async def methods_of(client: httpx.AsyncClient) -> dict[str, Any]:
    """
    Ask for the payment methods and consents.
    """
    answer = await client.get(METHODS)
    assert answer.status_code == httpx.codes.OK, answer.text
    return dict(answer.json())


# --- consent


@pytest.mark.parametrize("given", NO_CONSENT, ids=["missing", "false"])
@pytest.mark.parametrize(
    ("path", "body"), [(SETUP, {}), (METHODS, {"stripe_payment_method_id": "pm_card_visa"})], ids=["setup", "attach"]
)
async def test_without_consent_nothing_happens_anywhere(
    acme_client: httpx.AsyncClient,
    owner: asyncpg.Connection,
    twin: Twin,
    path: str,
    body: dict[str, Any],
    given: dict[str, bool],
) -> None:
    """
    422 by the name of the field; no row is written, and Stripe is not asked.
    """
    before = await contents(owner)

    answer = await acme_client.post(path, json=body | given)

    assert (answer.status_code, answer.json()["code"]) == (422, "billing_consent_required")
    assert list(answer.json()["errors"]) == ["billing_consent"]
    assert await contents(owner) == before
    assert [twin.store.count(kind) for kind in ("customer", "checkout.session", "event")] == [0, 0, 0]


@pytest.mark.parametrize("catalog_name", ["current", "draft"])
async def test_what_is_agreed_to_is_shown_before_and_after(acme_client: httpx.AsyncClient, catalog_name: str) -> None:
    """
    The offer has the text with the price in it; the consent that stands names the same.
    """
    before = await methods_of(acme_client)
    await added(acme_client)
    after = await methods_of(acme_client)

    catalog = CATALOGS[catalog_name]
    price = max(plan.fix_price_cents or 0 for plan in catalog.plans.values())
    offer = before["consent_offer"]
    assert before["consent"] is None
    assert (offer["currency"], offer["fix_price_cents"]) == (catalog.currency, price)
    assert f"${price // 100}.{price % 100:02d}" in offer["text"]
    given = after["consent"]
    assert {name: given[name] for name in ("text_version", "currency", "fix_price_cents")} == {
        name: offer[name] for name in ("text_version", "currency", "fix_price_cents")
    }


async def test_consent_can_be_withdrawn(acme_client: httpx.AsyncClient) -> None:
    """
    The card stays; a repeat finds nothing to withdraw.
    """
    await added(acme_client)

    answers = [await acme_client.delete(CONSENT) for _ in range(2)]

    found = await methods_of(acme_client)
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (200, {"withdrawn": 1}),
        (200, {"withdrawn": 0}),
    ]
    assert (len(found["payment_methods"]), found["consent"]) == (1, None)


async def test_evidence_has_the_callers_address_and_program(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    As the connection has them, cut to what is needed; the key that was used is the actor.
    """
    agent = "curl/8 " + "x" * 1_000
    await acme_client.post(METHODS, json=VISA, headers={"user-agent": agent})

    consent = await owner.fetchrow("SELECT * FROM consents")
    key_id = await owner.fetchval("SELECT id FROM api_keys")
    assert (consent["ip"], consent["user_agent"]) == ("127.0.0.1", agent[:500])
    assert consent["actor"] == f"customer:api key {key_id}"


async def test_bytes_in_the_program_that_are_no_text_are_no_crash(acme_client: httpx.AsyncClient) -> None:
    """
    Evidence shows them as question marks.
    """
    answer = await acme_client.post(METHODS, json=VISA, headers=[(b"user-agent", b"a\x01\xff\x85b")])

    assert answer.status_code == httpx.codes.CREATED


# --- the hosted page


async def test_a_page_is_opened_and_its_address_told(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, twin: Twin
) -> None:
    """
    201 with the address, our id of it and when it expires; Stripe leads back to us.
    """
    answer = await acme_client.post(SETUP, json=CONSENTED)

    (session,) = twin.store.all("checkout.session")
    told = answer.json()
    assert answer.status_code == httpx.codes.CREATED
    assert (told["url"], told["setup_id"]) == (session["url"], str(await owner.fetchval("SELECT id FROM card_setups")))
    assert datetime.fromisoformat(told["expires_at"]).timestamp() == session["expires_at"]
    assert session["success_url"] == "http://api.test/billing/payment-methods/return?setup={CHECKOUT_SESSION_ID}"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html", 303),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 303),
        ("application/json;q=0.5, text/html", 303),
        ("text/html;q=0.9, application/json", 201),
        ("text/html;q=0, */*", 201),
        ("text/html;q=nonsense", 201),
        ("text/html, application/*", 201),
        ("application/json", 201),
        ("*/*", 201),
        ("", 201),
    ],
)
async def test_a_browser_is_sent_to_the_page(acme_client: httpx.AsyncClient, accept: str, status: int) -> None:
    """
    Whoever prefers a page to JSON gets a 303, everybody else the address.
    """
    answer = await acme_client.post(SETUP, json=CONSENTED, headers={"accept": accept})

    assert answer.status_code == status
    assert answer.headers.get("location", answer.json()["url"]) == answer.json()["url"]
    assert ("location" in answer.headers) is (status == 303)


async def test_a_repeat_with_the_same_key_leads_to_the_same_page(acme_client: httpx.AsyncClient, twin: Twin) -> None:
    """
    The answer is the same, byte for byte; with another wish it is refused.
    """
    key = {"idempotency-key": "once"}
    first, again = [await acme_client.post(SETUP, json=CONSENTED, headers=key) for _ in range(2)]
    other = await acme_client.post(SETUP, json=CONSENTED | {"return_url": "https://shop.example"}, headers=key)

    assert first.content == again.content
    assert twin.store.count("checkout.session") == 1
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("url", ["http://shop.example", "javascript:alert(1)", "https://a@b.example"])
async def test_people_are_not_sent_just_anywhere(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, twin: Twin, url: str
) -> None:
    """
    422 by the name of the field, and nothing happens.
    """
    answer = await acme_client.post(SETUP, json=CONSENTED | {"return_url": url})

    assert (answer.status_code, answer.json()["code"]) == (422, "return_url_refused")
    assert list(answer.json()["errors"]) == ["return_url"]
    assert (await count(owner, "card_setups"), twin.store.count("customer")) == (0, 0)


# --- cards


@pytest.mark.parametrize("catalog_name", ["current", "draft"])
async def test_the_first_card_makes_the_service_go_on(acme_client: httpx.AsyncClient, catalog_name: str) -> None:
    """
    Usage shows the credits that were earned, the end of the trial, and that there is a way to pay.
    """
    catalog = CATALOGS[catalog_name]
    trial = catalog.trial()[1]

    await added(acme_client)

    usage = await usage_of(acme_client)
    assert usage["credit_balance"] == trial.signup_credits + trial.payment_method_credits
    assert usage["subscription_type"] == catalog.pay_as_you_go()[0]
    assert (usage["has_payment_method"], usage["can_use_service"]) == (True, True)
    assert usage["recent_transactions"][0]["source"] == "trial_billing_added"


async def test_a_card_is_shown_as_far_as_it_may_be(acme_client: httpx.AsyncClient) -> None:
    """
    Brand, last four and expiry; no fingerprint, no number.
    """
    card = await added(acme_client)
    found = await methods_of(acme_client)

    assert found["payment_methods"] == [card]
    assert card == {
        "id": card["id"],
        "stripe_payment_method_id": card["stripe_payment_method_id"],
        "brand": "visa",
        "last4": "4242",
        "expires_month": card["expires_month"],
        "expires_year": card["expires_year"],
        "is_default": True,
        "added_at": card["added_at"],
        "removed_at": None,
    }


async def test_cards_are_listed_newest_first_and_one_is_the_default(acme_client: httpx.AsyncClient) -> None:
    """
    The one that was added last, until another is chosen.
    """
    visa, mastercard = await added(acme_client), await added(acme_client, "pm_card_mastercard")
    newest = (await methods_of(acme_client))["payment_methods"]

    chosen = await acme_client.post(f"{METHODS}/{visa['id']}/default")
    again = (await methods_of(acme_client))["payment_methods"]

    assert [(card["id"], card["is_default"]) for card in newest] == [(mastercard["id"], True), (visa["id"], False)]
    assert (chosen.status_code, chosen.json()["is_default"]) == (200, True)
    assert [(card["id"], card["is_default"]) for card in again] == [(mastercard["id"], False), (visa["id"], True)]


async def test_a_removed_card_is_no_longer_listed(acme_client: httpx.AsyncClient) -> None:
    """
    The answer says when it was removed; a repeat says the same.
    """
    card = await added(acme_client)

    first, again = [await acme_client.delete(f"{METHODS}/{card['id']}") for _ in range(2)]

    assert (first.status_code, first.json()["is_default"]) == (200, False)
    assert first.json()["removed_at"] is not None
    assert first.json() == again.json()
    assert (await methods_of(acme_client))["payment_methods"] == []
    assert (await usage_of(acme_client))["has_payment_method"] is False


@pytest.mark.parametrize("operation", [("DELETE", ""), ("POST", "/default")], ids=["remove", "choose"])
async def test_another_customers_card_is_the_404_of_none(
    acme_client: httpx.AsyncClient, globex_client: httpx.AsyncClient, operation: tuple[str, str]
) -> None:
    """
    Nothing tells that there is one.
    """
    card = await added(acme_client)
    method, ending = operation

    foreign = await globex_client.request(method, f"{METHODS}/{card['id']}{ending}")
    never = await globex_client.request(method, f"{METHODS}/999999{ending}")

    assert (foreign.status_code, foreign.json()["code"]) == (404, "unknown_payment_method")
    assert {**foreign.json(), "request_id": ""} == {**never.json(), "request_id": ""}
    assert (await methods_of(acme_client))["payment_methods"] == [card]


@pytest.mark.parametrize("number", ["0", "-1", "seven", "1.5", "9" * 19, "9" * 5_000, "%00", "1%2F2"])
async def test_what_can_be_no_id_of_a_card_is_not_found(acme_client: httpx.AsyncClient, number: str) -> None:
    """
    As at any other path where there is nothing.
    """
    answer = await acme_client.delete(f"{METHODS}/{number}")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_path")


@pytest.mark.parametrize(("path", "allowed"), [(METHODS, {"GET", "HEAD", "POST"}), (f"{METHODS}/1", {"DELETE"})])
async def test_a_path_names_all_its_methods(acme_client: httpx.AsyncClient, path: str, allowed: set[str]) -> None:
    """
    Of one that several operations share, each is named.
    """
    answer = await acme_client.put(path)

    assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert set(answer.headers["allow"].split(", ")) == allowed


# --- what Stripe says, and when it says nothing


@pytest.mark.parametrize(
    ("card", "decline"),
    [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclined", "generic_decline"),
    ],
)
async def test_a_declined_card_is_a_402_with_the_banks_words(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, card: str, decline: str
) -> None:
    """
    Nothing was added and nothing agreed to.
    """
    answer = await acme_client.post(METHODS, json=VISA | {"stripe_payment_method_id": card})

    assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")
    assert answer.json()["decline"]["decline_code"] == decline
    assert "retry-after" not in answer.headers
    assert (await count(owner, "payment_methods"), await count(owner, "consents")) == (0, 0)


@pytest.mark.parametrize("card", ["pm_nobodys", "pm_" + "0" * 100])
async def test_a_card_that_stripe_does_not_know_is_a_422(acme_client: httpx.AsyncClient, card: str) -> None:
    """
    By the name of the field, with nothing of what Stripe said.
    """
    answer = await acme_client.post(METHODS, json=VISA | {"stripe_payment_method_id": card})

    assert (answer.status_code, answer.json()["code"]) == (422, "payment_method_unusable")
    assert list(answer.json()["errors"]) == ["stripe_payment_method_id"]
    assert "No such" not in answer.text


@pytest.mark.parametrize(
    "card", ["", "pm_", "pm_" + "0" * 101, "card_1", "pm_a/../../v1/charges", "pm_a?expand=customer", "pm_\u00e9"]
)
async def test_what_can_be_no_id_of_stripes_is_not_sent_there(
    acme_client: httpx.AsyncClient, twin: Twin, card: str
) -> None:
    """
    It would be part of an address.
    """
    answer = await acme_client.post(METHODS, json=VISA | {"stripe_payment_method_id": card})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert twin.store.count("customer") == 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"slow", "error_stored"}])
@pytest.mark.parametrize(
    ("path", "body", "call"),
    [(SETUP, CONSENTED, 2), (METHODS, VISA, 2), (METHODS, VISA, 0)],
    ids=["setup-open", "attach", "attach-find-customer"],
)
async def test_trouble_at_stripe_is_a_503_that_may_be_repeated(
    acme_client: httpx.AsyncClient, twin: Twin, kind: FaultKind, path: str, body: dict[str, Any], call: int
) -> None:
    """
    It says when, and the repeat works.
    """
    twin.faults.plan([Fault(kind, skip=call)])

    first = await acme_client.post(path, json=body)
    again = await acme_client.post(path, json=body)

    assert (first.status_code, first.json()["code"]) == (503, "payments_unavailable")
    assert first.headers["retry-after"] == "1"
    assert again.status_code == httpx.codes.CREATED
    assert twin.store.count("customer") == 1


@pytest.mark.parametrize(("path", "body"), [(SETUP, CONSENTED), (METHODS, VISA)], ids=["setup", "attach"])
async def test_without_a_key_of_stripes_no_card_can_be_added(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, path: str, body: dict[str, Any]
) -> None:
    """
    503 without a time, since waiting does not help; looking and removing go on.
    """
    card = await added(acme_client)
    before = await contents(owner)
    async with caller(parts, key=acme_client.headers["x-api-key"], gateway=None) as client:
        answer = await client.post(path, json=body)
        unconsented = await client.post(path, json=body | {"billing_consent": False})
        after = await contents(owner)
        removed = await client.delete(f"{METHODS}/{card['id']}")

    assert (answer.status_code, answer.json()["code"]) == (503, "payments_unavailable")
    assert "retry-after" not in answer.headers
    assert unconsented.json()["code"] == "billing_consent_required"
    assert {name: rows for name, rows in after.items() if name != "api_keys"} == {
        name: rows for name, rows in before.items() if name != "api_keys"
    }
    assert removed.status_code == httpx.codes.OK


# --- at once


async def test_ten_requests_to_add_one_card_add_it_once(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin
) -> None:
    """
    Each is answered with it, or asked to come again while another is at Stripe.
    """
    await acme_client.post(SETUP, json=CONSENTED)  # makes acme known at Stripe
    [acme] = twin.store.all("customer")
    card = await gateway.attach_payment_method(
        "pm_card_visa", stripe_customer_id=acme["id"], key="one card, not a token"
    )
    body = VISA | {"stripe_payment_method_id": card.id}

    answers = await all_at_once(acme_client.post(METHODS, json=body) for _ in range(10))

    statuses = {answer.status_code for answer in answers}
    ids = {answer.json()["id"] for answer in answers if answer.status_code == httpx.codes.CREATED}
    assert statuses <= {201, 503}
    assert len(ids) == await count(owner, "payment_methods") == 1
    assert len(attached(twin)) == 1
    assert len(await bonuses(owner)) == 1


async def test_a_card_of_two_customers_earns_once(
    acme_client: httpx.AsyncClient, globex_client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Whoever is second has a way to pay, and no credits for it.
    """
    await asyncio.gather(added(acme_client), added(globex_client))

    balances = sorted([(await usage_of(each))["credit_balance"] for each in (acme_client, globex_client)])
    trial = CATALOGS["current"].trial()[1]
    assert balances == [trial.signup_credits, trial.signup_credits + trial.payment_method_credits]
    assert len(await bonuses(owner)) == 1


async def test_a_stranger_can_sign_up_while_payments_are_not_set_up(parts: Parts) -> None:
    """
    And work with the opening credits.
    """
    async with caller(parts, gateway=None) as client:
        signed_up = await client.post(ONBOARD, json={"email": "new@example.com"})
        client.headers["x-api-key"] = signed_up.json()["api_key"]
        billing = await billing_of(client, fix(1))

    assert billing["status"] == "consumed"

"""
GET /billing/payment-methods/return: where people come back to from entering a card.
"""

import base64
import hashlib
import re
from typing import Any

import asyncpg
import httpx
import pytest

from api.wire import METHODS, RETURN, SETUP, all_at_once, caller, contents, usage_of
from factories.cards import MASTERCARD
from factories.paying import bonuses, count
from rsolv.api import Parts
from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
DAY_SECONDS = 24 * 3600


async def sent_to_stripe(client: httpx.AsyncClient, twin: Twin, **body: Any) -> str:
    """
    Ask for a page, and return its id at Stripe.
    """
    answer = await client.post(SETUP, json={"billing_consent": True} | body)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return next(each["id"] for each in twin.store.all("checkout.session") if each["url"] == answer.json()["url"])


async def enter_card(stripe: httpx.AsyncClient, session_id: str, **changes: str) -> None:
    """
    Fill in the page, as its form does.
    """
    answer = await stripe.post(f"/_twin/checkout_sessions/{session_id}/complete", json=CARD | changes)
    assert answer.status_code == httpx.codes.OK, answer.text


def title_of(answer: httpx.Response) -> str:
    """
    Return what a page says first.
    """
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = re.search(r"<h1>(.*)</h1>", answer.text)
    assert found is not None
    return found[1]


async def test_who_comes_back_with_a_card_is_told_so(
    acme_client: httpx.AsyncClient, client: httpx.AsyncClient, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    And the card is there, without a key: the browser has none.
    """
    session_id = await sent_to_stripe(acme_client, twin)
    await enter_card(stripe, session_id)

    answer = await client.get(RETURN, params={"setup": session_id}, headers={"x-api-key": ""})

    assert (answer.status_code, title_of(answer)) == (200, "Your card is saved")
    assert (await usage_of(acme_client))["has_payment_method"] is True


async def test_coming_back_again_and_again_adds_one_card(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    At once, and later; each time the page is the same.
    """
    session_id = await sent_to_stripe(acme_client, twin)
    await enter_card(stripe, session_id)

    answers = await all_at_once(acme_client.get(RETURN, params={"setup": session_id}) for _ in range(10))
    answers.append(await acme_client.get(RETURN, params={"setup": session_id}))

    assert {title_of(answer) for answer in answers} == {"Your card is saved"}
    assert [await count(owner, table) for table in ("payment_methods", "consents")] == [1, 1]
    assert len(await bonuses(owner)) == 1


async def test_the_address_alone_is_not_believed(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, twin: Twin
) -> None:
    """
    Nothing was entered: no card, no consent, no credits.
    """
    session_id = await sent_to_stripe(acme_client, twin)
    before = await contents(owner)

    answer = await acme_client.get(RETURN, params={"setup": session_id, "status": "succeeded"})

    assert (answer.status_code, title_of(answer)) == (200, "No card has been saved yet")
    assert await contents(owner) == before


async def test_a_page_that_expired_says_so(acme_client: httpx.AsyncClient, twin: Twin) -> None:
    """
    Another one has to be asked for.
    """
    session_id = await sent_to_stripe(acme_client, twin)
    twin.account.advance(twin.account.now + DAY_SECONDS)

    answer = await acme_client.get(RETURN, params={"setup": session_id})

    assert (answer.status_code, title_of(answer)) == (200, "This page has expired")


async def test_who_left_the_page_is_told_that_nothing_changed(client: httpx.AsyncClient) -> None:
    """
    Stripe sends them without an id.
    """
    answer = await client.get(RETURN)

    assert (answer.status_code, title_of(answer)) == (200, "No card was saved")


@pytest.mark.parametrize("setup", ["cs_nobodys", "", "'; DROP TABLE consents", "<script>"])
async def test_a_page_that_is_not_ours_is_a_404_for_people(client: httpx.AsyncClient, twin: Twin, setup: str) -> None:
    """
    Stripe is not asked, and nothing of the address is on the page.
    """
    answer = await client.get(RETURN, params={"setup": setup})

    assert (answer.status_code, title_of(answer)) == (404, "We do not know this page")
    assert "script" not in answer.text
    assert twin.store.count("event") == 0


async def test_an_address_too_long_is_refused_by_its_form(client: httpx.AsyncClient) -> None:
    """
    As everywhere, in JSON.
    """
    answer = await client.get(RETURN, params={"setup": "c" * 256})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_who_said_where_to_go_on_is_sent_there(
    acme_client: httpx.AsyncClient, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    With the card added, or without one; only to the address that was given with the key.
    """
    url = "https://shop.example/settings?tab=cards"
    finished, left = [await sent_to_stripe(acme_client, twin, return_url=url) for _ in range(2)]
    await enter_card(stripe, finished)

    answers = [
        await acme_client.get(RETURN, params={"setup": each, "return_url": "https://evil.example"})
        for each in (finished, left)
    ]

    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, url)] * 2
    assert (await usage_of(acme_client))["has_payment_method"] is True


async def test_while_stripe_is_away_nothing_is_lost(
    acme_client: httpx.AsyncClient, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    503 for people, with when to load it again; then the card is there.
    """
    session_id = await sent_to_stripe(acme_client, twin)
    await enter_card(stripe, session_id)
    twin.faults.plan([Fault("refused")])

    away = await acme_client.get(RETURN, params={"setup": session_id})
    back = await acme_client.get(RETURN, params={"setup": session_id})

    assert (away.status_code, title_of(away)) == (503, "We cannot look just now")
    assert away.headers["retry-after"] == "1"
    assert title_of(back) == "Your card is saved"


async def test_who_goes_on_elsewhere_does_not_wait_for_stripe(
    acme_client: httpx.AsyncClient, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    The job adds the card.
    """
    session_id = await sent_to_stripe(acme_client, twin, return_url="https://shop.example")
    await enter_card(stripe, session_id)
    twin.faults.plan([Fault("refused")])

    answer = await acme_client.get(RETURN, params={"setup": session_id})

    assert (answer.status_code, answer.headers["location"]) == (303, "https://shop.example")


async def test_without_a_key_of_stripes_what_is_known_is_told(
    acme_client: httpx.AsyncClient, parts: Parts, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    A setup that has ended, as it ended; of one that is open nothing is known.
    """
    ended, opened = [await sent_to_stripe(acme_client, twin) for _ in range(2)]
    await enter_card(stripe, ended)
    await acme_client.get(RETURN, params={"setup": ended})

    async with caller(parts, gateway=None) as client:
        answers = [await client.get(RETURN, params={"setup": each}) for each in (ended, opened)]

    assert [title_of(answer) for answer in answers] == ["Your card is saved", "We cannot look just now"]


async def test_the_page_runs_nothing_and_asks_nobody(client: httpx.AsyncClient) -> None:
    """
    The policy allows its one style by its hash and nothing else, and its address is told to nobody.
    """
    answer = await client.get(RETURN)

    style = re.search(r"<style>(.*)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "//" not in answer.text.replace("<!doctype", "")
    assert "<script" not in answer.text


async def test_a_page_shows_nothing_of_the_card_or_its_owner(
    acme_client: httpx.AsyncClient, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    Whoever has the address learns that a card was saved.
    """
    session_id = await sent_to_stripe(acme_client, twin)
    await enter_card(stripe, session_id, number=MASTERCARD)

    answer = await acme_client.get(RETURN, params={"setup": session_id})
    listed = await acme_client.get(METHODS)

    assert "4444" in listed.text
    assert not re.search("4444|mastercard|acme|cs_", answer.text.lower())

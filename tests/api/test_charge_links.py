"""
The page behind a charge's link: for the people who open it, and for the programs that do.
"""

import base64
import hashlib
import html
import re
from datetime import timedelta

import asyncpg
import httpx
import pytest

from api.test_documentation import Page
from api.wire import METHODS, all_at_once, billing_of, caller, contents, fix, usage_of
from factories.cards import do_jobs
from rsolv.api import Parts
from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

CHARGES = "/api/v1/billing/charges"
ASKS = "pm_card_authenticationRequired"
SENT_BY_A_BROWSER = {"sec-fetch-site": "same-origin"}


async def waiting(client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, card: str = ASKS) -> str:
    """
    Leave a charge of acme's whose bank wants them, and return its link.
    """
    added = await client.post(METHODS, json={"stripe_payment_method_id": card, "billing_consent": True})
    assert added.status_code == httpx.codes.CREATED, added.text
    issue = 1
    while (await usage_of(client))["credit_balance"]:
        await client.post("/api/v1/phases/store", json=fix(issue))
        issue += 1
    assert (await billing_of(client, fix(issue)))["status"] == "charging"
    await work(parts, owner)
    [charge] = (await client.get(CHARGES)).json()["charges"]
    assert charge["state"] == "requires_action"
    return str(charge["action_url"])


async def work(parts: Parts, owner: asyncpg.Connection) -> None:
    """
    Go on with all charges.
    """
    assert parts.gateway is not None
    await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind="charge.advance")


async def at_bank(stripe: httpx.AsyncClient, url: str, outcome: str = "complete") -> str:
    """
    Open the bank's page, answer it as its form does, and return where that leads.
    """
    path = httpx.URL(url).raw_path.decode()
    assert (await stripe.get(path)).status_code == httpx.codes.OK
    answer = await stripe.post(path, data={"outcome": outcome}, headers=SENT_BY_A_BROWSER)
    return str(answer.headers["location"])


def title_of(answer: httpx.Response) -> str:
    """
    Return what a page says first.
    """
    assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.text
    found = re.search(r"<h1>(.*)</h1>", answer.text)
    assert found is not None
    return html.unescape(found[1])


def button_of(answer: httpx.Response) -> str:
    """
    Return what a page's button says; "" without one.
    """
    found = re.search(r"<button>(.*)</button>", answer.text)
    return found[1] if found else ""


async def test_the_link_is_shown_while_the_charge_waits_for_its_customer(
    acme_client: httpx.AsyncClient,
    client: httpx.AsyncClient,
    parts: Parts,
    owner: asyncpg.Connection,
    stripe: httpx.AsyncClient,
) -> None:
    """
    In the list and in the explanation; not any more once it is paid.
    """
    link = await waiting(acme_client, parts, owner)
    listed = (await acme_client.get(CHARGES)).json()["charges"][0]
    explained = (await acme_client.get(f"{CHARGES}/{listed['id']}")).json()["charge"]
    await client.get(await at_bank(stripe, (await client.post(link)).headers["location"]))

    paid = (await acme_client.get(CHARGES)).json()["charges"][0]

    assert link.startswith("http://api.test/charges/")
    assert (listed["action_url"], explained["action_url"]) == (link, link)
    assert (paid["state"], paid["action_url"]) == ("succeeded", None)


async def test_a_customer_confirms_with_their_bank_and_has_paid(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    Without a key: the link is all they need. What is paid for is on the page, and so is the card.
    """
    link = await waiting(acme_client, parts, owner)
    async with caller(parts) as browser:
        page = await browser.get(link)
        sent = await browser.post(link)
        landed = await browser.get(await at_bank(stripe, sent.headers["location"]))
        later = await browser.get(link)

    assert (page.status_code, title_of(page), button_of(page)) == (200, "Confirm a payment", "Confirm with your bank")
    assert all(words in page.text for words in ("$29.00", "acme/shop", "Visa ending in 3184"))
    assert sent.status_code == httpx.codes.SEE_OTHER
    assert [title_of(each) for each in (landed, later)] == ["This is paid"] * 2
    assert button_of(later) == ""
    assert [intent["status"] for intent in twin.store.all("payment_intent")] == ["succeeded"]


async def test_opening_the_link_changes_nothing(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, twin: Twin
) -> None:
    """
    Programs that read mails follow links, with GET and with HEAD; Stripe is not even asked.
    """
    link = await waiting(acme_client, parts, owner)
    before, asked = await contents(owner), twin.store.count("event")
    twin.faults.plan([Fault("refused", times=100)])

    answers = await all_at_once(acme_client.request(method, link) for method in ("GET", "HEAD", "GET"))

    assert [answer.status_code for answer in answers] == [200] * 3
    assert await contents(owner) == before
    assert twin.store.count("event") == asked


@pytest.mark.parametrize(
    ("outcome", "card", "title", "why"),
    [
        ("fail", ASKS, "Your bank said no", "It could not tell that it was you."),
        (
            "complete",
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "Your bank said no",
            "There is not enough money on the card.",
        ),
    ],
    ids=["not-recognised", "no-money"],
)
async def test_who_is_declined_is_told_why_and_what_to_do(
    acme_client: httpx.AsyncClient,
    parts: Parts,
    owner: asyncpg.Connection,
    stripe: httpx.AsyncClient,
    outcome: str,
    card: str,
    title: str,
    why: str,
) -> None:
    """
    They can try again, or add another card.
    """
    link = await waiting(acme_client, parts, owner, card)
    sent = await acme_client.post(link)

    page = await acme_client.get(await at_bank(stripe, sent.headers["location"], outcome))

    assert (title_of(page), button_of(page)) == (title, "Try again")
    assert f"{why} Nothing was taken." in page.text
    assert "How to add another card" in page.text
    again = await acme_client.post(link)
    assert again.status_code == httpx.codes.SEE_OTHER
    assert "/pages/3ds/" in again.headers["location"]


async def test_many_clicks_at_once_make_one_payment(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    Each is sent somewhere: to the bank, or to the page, which is there again.
    """
    link = await waiting(acme_client, parts, owner)
    twin.faults.latency_seconds = 0.005

    answers = await all_at_once(acme_client.post(link) for _ in range(8))
    last = await acme_client.post(link)
    await acme_client.get(await at_bank(stripe, last.headers["location"]))

    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["location"] for answer in answers} <= {last.headers["location"], link}
    assert [intent["status"] for intent in twin.store.all("payment_intent")] == ["succeeded"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("change", [("token=", "token=0"), ("token=", "other="), ("/charges/", "/charges/1")])
async def test_a_link_that_is_not_ours_is_a_404_for_people(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, method: str, change: tuple[str, str]
) -> None:
    """
    Whoever has part of it learns nothing.
    """
    link = await waiting(acme_client, parts, owner)
    before = await contents(owner)

    answer = await acme_client.request(method, link.replace(*change))

    assert (answer.status_code, title_of(answer)) == (404, "We do not know this link")
    assert "acme" not in answer.text
    assert await contents(owner) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_link_of_a_charge_that_was_dropped_has_expired(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, method: str
) -> None:
    """
    410, and there is nothing to press.
    """
    link = await waiting(acme_client, parts, owner)
    await owner.execute("UPDATE charge_intents SET state = 'canceled', wake_at = NULL")

    answer = await acme_client.request(method, link)

    assert (answer.status_code, title_of(answer), button_of(answer)) == (410, "This link has expired", "")


async def test_who_tries_too_often_is_told_when_to_come_again(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, stripe: httpx.AsyncClient
) -> None:
    """
    429, with the time for people and for programs.
    """
    link = await waiting(acme_client, parts, owner)
    for _ in range(10):
        bank = (await acme_client.post(link)).headers["location"]
        await acme_client.get(await at_bank(stripe, bank, "fail"))

    answer = await acme_client.post(link)

    assert (answer.status_code, title_of(answer)) == (429, "Please try again later")
    assert timedelta(hours=23) < timedelta(seconds=int(answer.headers["retry-after"])) <= timedelta(days=1)
    assert re.search(r"from \d{4}-\d\d-\d\d \d\d:\d\d UTC on", answer.text)


async def test_while_stripe_is_away_nothing_is_lost(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    Who presses the button finds the page again; who comes back is told to look again; then it is paid.
    """
    link = await waiting(acme_client, parts, owner)
    twin.faults.plan([Fault("refused")])
    pressed = await acme_client.post(link)
    back = await at_bank(stripe, (await acme_client.post(link)).headers["location"])
    twin.faults.plan([Fault("refused")])
    away = await acme_client.get(back)
    later = await acme_client.get(back)

    assert (pressed.status_code, pressed.headers["location"]) == (303, link)
    assert (away.status_code, title_of(away), away.headers["retry-after"]) == (503, "We cannot look just now", "5")
    assert title_of(later) == "This is paid"


async def test_without_a_key_of_stripes_nothing_can_be_confirmed(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    The page is shown all the same.
    """
    link = await waiting(acme_client, parts, owner)

    async with caller(parts, gateway=None) as client:
        shown, pressed = await client.get(f"{link}&returned=1"), await client.post(link)

    assert (shown.status_code, title_of(shown)) == (200, "Confirm a payment")
    assert (pressed.status_code, title_of(pressed)) == (503, "We cannot look just now")


@pytest.mark.damages_books("charges are put where no move leads")
@pytest.mark.parametrize(
    ("statement", "title", "words"),
    [
        ("UPDATE charge_intents SET parked_reason = 'billing_off'", "Confirm a payment", "paused all payments"),
        ("UPDATE charge_intents SET parked_reason = 'spending_cap'", "Confirm a payment", "spending cap"),
        ("UPDATE payment_methods SET is_default = false", "There is no card to pay with", "Add a card"),
        (
            "UPDATE charge_intents SET state = 'declined', parked_reason = 'card_refused'",
            "Your bank said no",
            "only your bank can say why",
        ),
        ("UPDATE charge_intents SET state = 'declined'", "There is no card to pay with", "Add a card"),
        ("UPDATE charge_intents SET state = 'unknown'", "One moment", "load this page again"),
    ],
    ids=["billing-off", "cap", "no-card", "refused", "declined-without-card", "unknown"],
)
async def test_the_page_says_how_the_charge_stands(
    acme_client: httpx.AsyncClient,
    parts: Parts,
    owner: asyncpg.Connection,
    statement: str,
    title: str,
    words: str,
    request: pytest.FixtureRequest,
) -> None:
    """
    In words of ours; nothing of the machine's.
    """
    link = await waiting(acme_client, parts, owner)
    await owner.execute("ALTER TABLE charge_intents DISABLE TRIGGER USER")
    await owner.execute("UPDATE payment_methods SET is_default = $1", "without" not in request.node.callspec.id)
    await owner.execute(statement)

    answer = await acme_client.get(link)

    assert (answer.status_code, title_of(answer)) == (200, title)
    assert words in answer.text
    assert not re.search("billing_off|spending_cap|card_refused|unknown", answer.text)


async def test_what_others_named_is_shown_as_text(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    A repository is named by whoever reports; it cannot write into the page.
    """
    link = await waiting(acme_client, parts, owner)
    await owner.execute("ALTER TABLE repositories DISABLE TRIGGER USER")
    await owner.execute("""UPDATE repositories SET name = '"><script>alert(1)</script>'""")

    answer = await acme_client.get(link)

    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_the_page_runs_nothing_and_tells_its_address_to_nobody(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    One style by its hash; a form that may lead on to any bank; nothing is stored, framed or told.
    """
    link = await waiting(acme_client, parts, owner)
    answer = await acme_client.get(link)

    style = re.search(r"<style>(.*)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'self' https: http:",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    page = Page(answer.text)
    assert (page.misnested, page.headings, page.open) == ([], [1], [])
    assert ("html", "lang", "en") in page.attributes


async def test_over_https_the_form_leads_over_https_only(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    Plain HTTP is for the twin of Stripe on one's own machine.
    """
    link = httpx.URL(await waiting(acme_client, parts, owner))

    async with caller(parts, public_url="https://billing.test") as client:
        answer = await client.get(link.raw_path.decode())

    assert "form-action 'self' https:;" in answer.headers["content-security-policy"]

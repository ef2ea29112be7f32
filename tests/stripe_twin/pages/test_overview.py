"""
The overview for developers, and what all pages have in common.
"""

import httpx
import pytest
import stripe

from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import STARTS_AT, Twin

HERE = "http://twin.test"


async def test_it_is_there_before_anything_happened(browser) -> None:
    """
    With the clock, and empty tables that say so.
    """
    page = await browser.open("/")

    assert page.status == 200
    assert "2026-01-01 00:00:00 UTC" in page.text
    assert page.text.count("None yet") == 5


async def test_it_shows_customers_payments_subscriptions_events_and_deliveries(
    sdk: stripe.StripeClient, twin: Twin, ada: str, open_subscription, browser, card
) -> None:
    """
    Each with a link to the whole of it; deliveries with their tries; everything escaped.
    """
    await sdk.v1.webhook_endpoints.create_async({"url": "http://127.0.0.1:1/", "enabled_events": ["invoice.paid"]})
    session = await open_subscription(customer=ada)
    await browser.send(session.url, **card)

    async def post(*_post: object) -> int:
        return 418

    await twin.sender.deliver_due(post)

    page = await browser.open("/")

    assert "Ada &lt;b&gt;L&lt;/b&gt;" in page.text
    assert "<b>L" not in page.text
    for kind in ("customer", "payment_intent", "subscription", "event", "_delivery"):
        assert f'href="/objects/{twin.store.all(kind)[0]["id"]}"' in page.text
    assert "2026-01-01 00:00:00 UTC: 418" in page.text


async def test_each_thing_is_shown_whole(twin: Twin, ada: str, browser) -> None:
    """
    As JSON, escaped, with its events.
    """
    page = await browser.open(f"/objects/{ada}")

    assert "&#34;Ada &lt;b&gt;L&lt;/b&gt;&#34;" in page.text
    assert "customer.created" in page.text


@pytest.mark.parametrize("path", ["/objects/cus_nobody", "/objects/main", "/nothing", "/pages", "/objects/"])
async def test_what_is_not_there_is_a_404(browser, path: str) -> None:
    """
    Also the twin's private facts.
    """
    assert (await browser.open(path)).status == 404


async def test_a_secret_is_on_no_page(sdk: stripe.StripeClient, browser) -> None:
    """
    An endpoint is shown without its signing secret.
    """
    endpoint = await sdk.v1.webhook_endpoints.create_async({"url": "http://127.0.0.1:1/", "enabled_events": ["*"]})

    page = await browser.open(f"/objects/{endpoint.id}")

    assert page.status == 200
    assert endpoint.secret not in page.text


async def test_the_clock_is_moved_by_its_form(twin: Twin, browser) -> None:
    """
    And the browser returns to the overview.
    """
    sent = await browser.send("/clock", amount="2", unit="days")

    assert (sent.status, sent.goes_to) == (303, "/")
    assert twin.account.now == STARTS_AT + 2 * 24 * 3600


@pytest.mark.parametrize(
    "form", [{}, {"amount": "0", "unit": "days"}, {"amount": "1", "unit": "years"}, {"amount": "-1", "unit": "days"}]
)
async def test_a_clock_form_that_makes_no_sense_is_refused(twin: Twin, browser, form: dict[str, str]) -> None:
    """
    Nothing moves.
    """
    assert (await browser.send("/clock", **form)).status == 400
    assert twin.account.now == STARTS_AT


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({"origin": HERE}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": HERE, "sec-fetch-site": "same-origin"}, True),
        ({}, False),
        ({"origin": "https://evil.test"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://twin.test.evil.test"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": HERE, "sec-fetch-site": "cross-site"}, False),
    ],
    ids=str,
)
async def test_forms_are_taken_from_its_own_pages_only(
    twin: Twin,
    headers: dict[str, str],
    is_taken: bool,  # noqa: FBT001 -- a case's outcome
) -> None:
    """
    The browser tells where a form comes from.
    """
    async with httpx.AsyncClient(transport=TwinTransport(twin), base_url=HERE) as client:
        answer = await client.post("/clock", data={"amount": "1", "unit": "days"}, headers=headers)

    assert answer.status_code == (303 if is_taken else 403)
    assert (twin.account.now > STARTS_AT) is is_taken


async def test_pages_load_nothing_and_run_no_script(browser) -> None:
    """
    The policy says so, and there is none in the page.
    """
    page = await browser.open("/")

    assert page.answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "<script" not in page.text
    assert '<html lang="en">' in page.text


async def test_other_methods_are_refused(twin: Twin) -> None:
    """
    Pages take GET and POST.
    """
    async with httpx.AsyncClient(transport=TwinTransport(twin), base_url=HERE) as client:
        assert (await client.delete("/")).status_code == 405


async def test_the_twin_s_own_mistakes_are_told_on_top(browser, twin: Twin) -> None:
    """
    So that nobody takes them for Stripe's.
    """
    twin.mistakes.append(ValueError("<oops>"))

    page = await browser.open("/")
    twin.mistakes.clear()

    assert "ValueError(&#39;&lt;oops&gt;&#39;)" in page.text

"""
The hosted page of a Checkout Session.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import stripe

from stripe_twin.twin import Twin

ASKS_ALWAYS = "4000002760003184"


@pytest.fixture
def opening(open_setup, open_subscription) -> dict[str, Callable[..., Awaitable[Any]]]:
    """
    Return what opens a session, by its mode.
    """
    return {"setup": open_setup, "subscription": open_subscription}


async def test_a_setup_page_asks_for_a_card(open_setup, browser) -> None:
    """
    Each field has a label; the consent text and the way back are there.
    """
    session = await open_setup(
        cancel_url="https://shop.test/back", custom_text={"submit": {"message": "Charged for each fix."}}
    )

    page = await browser.open(session.url)

    assert page.status == 200
    for field in ("number", "expiry", "cvc", "name"):
        assert f'<label for="{field}">' in page.text
        assert f'id="{field}" name="{field}"' in page.text
    assert "Charged for each fix." in page.text
    assert 'href="https://shop.test/back"' in page.text
    assert "4242 4242 4242 4242" in page.text


async def test_a_subscription_page_shows_what_is_bought(open_subscription, browser) -> None:
    """
    Lines and total, escaped; an e-mail address is asked for when nobody is known.
    """
    session = await open_subscription()

    page = await browser.open(session.url)

    assert "Pro &amp; more" in page.text
    assert "599.00 USD" in page.text
    assert '<label for="email">' in page.text


async def test_a_good_card_leads_to_the_success_url(sdk: stripe.StripeClient, open_setup, browser, card) -> None:
    """
    With the session's id in it, and the session is complete; the page then leads there as well.
    """
    session = await open_setup()

    sent = await browser.send(session.url, **card)
    again = await browser.open(session.url)
    twice = await browser.send(session.url, **card)

    assert (sent.status, sent.goes_to) == (303, f"https://shop.test/done?session={session.id}")
    assert [again.goes_to, twice.goes_to] == [sent.goes_to] * 2
    assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "complete"


async def test_a_subscription_is_bought_on_its_page(sdk: stripe.StripeClient, open_subscription, browser, card) -> None:
    """
    The address typed is the new customer's.
    """
    session = await open_subscription()

    sent = await browser.send(session.url, **card, email="brian@globex.test")

    session = await sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["customer", "subscription"]})
    assert sent.status == 303
    assert (session.customer.email, session.subscription.status) == ("brian@globex.test", "active")


@pytest.mark.parametrize(
    ("field", "typed", "error"),
    [
        ("number", "4242", "Enter the card's number: 12 to 19 digits."),
        ("number", "4242 4242 4242 4241", "Your card number is incorrect."),
        ("number", "4000 0000 0000 0002", "Your card was declined."),
        ("number", "<script>", "Enter the card's number: 12 to 19 digits."),
        ("expiry", "13/34", "Enter month and year, as in 12/34."),
        ("expiry", "soon", "Enter month and year, as in 12/34."),
        ("expiry", "12/20", "Your card's expiration year is invalid."),
        ("cvc", "12", "Enter the 3 or 4 digits of the CVC."),
        ("cvc", "1234", "Your card's security code is invalid."),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    sdk: stripe.StripeClient, open_setup, browser, card, field: str, typed: str, error: str
) -> None:
    """
    The other fields keep what was typed, except the CVC; the session stays open.
    """
    session = await open_setup()

    page = await browser.send(session.url, **{**card, field: typed})

    assert (page.status, page.error_at(field)) == (422, error)
    assert 'value="Ada"' in page.text
    assert 'value="123"' not in page.text
    assert "<script>" not in page.text
    assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "open"


async def test_a_missing_address_is_asked_for(open_subscription, browser, card) -> None:
    """
    Where the customer is not known.
    """
    session = await open_subscription()

    page = await browser.send(session.url, **card)

    assert page.error_at("email") == "Enter your e-mail address, as in ada@example.com."


@pytest.mark.parametrize(
    ("outcome", "ends_at"), [("complete", "https://shop.test/done?session="), ("fail", "/pages/checkout/")]
)
@pytest.mark.parametrize("mode", ["setup", "subscription"])
async def test_a_card_that_asks_goes_by_the_bank(
    browser, ada: str, card, opening: dict[str, Callable[..., Awaitable[Any]]], mode: str, outcome: str, ends_at: str
) -> None:
    """
    To the 3-D Secure page and back: on to the shop, or to the form with what went wrong.
    """
    session = await opening[mode](customer=ada)

    sent = await browser.send(session.url, **{**card, "number": ASKS_ALWAYS})
    bank = await browser.open(sent.goes_to)
    answered = await browser.send(sent.goes_to, outcome=outcome)
    back = await browser.open(answered.goes_to)

    assert "Complete authentication" in bank.text
    last = back.goes_to or (session.url if back.error_at("number") else "")
    assert ends_at in last


async def test_an_expired_page_says_so(sdk: stripe.StripeClient, twin: Twin, open_setup, browser, card) -> None:
    """
    And takes no card.
    """
    session = await open_setup()
    await sdk.v1.checkout.sessions.expire_async(session.id)

    assert (await browser.open(session.url)).status == 410
    assert (await browser.send(session.url, **card)).status == 410
    assert twin.store.count("payment_method") == 0


async def test_an_unknown_page_is_not_found(browser) -> None:
    """
    With a page that says so.
    """
    page = await browser.open("/pages/checkout/cs_test_nobody")

    assert page.status == 404
    assert "No such checkout.session" in page.text


async def test_a_success_url_in_any_script_is_a_valid_header(open_setup, browser, card) -> None:
    """
    Letters beyond ASCII are percent-encoded.
    """
    session = await open_setup(success_url="https://shop.test/fertig/größe?s={CHECKOUT_SESSION_ID}")

    sent = await browser.send(session.url, **card)

    assert sent.goes_to == f"https://shop.test/fertig/gr%C3%B6%C3%9Fe?s={session.id}"

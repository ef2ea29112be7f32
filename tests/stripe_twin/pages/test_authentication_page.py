"""
The 3-D Secure page.
"""

import pytest
import stripe

ASKS_ALWAYS = "pm_card_threeDSecure2Required"


async def asking(sdk: stripe.StripeClient, **more: object) -> stripe.PaymentIntent:
    """
    Return a payment that waits for the customer's bank.
    """
    return await sdk.v1.payment_intents.create_async(
        {
            "amount": 2900,
            "currency": "usd",
            "payment_method": ASKS_ALWAYS,
            "confirm": True,
            "return_url": "https://shop.test/paid?order=1",
            **more,
        }
    )


@pytest.mark.parametrize(
    ("outcome", "status", "redirect_status"),
    [("complete", "succeeded", "succeeded"), ("fail", "requires_payment_method", "failed")],
)
async def test_the_customer_comes_back_with_the_outcome(
    sdk: stripe.StripeClient, browser, outcome: str, status: str, redirect_status: str
) -> None:
    """
    At the return URL, with what Stripe adds to it.
    """
    intent = await asking(sdk)
    url = intent.next_action.redirect_to_url.url

    page = await browser.open(url)
    answered = await browser.send(url, outcome=outcome)

    assert "29.00 USD" in page.text
    assert answered.goes_to == (
        f"https://shop.test/paid?order=1&payment_intent={intent.id}"
        f"&payment_intent_client_secret={intent.client_secret}&redirect_status={redirect_status}"
    )
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == status


async def test_without_a_return_url_the_page_says_what_came_of_it(sdk: stripe.StripeClient, browser) -> None:
    """
    As when the shop's own page asked for it.
    """
    automatic = {"enabled": True, "allow_redirects": "never"}
    intent = await sdk.v1.payment_intents.create_async(
        {
            "amount": 2900,
            "currency": "usd",
            "payment_method": ASKS_ALWAYS,
            "confirm": True,
            "automatic_payment_methods": automatic,
        }
    )

    answered = await browser.send(f"/pages/3ds/{intent.id}", outcome="complete")

    assert intent.next_action.type == "use_stripe_sdk"
    assert (answered.status, "Authentication complete" in answered.text) == (200, True)


async def test_an_answer_counts_once(sdk: stripe.StripeClient, browser) -> None:
    """
    A second one finds nothing to authenticate.
    """
    intent = await asking(sdk)
    url = f"/pages/3ds/{intent.id}"
    await browser.send(url, outcome="complete")

    again = await browser.send(url, outcome="fail")

    assert "Nothing to authenticate" in again.text
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_an_answer_that_is_none_asks_again(sdk: stripe.StripeClient, browser) -> None:
    """
    Nothing is decided by it.
    """
    intent = await asking(sdk)

    page = await browser.send(f"/pages/3ds/{intent.id}", outcome="perhaps")

    assert "Is this you?" in page.text


@pytest.mark.parametrize("intent_id", ["pi_nobody", "CUSTOMER"])
async def test_what_is_no_intent_is_not_found(browser, ada: str, intent_id: str) -> None:
    """
    Neither an unknown id nor another thing's.
    """
    page = await browser.open(f"/pages/3ds/{intent_id.replace('CUSTOMER', ada)}")

    assert page.status == 404


async def test_the_way_back_stays_on_the_twin(sdk: stripe.StripeClient, browser) -> None:
    """
    A page of ours may be named as the way back, another site may not.
    """
    automatic = {"enabled": True, "allow_redirects": "never"}
    asked = {"amount": 2900, "currency": "usd", "payment_method": ASKS_ALWAYS, "confirm": True}
    intent = await sdk.v1.payment_intents.create_async({**asked, "automatic_payment_methods": automatic})

    answered = await browser.send(f"/pages/3ds/{intent.id}?back=//evil.test/", outcome="complete")

    assert (answered.status, answered.goes_to) == (200, None)

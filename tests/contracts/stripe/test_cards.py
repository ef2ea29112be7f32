"""
Cards: saved on the hosted page with consent, attached, detached for ever.
"""

from datetime import timedelta

import pytest

from contracts.stripe.paying import paid_payment
from contracts.stripe.stand import BACK, Stand
from rsolv.stripe_gateway import CardSetup, GatewayMisused, PaymentDeclined, StripeGateway


async def opened_setup(gateway: StripeGateway, stripe_customer_id: str, key: str = "setup") -> CardSetup:
    """
    Open a page on which the customer saves a card.
    """
    return await gateway.open_card_setup(
        stripe_customer_id=stripe_customer_id,
        return_url=BACK + "?setup={CHECKOUT_SESSION_ID}",
        cancel_url=BACK,
        currency="usd",
        metadata={"consent": "3"},
        key=key,
    )


async def test_an_opened_setup_waits_for_the_customer(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    It has a page, an end, the customer and our metadata, and no card yet.
    """
    before = await stripe.now()
    opened = await opened_setup(gateway, acme)
    after = await stripe.now()

    read = await gateway.read_card_setup(opened.id)

    assert (read.state, read.url, read.stripe_customer_id) == ("open", opened.url, acme)
    assert before <= read.expires_at - timedelta(days=1) <= after
    assert (read.metadata, read.setup_state) == ({"consent": "3"}, "requires_payment_method")
    assert (read.payment_method_id, read.card, read.livemode) == (None, None, False)


async def test_the_same_attempt_opens_one_page(gateway: StripeGateway, acme: str) -> None:
    """
    A repeat leads the customer to the page they may have open already.
    """
    first = await opened_setup(gateway, acme)
    again = await opened_setup(gateway, acme)

    assert (first.id, first.url) == (again.id, again.url)


async def test_a_card_entered_on_the_page_is_saved(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    The customer comes back to our address with the setup's id; the card is theirs, and not yet the default.
    """
    opened = await opened_setup(gateway, acme)

    landed = await stripe.type_card(opened.url, "4242 4242 4242 4242")
    read = await gateway.read_card_setup(opened.id)

    assert landed == f"{BACK}?setup={opened.id}"
    assert (read.state, read.setup_state, read.url) == ("complete", "succeeded", None)
    assert (read.card.brand, read.card.last4) == ("visa", "4242")
    assert (read.card.expires_month, read.card.expires_year) == (12, 2034)
    assert (await gateway.read_payment_method(read.payment_method_id)).stripe_customer_id == acme
    assert (await gateway.read_customer(acme)).default_payment_method_id is None


async def test_the_fingerprint_is_the_numbers(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    The same number, entered by two customers, has one fingerprint; another number has another.
    """
    globex = await stripe.customer("globex")

    first = await fingerprint_of(stripe, acme, "4242424242424242")
    same = await fingerprint_of(stripe, globex, "4242424242424242")
    other = await fingerprint_of(stripe, globex, "5555555555554444")

    assert first == same != other


async def fingerprint_of(stripe: Stand, stripe_customer_id: str, number: str) -> str | None:
    """
    Enter a card on the page, and read its fingerprint.
    """
    opened = await opened_setup(stripe.gateway, stripe_customer_id, key=f"{stripe_customer_id} {number}")
    await stripe.type_card(opened.url, number)
    return (await stripe.gateway.read_card_setup(opened.id)).card.fingerprint


async def test_a_bank_that_asks_is_answered_on_its_page(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Until then the setup is open; afterwards the card can be charged while the customer is away.
    """
    opened = await opened_setup(gateway, acme)

    bank = await stripe.type_card(opened.url, "4000002500003155")
    asked = await gateway.read_card_setup(opened.id)
    landed = await stripe.visit(await stripe.authenticate(bank))
    read = await gateway.read_card_setup(opened.id)
    paid = await paid_payment(gateway, acme, read.payment_method_id)

    assert (asked.state, asked.setup_state) == ("open", "requires_action")
    assert landed == f"{BACK}?setup={opened.id}"
    assert (read.state, read.setup_state) == ("complete", "succeeded")
    assert paid.state == "succeeded"


async def test_a_failed_authentication_leaves_the_page_open(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Nothing is saved, and another card can be entered on the same page.
    """
    opened = await opened_setup(gateway, acme)

    bank = await stripe.type_card(opened.url, "4000002500003155")
    await stripe.authenticate(bank, outcome="fail")
    failed = await gateway.read_card_setup(opened.id)
    await stripe.type_card(opened.url, "4242424242424242")

    assert (failed.state, failed.setup_state, failed.card) == ("open", "requires_payment_method", None)
    assert (await gateway.read_card_setup(opened.id)).card.last4 == "4242"


async def test_an_unused_page_expires(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    A day later, without a card.
    """
    opened = await opened_setup(gateway, acme)

    await stripe.advance(24 * 3600)
    read = await gateway.read_card_setup(opened.id)

    assert (read.state, read.url, read.card) == ("expired", None, None)


async def test_an_attached_card_stays_attached(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Attaching it once more, with a key of its own, returns it as it is.
    """
    again = await gateway.attach_payment_method(visa, stripe_customer_id=acme, key="again")
    read = await gateway.read_payment_method(visa)

    assert again.id == read.id == visa
    assert (read.kind, read.stripe_customer_id, read.card.last4) == ("card", acme, "4242")


async def test_a_card_belongs_to_one_customer(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Another customer cannot have it.
    """
    globex = await stripe.customer("globex")

    with pytest.raises(GatewayMisused):
        await gateway.attach_payment_method(visa, stripe_customer_id=globex, key="theft")

    assert (await gateway.read_payment_method(visa)).stripe_customer_id == acme


async def test_a_declined_card_cannot_be_attached(gateway: StripeGateway, acme: str) -> None:
    """
    The bank is asked when it is saved.
    """
    with pytest.raises(PaymentDeclined) as declined:
        await gateway.attach_payment_method("pm_card_chargeDeclined", stripe_customer_id=acme, key="attach")

    assert (declined.value.decline.code, declined.value.payment_id) == ("card_declined", None)


async def test_a_detached_card_is_gone_for_ever(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Detaching it again returns it as it is; attaching it is refused.
    """
    detached = await gateway.detach_payment_method(visa, key="1")
    again = await gateway.detach_payment_method(visa, key="2")

    with pytest.raises(GatewayMisused):
        await gateway.attach_payment_method(visa, stripe_customer_id=acme, key="back")

    assert detached.stripe_customer_id is again.stripe_customer_id is None

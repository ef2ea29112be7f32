"""
Opening Checkout Sessions, and what is refused.
"""

import pytest
import stripe

from stripe_twin.twin import Twin

DAY = 24 * 3600
SUCCESS = "https://shop.test/done"


async def test_a_setup_session_has_a_setup_intent_at_once(sdk: stripe.StripeClient, ada: str, open_setup) -> None:
    """
    It is open, for this customer, with an intent for later payments that carries what was asked for.
    """
    session = await open_setup(
        client_reference_id="ref-1",
        metadata={"a": "1"},
        setup_intent_data={"metadata": {"b": "2"}, "description": "for fixes"},
        cancel_url="https://shop.test/back",
        expand=["setup_intent"],
    )

    assert (session.mode, session.status, session.payment_status) == ("setup", "open", "no_payment_required")
    assert (session.customer, session.client_reference_id, session.currency) == (ada, "ref-1", "usd")
    assert (session.metadata.to_dict(), session.cancel_url) == ({"a": "1"}, "https://shop.test/back")
    assert session.amount_total is None
    intent = session.setup_intent
    assert (intent.status, intent.customer, intent.usage) == ("requires_payment_method", ada, "off_session")
    assert (intent.metadata.to_dict(), intent.description) == ({"b": "2"}, "for fixes")


async def test_the_url_leads_to_the_twin_s_own_page(open_setup) -> None:
    """
    Where the API was called, there the page is.
    """
    session = await open_setup()

    assert session.url == f"https://api.stripe.com/pages/checkout/{session.id}"
    assert session.id.startswith("cs_test_")


async def test_a_subscription_session_adds_up_its_lines(sdk: stripe.StripeClient, pro: str, open_subscription) -> None:
    """
    Amounts are the prices' times the quantities; lines are listed, or included when asked for.
    """
    session = await open_subscription(expand=["line_items"])
    listed = await sdk.v1.checkout.sessions.line_items.list_async(session.id)

    assert (session.amount_total, session.currency, session.payment_status) == (119800, "usd", "unpaid")
    assert session.subscription is None
    [line] = session.line_items.data
    assert (line.description, line.quantity, line.amount_total, line.price.id) == ("Pro", 2, 119800, pro)
    assert [one.id for one in listed.data] == [line.id]


async def test_lines_are_only_shown_when_asked_for(open_subscription) -> None:
    """
    `line_items` is one of the fields that must be expanded.
    """
    session = await open_subscription()

    assert "line_items" not in session


async def test_sessions_are_found_again(sdk: stripe.StripeClient, ada: str, open_setup, open_subscription) -> None:
    """
    By id, by customer, by status.
    """
    setup, subscription = await open_setup(), await open_subscription()

    read = await sdk.v1.checkout.sessions.retrieve_async(setup.id)
    of_ada = await sdk.v1.checkout.sessions.list_async({"customer": ada})
    still_open = await sdk.v1.checkout.sessions.list_async({"status": "open"})

    assert read.id == setup.id
    assert [one.id for one in of_ada.data] == [setup.id]
    assert [one.id for one in still_open.data] == [subscription.id, setup.id]


async def test_an_unknown_session_is_a_404(sdk: stripe.StripeClient) -> None:
    """
    With Stripe's code.
    """
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await sdk.v1.checkout.sessions.retrieve_async("cs_test_nobody")

    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (404, "resource_missing", "session")


async def test_a_session_expires_after_a_day(sdk: stripe.StripeClient, twin: Twin, open_setup, types) -> None:
    """
    By itself, with an event, and its page is gone.
    """
    session = await open_setup()
    twin.account.advance(session.created + DAY - 1)
    before = await sdk.v1.checkout.sessions.retrieve_async(session.id)
    twin.account.advance(session.created + DAY)
    after = await sdk.v1.checkout.sessions.retrieve_async(session.id)

    assert session.expires_at == session.created + DAY
    assert (before.status, after.status, after.url) == ("open", "expired", None)
    assert types()[-1] == "checkout.session.expired"


async def test_a_session_expires_when_it_says(sdk: stripe.StripeClient, twin: Twin, open_setup) -> None:
    """
    From half an hour on.
    """
    session = await open_setup(expires_at=twin.account.now + 1800)
    twin.account.advance(session.created + 1800)

    assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "expired"


async def test_a_session_is_expired_by_a_call(sdk: stripe.StripeClient, open_setup, types) -> None:
    """
    Once; a second time is refused, and so it is when the time comes.
    """
    session = await open_setup()
    expired = await sdk.v1.checkout.sessions.expire_async(session.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`") as refusal:
        await sdk.v1.checkout.sessions.expire_async(session.id)

    assert expired.status == "expired"
    assert refusal.value.http_status == 400
    assert types().count("checkout.session.expired") == 1


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"mode": None}, 400, "parameter_missing", "mode"),
        ({"mode": "payment"}, 501, None, None),
        ({"ui_mode": "embedded_page"}, 501, None, None),
        ({"currency": None}, 400, "parameter_missing", "currency"),
        ({"success_url": None}, 400, "parameter_missing", "success_url"),
        ({"success_url": "shop.test"}, 400, "url_invalid", "success_url"),
        ({"cancel_url": "javascript:alert(1)"}, 400, "url_invalid", "cancel_url"),
        ({"customer": "cus_nobody"}, 400, "resource_missing", "customer"),
        ({"customer_email": "ada@acme.test"}, 400, None, "customer_email"),
        ({"client_reference_id": "x" * 201}, 400, None, "client_reference_id"),
        ({"line_items": [{"price": "price_x", "quantity": 1}]}, 400, None, "line_items"),
        ({"subscription_data": {"description": "x"}}, 400, None, "subscription_data"),
        ({"expires_at": 1}, 400, None, "expires_at"),
        ({"expires_at": 4_000_000_000}, 400, None, "expires_at"),
        ({"allowed_payment_method_types": ["us_bank_account"]}, 501, None, None),
        ({"consent_collection": {"terms_of_service": "required"}}, 501, None, None),
        ({"automatic_tax": {"enabled": True}}, 501, None, None),
        ({"setup_intent_data": {"on_behalf_of": "acct_1"}}, 501, None, None),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
async def test_an_impossible_setup_session_is_refused(
    open_setup, sdk: stripe.StripeClient, ada: str, change: dict, status: int, code: str | None, param: str | None
) -> None:
    """
    As Stripe refuses it, or loudly when the twin does not do it.
    """
    asked = {"mode": "setup", "currency": "usd", "customer": ada, "success_url": SUCCESS, **change}
    with pytest.raises(stripe.StripeError) as refusal:
        await sdk.v1.checkout.sessions.create_async({name: value for name, value in asked.items() if value is not None})

    error = refusal.value
    assert (error.http_status, error.code, getattr(error, "param", None)) == (status, code, param)


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"line_items": None}, 400, "parameter_missing", "line_items"),
        ({"line_items": [{"price": "price_x", "quantity": 1}]}, 400, "resource_missing", "line_items[0][price]"),
        ({"line_items": [{"quantity": 1}]}, 400, "parameter_missing", "line_items[0]"),
        ({"line_items": [{"price": "PRO"}]}, 400, None, "line_items[0][quantity]"),
        (
            {"line_items": [{"price": "PRO", "quantity": 0}]},
            400,
            "parameter_invalid_integer",
            "line_items[0][quantity]",
        ),
        ({"line_items": [{"price": "ONCE", "quantity": 1}]}, 400, None, "line_items"),
        ({"line_items": [{"price": "PRO", "quantity": 1}, {"price": "ONCE", "quantity": 1}]}, 501, None, None),
        ({"line_items": [{"price": "PRO", "quantity": 1}, {"price": "EURO", "quantity": 1}]}, 400, None, "line_items"),
        ({"line_items": [{"price": "OLD", "quantity": 1}]}, 400, None, "line_items[0][price]"),
        ({"line_items": [{"price": "FREE", "quantity": 1}]}, 501, None, None),
        ({"setup_intent_data": {"description": "x"}}, 400, None, "setup_intent_data"),
        ({"subscription_data": {"trial_period_days": 7}}, 501, None, None),
    ],
    ids=lambda value: str(value)[:75] if isinstance(value, dict) else "",
)
async def test_an_impossible_subscription_session_is_refused(
    sdk: stripe.StripeClient, pro: str, change: dict, status: int, code: str | None, param: str | None
) -> None:
    """
    Lines must be prices that recur, of one currency and rhythm, for sale, and for money.
    """
    product = (await sdk.v1.prices.retrieve_async(pro)).product
    monthly = {"product": product, "currency": "usd", "unit_amount": 100, "recurring": {"interval": "month"}}
    prices = {"PRO": pro}
    for name, differs in {
        "ONCE": {"recurring": None},
        "EURO": {"currency": "eur"},
        "OLD": {"active": False},
        "FREE": {"unit_amount": 0},
    }.items():
        asked = {key: value for key, value in {**monthly, **differs}.items() if value is not None}
        prices[name] = (await sdk.v1.prices.create_async(asked)).id
    change = {
        name: [
            {**line, "price": prices.get(line["price"], line["price"])} if "price" in line else line for line in value
        ]
        if name == "line_items" and value
        else value
        for name, value in change.items()
    }

    asked = {
        "mode": "subscription",
        "line_items": [{"price": pro, "quantity": 1}],
        "success_url": "https://shop.test",
        **change,
    }
    with pytest.raises(stripe.StripeError) as refusal:
        await sdk.v1.checkout.sessions.create_async({name: value for name, value in asked.items() if value is not None})

    error = refusal.value
    assert (error.http_status, error.code, getattr(error, "param", None)) == (status, code, param)


async def test_a_list_by_what_the_twin_does_not_know_is_refused(sdk: stripe.StripeClient) -> None:
    """
    A filter that were ignored would show too much.
    """
    with pytest.raises(stripe.APIError) as refusal:
        await sdk.v1.checkout.sessions.list_async({"customer_details": {"email": "ada@acme.test"}})

    assert refusal.value.http_status == 501

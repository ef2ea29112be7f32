"""
What is sent to Stripe, verb by verb: stated in full, so that no default of theirs decides for us.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
import stripe as sdk

from rsolv.stripe_gateway import API_VERSION, StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_gateway import objects
from stripe_gateway.conftest import KEY
from stripe_gateway.stand_in import StandIn

SINCE = datetime(2026, 11, 20, 12, 0, 0, 999_000, tzinfo=UTC)
SINCE_SECONDS = "1795176000"
METADATA = {"intent": "11"}
LATEST_INVOICE = {"expand[0]": "latest_invoice.payments"}

WRITES = [
    pytest.param(
        lambda gateway: gateway.create_customer(email="ada@example.com", name="Ada", metadata=METADATA, key="k"),
        objects.customer(),
        "POST /v1/customers",
        {"email": "ada@example.com", "name": "Ada", "metadata[intent]": "11"},
        id="create_customer",
    ),
    pytest.param(
        lambda gateway: gateway.set_default_payment_method("cus_1", payment_method_id="pm_1", key="k"),
        objects.customer(),
        "POST /v1/customers/cus_1",
        {"invoice_settings[default_payment_method]": "pm_1"},
        id="set_default_payment_method",
    ),
    pytest.param(
        lambda gateway: gateway.open_card_setup(
            stripe_customer_id="cus_1",
            return_url="https://us.example/back?s={CHECKOUT_SESSION_ID}",
            cancel_url="https://us.example/",
            currency="usd",
            metadata={"consent": "3"},
            key="k",
        ),
        objects.session(),
        "POST /v1/checkout/sessions",
        {
            "mode": "setup",
            "ui_mode": "hosted_page",
            "customer": "cus_1",
            "currency": "usd",
            "success_url": "https://us.example/back?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://us.example/",
            "metadata[consent]": "3",
            "setup_intent_data[metadata][consent]": "3",
        },
        id="open_card_setup",
    ),
    pytest.param(
        lambda gateway: gateway.attach_payment_method("pm_1", stripe_customer_id="cus_1", key="k"),
        objects.payment_method(),
        "POST /v1/payment_methods/pm_1/attach",
        {"customer": "cus_1"},
        id="attach_payment_method",
    ),
    pytest.param(
        lambda gateway: gateway.detach_payment_method("pm_1", key="k"),
        objects.payment_method(customer=None),
        "POST /v1/payment_methods/pm_1/detach",
        {},
        id="detach_payment_method",
    ),
    pytest.param(
        lambda gateway: gateway.create_payment(
            stripe_customer_id="cus_1",
            amount_cents=4321,
            currency="usd",
            payment_method_id="pm_1",
            description="A fix",
            metadata=METADATA,
            key="k",
        ),
        objects.payment(),
        "POST /v1/payment_intents",
        {
            "amount": "4321",
            "currency": "usd",
            "customer": "cus_1",
            "payment_method": "pm_1",
            "description": "A fix",
            "metadata[intent]": "11",
            "confirm": "false",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        },
        id="create_payment",
    ),
    pytest.param(
        lambda gateway: gateway.confirm_payment("pi_1", payment_method_id="pm_1", key="k"),
        objects.payment(status="succeeded"),
        "POST /v1/payment_intents/pi_1/confirm",
        {"payment_method": "pm_1", "off_session": "true", "expand[0]": "latest_charge"},
        id="confirm_payment, the customer away",
    ),
    pytest.param(
        lambda gateway: gateway.confirm_payment("pi_1", payment_method_id="pm_1", key="k", return_url="https://us/"),
        objects.payment(status="succeeded"),
        "POST /v1/payment_intents/pi_1/confirm",
        {"payment_method": "pm_1", "return_url": "https://us/", "expand[0]": "latest_charge"},
        id="confirm_payment, the customer here",
    ),
    pytest.param(
        lambda gateway: gateway.cancel_payment("pi_1", key="k"),
        objects.payment(status="canceled"),
        "POST /v1/payment_intents/pi_1/cancel",
        {"expand[0]": "latest_charge"},
        id="cancel_payment",
    ),
    pytest.param(
        lambda gateway: gateway.refund_payment(
            "pi_1", amount_cents=1000, reason="requested_by_customer", metadata={"refund": "5"}, key="k"
        ),
        objects.refund(),
        "POST /v1/refunds",
        {"payment_intent": "pi_1", "amount": "1000", "reason": "requested_by_customer", "metadata[refund]": "5"},
        id="refund_payment",
    ),
    pytest.param(
        lambda gateway: gateway.open_subscription(
            stripe_customer_id="cus_1",
            price_id="price_pro",
            quantity=1,
            payment_method_id="pm_1",
            metadata={"subscription": "9"},
            key="k",
        ),
        objects.subscription(),
        "POST /v1/subscriptions",
        {
            "customer": "cus_1",
            "items[0][price]": "price_pro",
            "items[0][quantity]": "1",
            "default_payment_method": "pm_1",
            "collection_method": "charge_automatically",
            "payment_behavior": "allow_incomplete",
            "off_session": "false",
            "billing_mode[type]": "flexible",
            "proration_behavior": "none",
            "metadata[subscription]": "9",
            **LATEST_INVOICE,
        },
        id="open_subscription",
    ),
    pytest.param(
        lambda gateway: gateway.schedule_cancellation("sub_1", at_period_end=True, key="k"),
        objects.subscription(cancel_at_period_end=True),
        "POST /v1/subscriptions/sub_1",
        {"cancel_at_period_end": "true", "proration_behavior": "none", **LATEST_INVOICE},
        id="schedule_cancellation",
    ),
    pytest.param(
        lambda gateway: gateway.schedule_cancellation("sub_1", at_period_end=False, key="k"),
        objects.subscription(),
        "POST /v1/subscriptions/sub_1",
        {"cancel_at_period_end": "false", "proration_behavior": "none", **LATEST_INVOICE},
        id="schedule_cancellation taken back",
    ),
    pytest.param(
        lambda gateway: gateway.set_subscription_card("sub_1", payment_method_id="pm_1", key="k"),
        objects.subscription(),
        "POST /v1/subscriptions/sub_1",
        {"default_payment_method": "pm_1", **LATEST_INVOICE},
        id="set_subscription_card",
    ),
    pytest.param(
        lambda gateway: gateway.pay_invoice("in_1", payment_method_id="pm_1", key="k"),
        objects.invoice(),
        "POST /v1/invoices/in_1/pay",
        {"payment_method": "pm_1", "off_session": "true", "expand[0]": "payments"},
        id="pay_invoice",
    ),
    pytest.param(
        lambda gateway: gateway.create_monthly_price(
            lookup_key="pro_usd", label="Pro", amount_cents=4321, currency="usd", key="k"
        ),
        objects.price(),
        "POST /v1/prices",
        {
            "lookup_key": "pro_usd",
            "product_data[name]": "Pro",
            "unit_amount": "4321",
            "currency": "usd",
            "recurring[interval]": "month",
        },
        id="create_monthly_price",
    ),
]

READS = [
    pytest.param(
        lambda gateway: gateway.read_customer("cus_1"), objects.customer(), "GET /v1/customers/cus_1", {}, id="customer"
    ),
    pytest.param(
        lambda gateway: gateway.read_card_setup("cs_1"),
        objects.session(),
        "GET /v1/checkout/sessions/cs_1",
        {"expand[0]": "setup_intent.payment_method"},
        id="card setup",
    ),
    pytest.param(
        lambda gateway: gateway.read_payment_method("pm_1"),
        objects.payment_method(),
        "GET /v1/payment_methods/pm_1",
        {},
        id="payment method",
    ),
    pytest.param(
        lambda gateway: gateway.read_payment("pi_1"),
        objects.payment(),
        "GET /v1/payment_intents/pi_1",
        {"expand[0]": "latest_charge"},
        id="payment",
    ),
    pytest.param(
        lambda gateway: gateway.read_refund("re_1"), objects.refund(), "GET /v1/refunds/re_1", {}, id="refund"
    ),
    pytest.param(
        lambda gateway: gateway.read_dispute("du_1"), objects.dispute(), "GET /v1/disputes/du_1", {}, id="dispute"
    ),
    pytest.param(
        lambda gateway: gateway.read_subscription("sub_1"),
        objects.subscription(),
        "GET /v1/subscriptions/sub_1",
        LATEST_INVOICE,
        id="subscription",
    ),
    pytest.param(
        lambda gateway: gateway.read_invoice("in_1"),
        objects.invoice(),
        "GET /v1/invoices/in_1",
        {"expand[0]": "payments"},
        id="invoice",
    ),
    pytest.param(
        lambda gateway: gateway.preview_subscription(stripe_customer_id="cus_1", price_id="price_pro", quantity=2),
        objects.invoice(),
        "POST /v1/invoices/create_preview",
        {
            "customer": "cus_1",
            "subscription_details[items][0][price]": "price_pro",
            "subscription_details[items][0][quantity]": "2",
            "subscription_details[billing_mode][type]": "flexible",
            "subscription_details[proration_behavior]": "none",
        },
        id="preview of a subscription",
    ),
    pytest.param(
        lambda gateway: gateway.preview_renewal("sub_1"),
        objects.invoice(),
        "POST /v1/invoices/create_preview",
        {"subscription": "sub_1"},
        id="preview of a renewal",
    ),
]


async def everything(gateway: StripeGateway, name: str, **asked: object) -> list[str]:
    return [each.id async for each in getattr(gateway, name)(**asked)]


LISTS = [
    pytest.param(
        lambda gateway: ids(gateway.find_customers(email="ada@example.com")),
        objects.customer,
        "/v1/customers",
        {"email": "ada@example.com"},
        id="customers",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_payments", stripe_customer_id="cus_1", created_since=SINCE),
        objects.payment,
        "/v1/payment_intents",
        {"customer": "cus_1", "created[gte]": SINCE_SECONDS, "expand[0]": "data.latest_charge"},
        id="payments",
    ),
    pytest.param(
        lambda gateway: ids(gateway.list_refunds("pi_1")),
        objects.refund,
        "/v1/refunds",
        {"payment_intent": "pi_1"},
        id="refunds",
    ),
    pytest.param(
        lambda gateway: ids(gateway.list_disputes("pi_1")),
        objects.dispute,
        "/v1/disputes",
        {"payment_intent": "pi_1"},
        id="disputes",
    ),
    pytest.param(
        lambda gateway: ids(gateway.list_invoices_of_payment("pi_1")),
        lambda **parts: objects.invoice_payment(invoice=objects.invoice(**parts), **parts),
        "/v1/invoice_payments",
        {"payment[type]": "payment_intent", "payment[payment_intent]": "pi_1", "expand[0]": "data.invoice"},
        id="invoices of a payment",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_subscriptions", stripe_customer_id="cus_1"),
        objects.subscription,
        "/v1/subscriptions",
        {"customer": "cus_1", "status": "all", "expand[0]": "data.latest_invoice.payments"},
        id="subscriptions",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_invoices", stripe_customer_id="cus_1"),
        objects.invoice,
        "/v1/invoices",
        {"customer": "cus_1", "expand[0]": "data.payments"},
        id="invoices",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_invoices", stripe_customer_id="cus_1", created_since=SINCE),
        objects.invoice,
        "/v1/invoices",
        {"customer": "cus_1", "created[gte]": SINCE_SECONDS, "expand[0]": "data.payments"},
        id="invoices since",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_all_payments", created_since=SINCE),
        objects.payment,
        "/v1/payment_intents",
        {"created[gte]": SINCE_SECONDS, "expand[0]": "data.latest_charge"},
        id="all payments",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_all_refunds", created_since=SINCE),
        objects.refund,
        "/v1/refunds",
        {"created[gte]": SINCE_SECONDS},
        id="all refunds",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_all_disputes", created_since=SINCE),
        objects.dispute,
        "/v1/disputes",
        {"created[gte]": SINCE_SECONDS},
        id="all disputes",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_all_invoices", created_since=SINCE),
        objects.invoice,
        "/v1/invoices",
        {"created[gte]": SINCE_SECONDS, "expand[0]": "data.payments"},
        id="all invoices",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_all_subscriptions", created_since=SINCE),
        objects.subscription,
        "/v1/subscriptions",
        {"created[gte]": SINCE_SECONDS, "status": "all", "expand[0]": "data.latest_invoice.payments"},
        id="all subscriptions",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_events", created_since=SINCE, types=["invoice.paid"]),
        objects.event,
        "/v1/events",
        {"created[gte]": SINCE_SECONDS, "types[0]": "invoice.paid"},
        id="events of a type",
    ),
    pytest.param(
        lambda gateway: everything(gateway, "list_events", created_since=SINCE),
        objects.event,
        "/v1/events",
        {"created[gte]": SINCE_SECONDS},
        id="events",
    ),
]


async def ids(found: Awaitable[list[sdk.Refund]]) -> list[str]:
    return [each.id for each in await found]


@pytest.mark.parametrize(("call", "answer", "where", "parameters"), WRITES)
async def test_a_write_says_everything_and_carries_its_key(
    stripe: StandIn,
    gateway: StripeGateway,
    call: Callable[[StripeGateway], Awaitable[object]],
    answer: object,
    where: str,
    parameters: dict[str, str],
) -> None:
    """
    One request with these parameters and no others, under the key of the attempt.
    """
    stripe.answer(answer)

    await call(gateway)

    (asked,) = stripe.asked
    assert (f"{asked.method} {asked.path}", asked.parameters, asked.key) == (where, parameters, "k")


@pytest.mark.parametrize(("call", "answer", "where", "parameters"), READS)
async def test_a_read_asks_for_all_that_is_needed_at_once(
    stripe: StandIn,
    gateway: StripeGateway,
    call: Callable[[StripeGateway], Awaitable[object]],
    answer: object,
    where: str,
    parameters: dict[str, str],
) -> None:
    """
    One request, with what has to be expanded.
    """
    stripe.answer(answer)

    await call(gateway)

    (asked,) = stripe.asked
    assert (f"{asked.method} {asked.path}", asked.parameters) == (where, parameters)


@pytest.mark.parametrize(("call", "make", "path", "parameters"), LISTS)
async def test_a_list_is_gone_through_to_its_end(
    stripe: StandIn,
    gateway: StripeGateway,
    call: Callable[[StripeGateway], Awaitable[list[str]]],
    make: Callable[..., objects.Json],
    path: str,
    parameters: dict[str, str],
) -> None:
    """
    In Stripe's order, a hundred at a time, each part after the last one seen.
    """
    stripe.answer(
        objects.listed(make(id="a"), make(id="b"), has_more=True),
        objects.listed(make(id="c"), has_more=True),
        objects.listed(),
    )

    assert await call(gateway) == ["a", "b", "c"]
    assert [(asked.method, asked.path) for asked in stripe.asked] == [("GET", path)] * 3
    assert [asked.parameters for asked in stripe.asked] == [
        {"limit": "100", **parameters},
        {"limit": "100", "starting_after": "b", **parameters},
        {"limit": "100", "starting_after": "c", **parameters},
    ]


async def test_a_price_is_found_by_its_lookup_key(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    Among active ones; where there is none, none is found.
    """
    stripe.answer(objects.listed(objects.price()), objects.listed())

    found, none = await gateway.find_price("pro_usd"), await gateway.find_price("other")

    assert found is not None
    assert (found.id, found.amount_cents, found.currency, found.is_active) == ("price_1", 4321, "usd", True)
    assert none is None
    assert stripe.asked[0].parameters == {"limit": "100", "lookup_keys[0]": "pro_usd", "active": "true"}


async def test_a_payment_need_not_name_its_method_yet(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    It is named when the payment is confirmed.
    """
    stripe.answer(objects.payment(payment_method=None))

    await gateway.create_payment(
        stripe_customer_id="cus_1",
        amount_cents=4321,
        currency="usd",
        payment_method_id=None,
        description="A fix",
        metadata={},
        key="k",
    )

    assert "payment_method" not in stripe.asked[0].parameters


async def test_an_invoice_is_read_with_all_of_its_lines(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    Stripe sends the first ten with it; the others are asked for.
    """
    stripe.answer(
        objects.invoice(lines=objects.listed(objects.invoice_line(id="il_1"), has_more=True)),
        objects.listed(objects.invoice_line(id="il_1"), has_more=True),
        objects.listed(objects.invoice_line(id="il_2")),
    )

    invoice = await gateway.read_invoice("in_1")

    assert ([line.id for line in invoice.lines], invoice.has_all_lines) == (["il_1", "il_2"], True)
    assert [asked.path for asked in stripe.asked] == ["/v1/invoices/in_1"] + ["/v1/invoices/in_1/lines"] * 2


async def test_a_cancellation_gives_nothing_back_and_bills_nothing(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    Stated, not left to a default.
    """
    stripe.answer(objects.subscription(status="canceled"))

    await gateway.cancel_subscription("sub_1")

    (asked,) = stripe.asked
    assert f"{asked.method} {asked.path}" == "DELETE /v1/subscriptions/sub_1"
    assert asked.parameters == {"invoice_now": "false", "prorate": "false", **LATEST_INVOICE}


async def test_every_request_is_of_our_version_and_tells_nothing_of_us(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    Our key, our version, and no telemetry, also not about the request before.
    """
    stripe.answer(objects.payment())

    await gateway.read_payment("pi_1")
    await gateway.read_payment("pi_1")

    for asked in stripe.asked:
        assert asked.headers["authorization"] == f"Bearer {KEY.reveal()}"
        assert asked.headers["stripe-version"] == API_VERSION
        assert "x-stripe-client-telemetry" not in asked.headers
        assert "telemetry_id" not in asked.headers["x-stripe-client-user-agent"]
        assert "platform" not in asked.headers["x-stripe-client-user-agent"]


def test_the_library_speaks_the_version_that_we_do() -> None:
    """
    An upgrade of it is a decision, made by changing both.
    """
    assert sdk.api_version == API_VERSION


async def test_a_library_of_another_version_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Before anything is sent in words that we do not know.
    """
    monkeypatch.setattr(sdk, "api_version", "2031-03-31.later")

    with pytest.raises(ValueError, match=r"2031-03-31\.later"):
        await open_gateway(GatewayOptions(api_key=KEY)).__aenter__()


@pytest.mark.parametrize("key", ["", "k" * 256, "k\u00e9y"], ids=["none", "too long", "not ASCII"])
async def test_a_write_without_a_usable_key_is_our_mistake(stripe: StandIn, gateway: StripeGateway, key: str) -> None:
    """
    The library would invent one for each call, which protects nothing.
    """
    with pytest.raises(AssertionError):
        await gateway.cancel_payment("pi_1", key=key)

    assert stripe.asked == []

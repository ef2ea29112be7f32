"""
What billing refuses: status, code and parameter, as Stripe has them; 501 where only the twin does not do it.
"""

import pytest


@pytest.fixture
async def names(shop, acme, at):
    """
    Ids that the cases speak of.
    """
    monthly, other = await shop.price(), await shop.customer()
    subscription = await shop.subscribe(acme, monthly)
    foreign = (await shop.v1.customers.payment_methods.list_async(other)).data[0].id
    return {
        "acme": acme,
        "bare": await shop.customer(card=None),
        "monthly": monthly,
        "yearly": await shop.price(49000, "year"),
        "single": await shop.price(2900, None),
        "foreign": foreign,
        "subscription": subscription.id,
        "item": subscription["items"].data[0].id,
        "paid": subscription.latest_invoice,
        "past": at(2025, 12, 31),
        "soon": at(2026, 1, 20),
        "far": at(2026, 2, 2),
    }


def filled(value, names):
    """
    Put the ids where a case names them.
    """
    if isinstance(value, dict):
        return {key: filled(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    return names.get(value[1:], value) if isinstance(value, str) and value.startswith("$") else value


MONTHLY = [{"price": "$monthly"}]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"items": MONTHLY}, (400, "parameter_missing", "customer")),
        ({"customer": "$acme"}, (400, "parameter_missing", "items")),
        ({"customer": "cus_nobody", "items": MONTHLY}, (400, "resource_missing", "customer")),
        ({"customer": "$acme", "items": [{"price": "price_none"}]}, (400, "resource_missing", "items[0][price]")),
        ({"customer": "$acme", "items": [{"price": "$single"}]}, (400, None, "items[0][price]")),
        ({"customer": "$acme", "items": MONTHLY * 2}, (400, None, "items")),
        ({"customer": "$bare", "items": MONTHLY}, (400, "resource_missing", None)),
        (
            {"customer": "$acme", "items": MONTHLY, "default_payment_method": "$foreign"},
            (400, "resource_missing", "default_payment_method"),
        ),
        ({"customer": "$acme", "items": MONTHLY, "currency": "eur"}, (400, None, "currency")),
        ({"customer": "$acme", "items": MONTHLY, "trial_end": "$past"}, (400, None, "trial_end")),
        ({"customer": "$acme", "items": MONTHLY, "trial_end": "$soon", "trial_period_days": 3}, (400, None, None)),
        ({"customer": "$acme", "items": MONTHLY, "trial_period_days": 731}, (400, None, "trial_end")),
        ({"customer": "$acme", "items": MONTHLY, "billing_cycle_anchor": "$past"}, (400, None, "billing_cycle_anchor")),
        ({"customer": "$acme", "items": MONTHLY, "billing_cycle_anchor": "$far"}, (400, None, "billing_cycle_anchor")),
        (
            {"customer": "$acme", "items": MONTHLY, "automatic_tax": {"enabled": True}},
            (400, "customer_tax_location_invalid", "automatic_tax[enabled]"),
        ),
        (
            {"customer": "$acme", "items": MONTHLY, "payment_behavior": "pending_if_incomplete"},
            (400, None, "payment_behavior"),
        ),
        ({"customer": "$acme", "items": [*MONTHLY, {"price": "$yearly"}]}, (501, None, None)),
        ({"customer": "$acme", "items": MONTHLY, "collection_method": "send_invoice"}, (501, None, None)),
        ({"customer": "$acme", "items": MONTHLY, "billing_mode": {"type": "classic"}}, (501, None, None)),
        ({"customer": "$acme", "items": MONTHLY, "discounts": [{"coupon": "half"}]}, (501, None, None)),
    ],
)
async def test_a_subscription_that_cannot_begin_is_refused(shop, names, refusal, params, expected):
    """
    Nothing is kept of it.
    """
    count = shop.twin.store.count("subscription")

    assert await refusal(shop.v1.subscriptions.create_async(filled(params, names))) == expected
    assert shop.twin.store.count("subscription") == count


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"items": [{"id": "si_none", "quantity": 2}]}, (400, "resource_missing", "items[0][id]")),
        ({"items": [{"id": "$item", "deleted": True}]}, (400, None, "items")),
        ({"items": [{"id": "$item", "price": "$single"}]}, (400, None, "items[0][price]")),
        ({"items": [{"quantity": 2}]}, (400, "parameter_missing", "items[0][price]")),
        ({"items": [{"id": "$item", "quantity": 2}], "proration_date": "$past"}, (400, None, "proration_date")),
        ({"default_payment_method": "$foreign"}, (400, "resource_missing", "default_payment_method")),
        ({"cancel_at": "$past"}, (400, None, "cancel_at")),
        ({"cancel_at": "$far", "cancel_at_period_end": True}, (400, None, None)),
        ({"automatic_tax": {"enabled": True}}, (400, "customer_tax_location_invalid", "automatic_tax[enabled]")),
        ({"cancel_at": "$soon"}, (501, None, None)),
        ({"trial_end": "$soon"}, (501, None, None)),
        ({"pause_collection": {"behavior": "void"}}, (501, None, None)),
        ({"payment_behavior": "pending_if_incomplete"}, (501, None, None)),
    ],
)
async def test_a_change_that_cannot_be_is_refused(shop, names, refusal, params, expected):
    """
    The subscription is as it was.
    """
    before = await shop.subscription(names["subscription"])

    changed = shop.v1.subscriptions.update_async(names["subscription"], filled(params, names))

    assert await refusal(changed) == expected
    assert await shop.subscription(names["subscription"]) == before


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("pay_async", (400, None, None)),
        ("void_invoice_async", (400, None, "invoice")),
        ("finalize_invoice_async", (400, "invoice_not_editable", None)),
        ("mark_uncollectible_async", (400, None, "invoice")),
        ("send_invoice_async", (501, None, None)),
    ],
)
async def test_a_paid_invoice_is_settled(shop, names, refusal, verb, expected):
    """
    It cannot be paid, voided, finalised or given up again.
    """
    assert await refusal(getattr(shop.v1.invoices, verb)(names["paid"])) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"customer": "$acme", "amount": 5, "pricing": {"price": "$single"}, "currency": "usd"}, (400, None, "amount")),
        ({"customer": "$acme", "currency": "usd"}, (400, None, "amount")),
        ({"customer": "$acme", "amount": 500}, (400, "parameter_missing", "currency")),
        ({"customer": "$acme", "pricing": {"price": "$monthly"}}, (400, None, "pricing[price]")),
        ({"amount": 500, "currency": "usd"}, (400, "parameter_missing", "customer")),
        (
            {"customer": "$acme", "amount": 500, "currency": "usd", "invoice": "$paid"},
            (400, "invoice_not_editable", "invoice"),
        ),
        (
            {"customer": "$bare", "amount": 500, "currency": "usd", "subscription": "$subscription"},
            (400, None, "subscription"),
        ),
    ],
)
async def test_an_invoice_item_that_makes_no_sense_is_refused(shop, names, refusal, params, expected):
    """
    An amount or a price, a currency, a customer, and a draft that is theirs.
    """
    assert await refusal(shop.v1.invoice_items.create_async(filled(params, names))) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"currency": "usd", "unit_amount": 5}, (400, None, "product")),
        ({"currency": "usd", "product": "prod_none", "unit_amount": 5}, (400, "resource_missing", "product")),
        ({"currency": "usd", "product_data": {"name": "Pro"}}, (400, "parameter_missing", "unit_amount")),
        (
            {"currency": "usd", "product_data": {"name": "Pro"}, "unit_amount": -1},
            (400, "parameter_invalid_integer", "unit_amount"),
        ),
        (
            {
                "currency": "usd",
                "product_data": {"name": "Pro"},
                "unit_amount": 5,
                "recurring": {"interval": "year", "interval_count": 4},
            },
            (400, None, "recurring[interval_count]"),
        ),
        (
            {"currency": "usd", "product_data": {"name": "Pro"}, "unit_amount": 5, "billing_scheme": "tiered"},
            (501, None, None),
        ),
    ],
)
async def test_a_price_that_cannot_be_is_refused(shop, refusal, params, expected):
    """
    It has a product, an amount, and an interval of three years at most.
    """
    assert await refusal(shop.v1.prices.create_async(params)) == expected


async def test_what_is_not_there_is_not_found(shop, refusal):
    """
    404 for an id in the path, with the name Stripe gives the parameter.
    """
    v1 = shop.v1
    assert await refusal(v1.subscriptions.retrieve_async("sub_none")) == (404, "resource_missing", "id")
    assert await refusal(v1.invoices.retrieve_async("in_none")) == (404, "resource_missing", "invoice")
    assert await refusal(v1.prices.retrieve_async("price_none")) == (404, "resource_missing", "price")
    assert await refusal(v1.products.retrieve_async("prod_none")) == (404, "resource_missing", "id")

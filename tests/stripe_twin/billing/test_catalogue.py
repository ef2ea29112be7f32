"""
Products and prices (docs.stripe.com/api/products, docs.stripe.com/api/prices).
"""


async def test_a_product_is_created_changed_and_listed(shop):
    """
    Each step has its event.
    """
    product = await shop.v1.products.create_async({"id": "prod_pro", "name": "Pro", "metadata": {"a": "1"}})
    changed = await shop.v1.products.update_async("prod_pro", {"active": False, "metadata": {"a": "", "b": "2"}})
    active = (await shop.v1.products.list_async({"active": True})).data
    named = (await shop.v1.products.list_async({"ids": ["prod_pro"]})).data

    assert (product.active, changed.active, changed.metadata.to_dict()) == (True, False, {"b": "2"})
    assert (active, [one.id for one in named]) == ([], ["prod_pro"])
    assert shop.types() == ["product.created", "product.updated"]


async def test_a_price_is_recurring_or_for_one_sale(shop):
    """
    The interval makes the type; a product can be described with the price.
    """
    monthly = await shop.v1.prices.create_async(
        {"currency": "usd", "unit_amount": 1500, "recurring": {"interval": "month"}, "product_data": {"name": "Pro"}}
    )
    single = await shop.v1.prices.create_async({"currency": "usd", "unit_amount": 2900, "product": monthly.product})

    assert (monthly.type, monthly.recurring.interval_count, single.type) == ("recurring", 1, "one_time")
    assert str(monthly.unit_amount_decimal) == "1500"
    assert [one.id for one in (await shop.v1.prices.list_async({"type": "one_time"})).data] == [single.id]
    by_product = (await shop.v1.prices.list_async({"product": monthly.product})).data
    assert [one.id for one in by_product] == [single.id, monthly.id]
    assert shop.types() == ["product.created", "price.created", "price.created"]


async def test_a_lookup_key_belongs_to_one_price_and_can_be_moved(shop, refusal):
    """
    A second price gets it only by transfer.
    """
    product = (await shop.v1.products.create_async({"name": "Pro"})).id
    asked = {"currency": "usd", "unit_amount": 1500, "product": product, "lookup_key": "pro"}
    await shop.v1.prices.create_async(asked)

    assert await refusal(shop.v1.prices.create_async(asked)) == (400, "resource_already_exists", "lookup_key")
    moved = await shop.v1.prices.create_async({**asked, "transfer_lookup_key": True})

    found = (await shop.v1.prices.list_async({"lookup_keys": ["pro"]})).data
    assert [one.id for one in found] == [moved.id]


async def test_an_archived_price_keeps_its_subscriptions_and_gets_no_new_ones(shop, acme, refusal):
    """
    What runs goes on.
    """
    price = await shop.price()
    subscription = await shop.subscribe(acme, price)
    await shop.v1.prices.update_async(price, {"active": False, "nickname": "Old"})

    assert await refusal(shop.subscribe(acme, price)) == (400, None, "items[0][price]")
    shop.pass_to(2026, 2, 2)
    assert (await shop.invoices(subscription.id))[0]["status"] == "paid"

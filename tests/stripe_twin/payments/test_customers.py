"""
Customers (docs.stripe.com/api/customers).
"""

import pytest

from stripe_twin import payments


async def test_a_created_customer_is_shown_as_it_was_given(sdk, types):
    """
    What was given is stored, the rest has Stripe's defaults, customer.created tells of it.
    """
    customer = await sdk.v1.customers.create_async(
        {"email": "a@acme.test", "name": "Acme", "address": {"country": "US"}, "metadata": {"plan": "team", "none": ""}}
    )

    shown = (await sdk.v1.customers.retrieve_async(customer.id)).to_dict()
    assert (shown["email"], shown["name"], shown["address"]["country"]) == ("a@acme.test", "Acme", "US")
    assert shown["address"]["line1"] is None
    assert shown["metadata"] == {"plan": "team"}
    assert (shown["balance"], shown["delinquent"], shown["tax_exempt"]) == (0, False, "none")
    assert types() == ["customer.created"]


async def test_metadata_is_merged_and_emptied(sdk):
    """
    A key is added or replaced, an empty text takes one away, or all of them.
    """
    customer = await sdk.v1.customers.create_async({"metadata": {"a": "1", "b": "2"}})

    merged = await sdk.v1.customers.update_async(customer.id, {"metadata": {"b": "", "c": "3"}})
    emptied = await sdk.v1.customers.update_async(customer.id, {"metadata": ""})

    assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
    assert emptied.metadata.to_dict() == {}


async def test_an_update_says_what_was_before(sdk, acme, events):
    """
    customer.updated carries the earlier values of what changed, and only those.
    """
    events()

    await sdk.v1.customers.update_async(
        acme, {"email": "new@acme.test", "shipping": {"name": "A", "address": {"country": "US"}}}
    )

    [event] = events()
    assert event["type"] == "customer.updated"
    assert event["data"]["previous_attributes"] == {"email": "billing@acme.test", "shipping": None}
    assert event["data"]["object"]["shipping"]["address"]["city"] is None


async def test_an_address_is_merged_and_taken_away(sdk, acme):
    """
    Fields of an address change one by one; an empty text takes all of it away.
    """
    await sdk.v1.customers.update_async(acme, {"address": {"country": "US", "city": "Reno"}})

    moved = await sdk.v1.customers.update_async(acme, {"address": {"city": "Elko"}})
    gone = await sdk.v1.customers.update_async(acme, {"address": ""})

    assert (moved.address.country, moved.address.city) == ("US", "Elko")
    assert gone.address is None


async def test_an_update_that_changes_nothing_tells_nothing(sdk, acme, types):
    """
    There is no event without a change.
    """
    types()

    await sdk.v1.customers.update_async(acme, {"name": "Acme"})

    assert types() == []


async def test_a_deleted_customer_stays_known_as_deleted(sdk, acme, saved, refusal, types):
    """
    It can be retrieved, not listed or used; its cards are nobody's, and used up.
    """
    card = await saved("visa")
    types()

    deleted = await sdk.v1.customers.delete_async(acme)

    assert deleted.to_dict() == {"id": acme, "object": "customer", "deleted": True}
    assert (await sdk.v1.customers.retrieve_async(acme)).to_dict() == deleted.to_dict()
    assert (await sdk.v1.customers.list_async({"email": "billing@acme.test"})).data == []
    assert (await sdk.v1.payment_methods.retrieve_async(card)).customer is None
    assert types() == ["customer.deleted"]
    again = await refusal(sdk.v1.customers.delete_async(acme))
    assert again.facts[:2] == (404, "resource_missing")


async def test_customers_are_found_by_their_exact_email(sdk, acme):
    """
    The filter minds capitals, and the newest comes first.
    """
    second = await sdk.v1.customers.create_async({"email": "billing@acme.test"})
    await sdk.v1.customers.create_async({"email": "BILLING@acme.test"})

    found = await sdk.v1.customers.list_async({"email": "billing@acme.test"})

    assert [customer.id for customer in found.data] == [second.id, acme]


async def test_a_customer_is_created_with_a_card_as_its_default(sdk, types):
    """
    The card is attached first, so that it can be the default.
    """
    card = await sdk.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})

    customer = await sdk.v1.customers.create_async(
        {"payment_method": card.id, "invoice_settings": {"default_payment_method": card.id}}
    )

    assert customer.invoice_settings.default_payment_method == card.id
    assert types() == ["customer.created", "payment_method.attached"]


async def test_a_customer_whose_card_is_declined_is_not_created(sdk, refusal):
    """
    A declined card cannot be attached, and nothing is left of the call.
    """
    error = await refusal(sdk.v1.customers.create_async({"payment_method": "pm_card_chargeDeclined"}))

    assert error.facts[:2] == (402, "card_declined")
    assert (await sdk.v1.customers.list_async()).data == []


async def test_only_an_attached_card_can_be_the_default(sdk, acme, refusal):
    """
    A stranger's card or nobody's is refused, naming the parameter.
    """
    card = await sdk.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    asked = {"invoice_settings": {"default_payment_method": card.id}}

    error = await refusal(sdk.v1.customers.update_async(acme, asked))

    assert error.facts == (
        400,
        "resource_missing",
        "invoice_settings[default_payment_method]",
    )


async def test_a_customers_cards_are_listed_and_shown_one_by_one(sdk, acme, saved, refusal):
    """
    Both routes know only the customer's own cards.
    """
    first, second = await saved("visa"), await saved("mastercard")
    stranger = await sdk.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})

    listed = await sdk.v1.customers.payment_methods.list_async(acme)

    assert [card.id for card in listed.data] == [second, first]
    assert (await sdk.v1.customers.payment_methods.retrieve_async(acme, first)).card.brand == "visa"
    error = await refusal(sdk.v1.customers.payment_methods.retrieve_async(acme, stranger.id))
    assert error.facts == (404, "resource_missing", "payment_method")


@pytest.mark.parametrize("name", ["source", "balance", "tax"])
async def test_what_the_twin_does_not_do_is_refused_aloud(sdk, refusal, name):
    """
    A parameter of Stripe's without effect here answers 501, never silence.
    """
    values = {"source": "tok_visa", "balance": 100, "tax": {"ip_address": "192.0.2.1"}}

    error = await refusal(sdk.v1.customers.create_async({name: values[name]}))

    assert error.status == 501
    assert f"`{name}`" in error.message


async def test_a_customer_of_a_test_clock_lives_by_it(twin, sdk):
    """
    Its times are the clock's, and it is listed only with its clock.
    """
    clock = {
        "id": "clock_later",
        "object": "test_helpers.test_clock",
        "created": twin.account.now,
        "frozen_time": twin.account.now + 86_400,
    }
    with twin.store.unit():
        twin.store.add("test_helpers.test_clock", clock)

    customer = await sdk.v1.customers.create_async({"test_clock": "clock_later"})
    setup = await sdk.v1.setup_intents.create_async({"customer": customer.id})

    assert customer.created == setup.created == clock["frozen_time"]
    assert (await sdk.v1.customers.list_async()).data == []
    assert [one.id for one in (await sdk.v1.customers.list_async({"test_clock": "clock_later"})).data] == [customer.id]


async def test_every_plain_field_can_be_changed(sdk, acme):
    """
    What the twin takes, it shows.
    """
    asked = {
        "phone": "+1 555 0100",
        "description": "pays well",
        "business_name": "Acme Inc",
        "preferred_locales": ["de"],
        "invoice_prefix": "ACME",
        "tax_exempt": "exempt",
        "invoice_settings": {"footer": "Thanks"},
    }

    shown = (await sdk.v1.customers.update_async(acme, asked)).to_dict()

    assert shown.pop("invoice_settings")["footer"] == "Thanks"
    assert {name: shown[name] for name in asked if name in shown} == {
        name: value for name, value in asked.items() if name != "invoice_settings"
    }


async def test_an_invoice_is_charged_to_the_first_default_that_is_attached(twin, sdk, acme, saved):
    """
    A subscription's own default wins, unless it was detached; else the customer's; else there is none.
    """
    mine, theirs = await saved("visa"), await saved("mastercard")
    none = payments.default_method_of(twin.account, acme)
    await sdk.v1.customers.update_async(acme, {"invoice_settings": {"default_payment_method": mine}})

    own = payments.default_method_of(twin.account, acme, theirs)
    await sdk.v1.payment_methods.detach_async(theirs)
    left = payments.default_method_of(twin.account, acme, theirs)

    assert [none, own, left] == [None, theirs, mine]


async def test_a_deleted_customer_is_nobody_to_a_parameter(sdk, acme, refusal):
    """
    Naming it is answered as if it had never been.
    """
    await sdk.v1.customers.delete_async(acme)

    error = await refusal(sdk.v1.setup_intents.create_async({"customer": acme}))

    assert error.facts == (400, "resource_missing", "customer")

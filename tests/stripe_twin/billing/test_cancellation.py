"""
Ending a subscription (docs.stripe.com/billing/subscriptions/cancel).
"""

import pytest

DAY = 86_400


async def test_a_subscription_canceled_now_is_over(shop, acme, at):
    """
    It ends in the call, with one event, and renews no more.
    """
    subscription = await shop.subscribe(acme)
    shop.pass_to(2026, 1, 10)
    shop.events()

    ended = await shop.v1.subscriptions.cancel_async(
        subscription.id, {"cancellation_details": {"feedback": "too_expensive", "comment": "Dear"}}
    )

    assert (ended.status, ended.canceled_at, ended.ended_at) == ("canceled", at(2026, 1, 10), at(2026, 1, 10))
    details = ended.cancellation_details
    assert (details.reason, details.feedback, details.comment) == ("cancellation_requested", "too_expensive", "Dear")
    shop.pass_to(2026, 3, 10)
    assert shop.types() == ["customer.subscription.deleted"]


async def test_a_canceled_subscription_is_not_found_by_another_cancellation(shop, acme, refusal):
    """
    The repeat is answered as Stripe answers it: there is no such subscription; reading it still works.
    """
    subscription = await shop.subscribe(acme)
    await shop.v1.subscriptions.cancel_async(subscription.id)

    facts = await refusal(shop.v1.subscriptions.cancel_async(subscription.id))

    assert facts == (404, "resource_missing", "id")
    assert (await shop.subscription(subscription.id))["status"] == "canceled"


async def test_at_the_periods_end_the_request_is_told_at_once_and_the_end_when_it_comes(shop, acme, at):
    """
    cancel_at and canceled_at are there in the call; the deletion comes with the period's end, and no renewal.
    """
    subscription = await shop.subscribe(acme)
    shop.pass_to(2026, 1, 10)
    shop.events()

    asked = await shop.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    told = shop.types()
    shop.pass_to(2026, 1, 31)
    still = await shop.subscription(subscription.id)
    shop.pass_to(2026, 2, 2)

    ended = await shop.subscription(subscription.id)
    assert (asked.cancel_at_period_end, asked.cancel_at, asked.canceled_at) == (True, at(2026, 2, 1), at(2026, 1, 10))
    assert (told, shop.types()) == (["customer.subscription.updated"], ["customer.subscription.deleted"])
    assert (still["status"], ended["status"], ended["ended_at"]) == ("active", "canceled", at(2026, 2, 1))
    assert ended["canceled_at"] == at(2026, 1, 10)
    assert len(await shop.invoices(subscription.id)) == 1


async def test_an_end_that_was_called_off_does_not_come(shop, acme):
    """
    All three facts are gone, and the subscription renews.
    """
    subscription = await shop.subscribe(acme)
    await shop.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})

    kept = await shop.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": False})
    shop.pass_to(2026, 2, 2)

    assert (kept.cancel_at_period_end, kept.cancel_at, kept.canceled_at) == (False, None, None)
    assert (await shop.subscription(subscription.id))["status"] == "active"


async def test_a_set_time_ends_it_after_some_renewals(shop, acme, at):
    """
    cancel_at two periods on: one more renewal, then the end.
    """
    subscription = await shop.subscribe(acme)
    asked = await shop.v1.subscriptions.update_async(subscription.id, {"cancel_at": at(2026, 3, 1)})

    shop.pass_to(2026, 3, 2)

    ended = await shop.subscription(subscription.id)
    assert (asked.cancel_at_period_end, ended["status"], ended["ended_at"]) == (False, "canceled", at(2026, 3, 1))
    assert len(await shop.invoices(subscription.id)) == 2


async def test_a_time_within_the_period_ends_it_without_credit(shop, acme, at):
    """
    Without prorations the subscription just ends early.
    """
    subscription = await shop.subscribe(acme)
    asked = {"cancel_at": at(2026, 1, 20), "proration_behavior": "none"}
    await shop.v1.subscriptions.update_async(subscription.id, asked)

    shop.pass_to(2026, 1, 21)

    assert (await shop.subscription(subscription.id))["ended_at"] == at(2026, 1, 20)


async def test_waiting_prorations_are_dropped_by_an_end_now(shop, acme):
    """
    They are billed no more, unless the call says so.
    """
    subscription = await shop.subscribe(acme)
    item = subscription["items"].data[0].id
    await shop.v1.subscription_items.update_async(item, {"quantity": 2})

    await shop.v1.subscriptions.cancel_async(subscription.id)

    assert (await shop.v1.invoice_items.list_async({"customer": acme})).data == []


async def test_an_end_can_credit_unused_time_on_a_last_invoice(shop, acme):
    """
    With prorate and invoice_now the rest of the period becomes a credit on the customer's balance.
    """
    subscription = await shop.subscribe(acme, await shop.price(3100))
    shop.pass_to(2026, 1, 11)

    await shop.v1.subscriptions.cancel_async(subscription.id, {"prorate": True, "invoice_now": True})
    shop.pass_time(3600)

    [last, _] = await shop.invoices(subscription.id)
    assert (last["status"], last["total"]) == ("paid", -2100)
    assert (await shop.v1.customers.retrieve_async(acme)).balance == -2100


async def test_prorations_left_waiting_are_billed_at_the_periods_end(shop, acme):
    """
    An end at the period's end collects what a change had left.
    """
    subscription = await shop.subscribe(acme)
    shop.pass_to(2026, 1, 31)
    await shop.v1.subscription_items.update_async(subscription["items"].data[0].id, {"quantity": 20})
    await shop.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})

    shop.pass_to(2026, 2, 2)

    [last, _] = await shop.invoices(subscription.id)
    assert (last["status"], last["total"]) == ("paid", round(4900 * 20 / 31) - round(4900 / 31))


async def test_an_incomplete_subscription_that_is_canceled_expires(shop):
    """
    Its invoice is void.
    """
    subscription = await shop.subscribe(await shop.customer("pm_card_chargeCustomerFail"))

    ended = await shop.v1.subscriptions.cancel_async(subscription.id)

    assert ended.status == "incomplete_expired"
    assert (await shop.invoices(subscription.id))[0]["status"] == "void"


async def test_a_canceled_subscription_is_dunned_no_more(shop, acme):
    """
    Its open invoice stays, but nothing is tried.
    """
    subscription = await shop.subscribe(acme)
    await shop.default_card(acme, "pm_card_chargeCustomerFail")
    shop.pass_to(2026, 2, 2)
    await shop.v1.subscriptions.cancel_async(subscription.id)
    shop.events()

    shop.pass_to(2026, 3, 2)

    [invoice, _] = await shop.invoices(subscription.id)
    assert (invoice["status"], invoice["auto_advance"], invoice["next_payment_attempt"]) == ("open", False, None)
    assert shop.types() == []


async def test_a_deleted_customer_has_no_subscription_left(shop, acme):
    """
    All end with the customer.
    """
    subscription = await shop.subscribe(acme)
    shop.events()

    await shop.v1.customers.delete_async(acme)
    shop.pass_to(2026, 3, 2)

    assert (await shop.subscription(subscription.id))["status"] == "canceled"
    assert [name for name in shop.types() if name.startswith("customer.")][:2] == [
        "customer.deleted",
        "customer.subscription.deleted",
    ]


@pytest.mark.parametrize("params", [{"items": [{"quantity": 2}]}, {"cancel_at_period_end": False}])
async def test_an_ended_subscription_changes_only_its_metadata(shop, acme, refusal, params):
    """
    Everything else is refused.
    """
    subscription = await shop.subscribe(acme)
    await shop.v1.subscriptions.cancel_async(subscription.id)

    facts = await refusal(shop.v1.subscriptions.update_async(subscription.id, params))
    noted = await shop.v1.subscriptions.update_async(subscription.id, {"metadata": {"why": "gone"}})

    assert facts == (400, "invalid_canceled_subscription_fields", None)
    assert noted.metadata.to_dict() == {"why": "gone"}

"""
Failed renewals and their retries (docs.stripe.com/billing/revenue-recovery/smart-retries).
"""

import pytest

from stripe_twin import billing, payments

DAY, HOUR = 86_400, 3600
FIRST_TRY = 31 * DAY + HOUR
RETRIES = [1, 2, 3, 5, 7, 9, 11, 14]


@pytest.fixture
async def failing(shop, acme):
    """
    A subscription whose renewal on 1 February has just been declined.
    """
    subscription = await shop.subscribe(acme)
    await shop.default_card(acme, "pm_card_chargeCustomerFail")
    shop.pass_time(31 * DAY)
    shop.events()
    shop.pass_time(HOUR)
    return subscription.id


def end_with(shop, choice):
    """
    Set what happens after the last retry.
    """
    with shop.twin.store.unit():
        billing.change_settings(shop.twin.account, {"after_last_retry": choice})


async def test_a_declined_renewal_makes_the_subscription_past_due(shop, failing, at):
    """
    The invoice stays open, its next try is known, and the subscription says that payment is due.
    """
    [invoice, _] = await shop.invoices(failing)

    assert (invoice["status"], invoice["attempted"], invoice["attempt_count"]) == ("open", True, 1)
    assert invoice["next_payment_attempt"] == at(2026, 2, 2) + HOUR
    assert (await shop.subscription(failing))["status"] == "past_due"
    assert shop.types()[-4:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "customer.subscription.updated",
    ]


async def test_eight_retries_in_two_weeks_and_then_the_end(shop, failing):
    """
    Each comes on its day, and after the last the subscription is canceled for want of payment.
    """
    begun, tried = shop.twin.account.now, []
    shop.events()
    for _ in range(15):
        shop.pass_time(DAY)
        tried += [(event["created"] - begun) // DAY for event in shop.events() if event["type"] == "charge.failed"]

    ended, [invoice, _] = await shop.subscription(failing), await shop.invoices(failing)
    assert tried == RETRIES
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    assert (invoice["status"], invoice["attempt_count"], invoice["next_payment_attempt"]) == ("open", 9, None)


@pytest.mark.parametrize(("choice", "status"), [("unpaid", "unpaid"), ("past_due", "past_due")])
async def test_the_account_decides_what_the_last_failure_means(shop, failing, choice, status):
    """
    The subscription is unpaid, or stays past due, where the settings say so.
    """
    end_with(shop, choice)

    shop.pass_time(14 * DAY)

    assert (await shop.subscription(failing))["status"] == status


async def test_an_unpaid_subscription_makes_drafts_only(shop, failing, at):
    """
    Periods roll on, but the invoices wait for somebody to pay what is owed.
    """
    end_with(shop, "unpaid")

    shop.pass_to(2026, 3, 5)

    [newest, *_] = await shop.invoices(failing)
    assert (newest["status"], newest["auto_advance"], newest["period_end"]) == ("draft", False, at(2026, 3, 1))


async def test_a_retry_with_a_better_card_recovers(shop, acme, failing):
    """
    The next try takes the customer's new default; the subscription is active again.
    """
    await shop.default_card(acme, "pm_card_visa")
    shop.events()

    shop.pass_time(DAY)

    [invoice, _] = await shop.invoices(failing)
    assert (invoice["status"], invoice["attempt_count"]) == ("paid", 2)
    assert (await shop.subscription(failing))["status"] == "active"
    assert shop.types()[-4:] == [
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "customer.subscription.updated",
    ]


async def test_paying_by_hand_recovers_and_ends_the_retries(shop, acme, failing):
    """
    A payment with another card settles the invoice; nothing more is tried.
    """
    [invoice, _] = await shop.invoices(failing)
    method = await shop.v1.payment_methods.attach_async("pm_card_visa", {"customer": acme})

    paid = await shop.v1.invoices.pay_async(invoice["id"], {"payment_method": method.id})
    shop.events()
    shop.pass_time(14 * DAY)

    assert (paid.status, (await shop.subscription(failing))["status"]) == ("paid", "active")
    assert "charge.failed" not in shop.types()


async def test_a_try_by_hand_leaves_the_schedule_alone(shop, failing, refusal):
    """
    It fails with the decline, and neither the count nor the next try changes.
    """
    [before, _] = await shop.invoices(failing)

    facts = await refusal(shop.v1.invoices.pay_async(before["id"]))

    [after, _] = await shop.invoices(failing)
    assert facts[:2] == (402, "card_declined")
    assert (after["attempt_count"], after["next_payment_attempt"]) == (1, before["next_payment_attempt"])


async def test_after_a_hard_decline_tries_are_counted_and_not_made(shop, acme):
    """
    The schedule runs on without a charge, and ends as any other.
    """
    subscription = await shop.subscribe(acme)
    await shop.default_card(acme, "pm_card_authenticationRequired")

    await require_only_counted(shop, subscription.id)


async def test_without_a_card_tries_are_counted_and_not_made(shop, acme):
    """
    The payment fails for want of a method, and the schedule runs on.
    """
    subscription = await shop.subscribe(acme)
    [saved] = (await shop.v1.customers.payment_methods.list_async(acme)).data
    await shop.v1.payment_methods.detach_async(saved.id)

    await require_only_counted(shop, subscription.id)


async def require_only_counted(shop, subscription):
    """
    Renew, and see that after the first failure nothing more is charged until the subscription is canceled.
    """
    shop.pass_time(FIRST_TRY)
    assert "invoice.payment_failed" in shop.types()
    shop.pass_time(14 * DAY)
    types = shop.types()
    assert "charge.failed" not in types
    assert types.count("invoice.updated") == len(RETRIES)
    assert (await shop.subscription(subscription))["status"] == "canceled"


async def test_a_hard_decline_is_forgotten_when_there_is_another_card(shop, acme):
    """
    The next due try takes the new method.
    """
    subscription = await shop.subscribe(acme)
    await shop.default_card(acme, "pm_card_authenticationRequired")
    shop.pass_time(FIRST_TRY)
    await shop.default_card(acme, "pm_card_visa")

    shop.pass_time(DAY)

    assert (await shop.subscription(subscription.id))["status"] == "active"


async def test_a_renewal_that_needs_the_customer_says_so_and_is_paid_on_the_page(shop, acme):
    """
    invoice.payment_action_required goes out; with the customer present the payment is authenticated and recovers.
    """
    subscription = await shop.subscribe(acme)
    await shop.default_card(acme, "pm_card_authenticationRequired")
    shop.pass_time(FIRST_TRY)
    assert shop.types()[-3:] == [
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "customer.subscription.updated",
    ]
    [invoice, _] = await shop.invoices(subscription.id)
    intent = await shop.intent_of(invoice["id"])

    method = intent["last_payment_error"]["payment_method"]["id"]
    asked = {"payment_method": method, "return_url": "https://acme.test/back"}
    confirmed = await shop.v1.payment_intents.confirm_async(intent["id"], asked)
    with shop.twin.store.unit():
        payments.finish_authentication(shop.twin.account, intent["id"], succeeded=True)

    assert confirmed.status == "requires_action"
    assert (await shop.subscription(subscription.id))["status"] == "active"


@pytest.mark.parametrize(
    "changes",
    [
        {"after_last_retry": "forgive"},
        {"retry_after_days": [3, 1]},
        {"retry_after_days": [0]},
        {"upcoming_days": -1},
        {"colour": "red"},
    ],
)
def test_settings_that_make_no_sense_are_refused(shop, changes):
    """
    An unknown end, days out of order, or a setting there is not.
    """
    with shop.twin.store.unit(), pytest.raises(ValueError):  # noqa: PT011 -- each has words of its own
        billing.change_settings(shop.twin.account, changes)

    assert billing.settings(shop.twin.account)["after_last_retry"] == "cancel"


def test_settings_are_kept_one_by_one(shop):
    """
    A second change leaves the first as it is.
    """
    account = shop.twin.account
    with shop.twin.store.unit():
        billing.change_settings(account, {"retry_after_days": [3]})
        billing.change_settings(account, {"upcoming_days": 0})

    kept = billing.settings(account)
    assert (kept["retry_after_days"], kept["upcoming_days"], kept["after_last_retry"]) == ([3], 0, "cancel")

"""
Refunds: whole, partial, late, and failing after all (docs.stripe.com/refunds, docs.stripe.com/testing#refunds).
"""

import pytest

from stripe_twin import payments


async def test_a_refund_gives_all_of_it_back(sdk, pay, types):
    """
    Without an amount it is all that is left; the charge says so.
    """
    intent = await pay(payment_method="pm_card_visa")
    types()

    refund = await sdk.v1.refunds.create_async(
        {"payment_intent": intent.id, "reason": "requested_by_customer", "metadata": {"a": "b"}}
    )

    assert (refund.amount, refund.status, refund.reason) == (2900, "succeeded", "requested_by_customer")
    assert (refund.charge, refund.payment_intent) == (intent.latest_charge, intent.id)
    charge = await sdk.v1.charges.retrieve_async(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (2900, True)
    assert types() == ["refund.created", "charge.refunded"]


async def test_partial_refunds_add_up(sdk, pay):
    """
    The charge is refunded when nothing is left; shown with its refunds when asked to.
    """
    intent = await pay(payment_method="pm_card_visa")

    first = await sdk.v1.refunds.create_async({"charge": intent.latest_charge, "amount": 900})
    half = await sdk.v1.charges.retrieve_async(intent.latest_charge)
    second = await sdk.v1.refunds.create_async({"charge": intent.latest_charge})
    whole = await sdk.v1.charges.retrieve_async(intent.latest_charge, {"expand": ["refunds"]})

    assert (half.amount_refunded, half.refunded) == (900, False)
    assert (second.amount, whole.amount_refunded, whole.refunded) == (2000, 2900, True)
    assert [refund.id for refund in whole.refunds.data] == [second.id, first.id]


async def test_a_refund_moves_the_balance(sdk, pay):
    """
    Its balance transaction takes the amount away; the fee stays with Stripe.
    """
    intent = await pay(payment_method="pm_card_visa")

    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id, "expand": ["balance_transaction"]})

    moved = await sdk.v1.balance_transactions.retrieve_async(refund.balance_transaction.id)
    assert (moved.amount, moved.fee, moved.type, moved.source) == (-2900, 0, "refund", refund.id)


async def test_a_pending_refund_arrives_later(twin, sdk, pay, types):
    """
    The card ...7726: pending at first, then refund.updated.
    """
    intent = await pay(payment_method="pm_card_pendingRefund")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    types()

    twin.account.advance(twin.account.now + 60)

    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert (await sdk.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    assert types() == ["refund.updated"]


async def test_a_refund_can_fail_after_it_seemed_to_succeed(twin, sdk, pay, types):
    """
    The card ...5126: the charge's amounts are restored and the money can be refunded again.
    """
    intent = await pay(payment_method="pm_card_refundFail")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1000})
    types()

    twin.account.advance(twin.account.now + 60)

    failed = await sdk.v1.refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (refund.status, failed.status, failed.failure_reason) == ("succeeded", "failed", "expired_or_canceled_card")
    assert failed.failure_balance_transaction.amount == 1000
    charge = await sdk.v1.charges.retrieve_async(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert types() == ["charge.updated", "refund.updated", "refund.failed"]
    assert (await sdk.v1.refunds.create_async({"payment_intent": intent.id})).amount == 2900


async def test_any_refund_can_be_made_to_fail_once(twin, sdk, pay, types):
    """
    The control's verb; a second time it changes nothing.
    """
    intent = await pay(payment_method="pm_card_visa")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    types()

    with twin.store.unit():
        payments.fail_refund(twin.account, refund.id)
        payments.fail_refund(twin.account, refund.id)

    assert types() == ["charge.updated", "refund.updated", "refund.failed"]


async def test_refunds_are_listed_by_charge_and_intent(sdk, pay):
    """
    Both filters hold.
    """
    intent, other = [await pay(payment_method="pm_card_visa") for _ in range(2)]
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    await sdk.v1.refunds.create_async({"payment_intent": other.id})

    by_charge = await sdk.v1.refunds.list_async({"charge": intent.latest_charge})
    by_intent = await sdk.v1.refunds.list_async({"payment_intent": intent.id})

    assert [found.id for found in by_charge.data] == [found.id for found in by_intent.data] == [refund.id]


async def test_only_the_metadata_of_a_refund_changes(sdk, pay, events, refusal):
    """
    refund.updated says what was before; the refund of a card cannot be canceled.
    """
    intent = await pay(payment_method="pm_card_visa")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    events()

    changed = await sdk.v1.refunds.update_async(refund.id, {"metadata": {"a": "b"}})
    error = await refusal(sdk.v1.refunds.cancel_async(refund.id))

    assert changed.metadata.to_dict() == {"a": "b"}
    [event] = events()
    assert (event["type"], event["data"]["previous_attributes"]) == ("refund.updated", {"metadata": {"a": None}})
    assert (error.status, error.message) == (400, "Canceling this refund is unsupported.")


@pytest.mark.parametrize(
    ("refunded", "asked", "facts"),
    [
        (None, {"amount": 2901}, (400, None, "amount")),
        (900, {"amount": 2001}, (400, None, "amount")),
        (2900, {}, (400, "charge_already_refunded", None)),
        (2900, {"amount": 1}, (400, "charge_already_refunded", None)),
        (None, {"amount": 0}, (400, "parameter_invalid_integer", "amount")),
        (None, {"charge": "ch_none"}, (404, "resource_missing", "id")),
        (None, {"payment_intent": "pi_none"}, (400, "resource_missing", "payment_intent")),
        (None, {"reverse_transfer": True}, (501, None, None)),
    ],
)
async def test_a_refund_that_cannot_be_is_refused(sdk, pay, refusal, refunded, asked, facts):
    """
    More than is left, nothing left, nothing there: each with Stripe's code.
    """
    intent = await pay(payment_method="pm_card_visa")
    for amount in filter(None, [refunded]):
        await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": amount})
    which = {} if "charge" in asked else {"payment_intent": intent.id}

    error = await refusal(sdk.v1.refunds.create_async({**which, **asked}))

    assert error.facts == facts


async def test_an_over_refund_names_both_amounts(sdk, pay, refusal):
    """
    The message is Stripe's.
    """
    intent = await pay(payment_method="pm_card_visa")
    await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 900})

    error = await refusal(sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 2500}))

    assert error.message == "Refund amount ($25.00) is greater than unrefunded amount on charge ($20.00)"


async def test_what_was_never_paid_cannot_be_refunded(sdk, pay, refusal):
    """
    Neither a declined payment nor an empty call.
    """
    declined = await refusal(pay(payment_method="pm_card_visa_chargeDeclined"))

    unpaid = await refusal(sdk.v1.refunds.create_async({"charge": declined.error["charge"]}))
    by_intent = await refusal(sdk.v1.refunds.create_async({"payment_intent": declined.error["payment_intent"]["id"]}))
    nothing = await refusal(sdk.v1.refunds.create_async({}))

    assert "does not have a successful charge to refund" in unpaid.message
    assert by_intent.message == unpaid.message
    assert "payment_intent or charge" in nothing.message
    assert unpaid.status == nothing.status == 400

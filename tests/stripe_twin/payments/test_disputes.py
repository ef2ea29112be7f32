"""
Disputes: opened, answered, won, lost, expired; inquiries (docs.stripe.com/disputes, docs.stripe.com/testing#disputes).
"""

import pytest

from stripe_twin import payments

LATER_SECONDS = 5
TEN_DAYS_SECONDS = 10 * 86_400


@pytest.fixture
def disputed(sdk, pay, types):
    """
    Pay with a card that is disputed with its payment, and return the dispute.
    """

    async def opened(name="createDispute"):
        intent = await pay(payment_method=f"pm_card_{name}")
        [dispute] = (await sdk.v1.disputes.list_async({"payment_intent": intent.id})).data
        types()
        return dispute

    return opened


async def test_a_disputed_payment_loses_its_money_at_once(sdk, pay, types):
    """
    The dispute comes with the payment and takes amount and fee away.
    """
    intent = await pay(payment_method="pm_card_createDispute")

    [dispute] = (await sdk.v1.disputes.list_async({"charge": intent.latest_charge})).data
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 2900)
    assert [(moved.amount, moved.fee) for moved in dispute.balance_transactions] == [(-2900, 1500)]
    assert not dispute.is_charge_refundable
    assert (await sdk.v1.charges.retrieve_async(intent.latest_charge)).disputed
    assert types() == [
        "payment_intent.created",
        "charge.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]


async def test_the_reason_is_the_cards(disputed):
    """
    A card for each kind.
    """
    assert (await disputed("createDisputeProductNotReceived")).reason == "product_not_received"


async def test_an_inquiry_moves_no_money(disputed, sdk):
    """
    It only asks; the charge can still be refunded.
    """
    inquiry = await disputed("createDisputeInquiry")

    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    assert inquiry.is_charge_refundable
    assert (await sdk.v1.refunds.create_async({"charge": inquiry.charge})).status == "succeeded"


async def test_a_disputed_charge_cannot_be_refunded(disputed, sdk, refusal):
    """
    The bank has taken the money already.
    """
    dispute = await disputed()

    error = await refusal(sdk.v1.refunds.create_async({"charge": dispute.charge}))

    assert error.facts == (400, "charge_disputed", None)


@pytest.mark.parametrize(
    ("name", "evidence", "status", "told"),
    [
        ("createDispute", "winning_evidence", "won", ["charge.dispute.funds_reinstated", "charge.dispute.closed"]),
        ("createDispute", "losing_evidence", "lost", ["charge.dispute.closed"]),
        ("createDispute", "escalate_inquiry_evidence", "under_review", []),
        ("createDispute", "we sent it", "under_review", []),
        ("createDisputeInquiry", "winning_evidence", "warning_closed", ["charge.dispute.closed"]),
        ("createDisputeInquiry", "losing_evidence", "warning_closed", ["charge.dispute.closed"]),
        (
            "createDisputeInquiry",
            "escalate_inquiry_evidence",
            "needs_response",
            ["charge.dispute.updated", "charge.dispute.funds_withdrawn"],
        ),
    ],
)
async def test_evidence_is_judged_some_seconds_later(twin, sdk, disputed, types, name, evidence, status, told):
    """
    The documented words decide; anything else stays under review.
    """
    dispute = await disputed(name)

    answer = await sdk.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": evidence}})
    at_once = types()
    twin.account.advance(twin.account.now + LATER_SECONDS)

    assert answer.status in {"under_review", "warning_under_review"}
    assert (answer.evidence_details.has_evidence, answer.evidence_details.submission_count) == (True, 1)
    assert at_once == ["charge.dispute.updated"]
    assert (await sdk.v1.disputes.retrieve_async(dispute.id)).status == status
    assert types() == told


async def test_a_won_dispute_brings_the_money_back(twin, sdk, disputed):
    """
    Amount and fee are returned, and the charge can be refunded again.
    """
    dispute = await disputed()

    with twin.store.unit():
        payments.decide_dispute(twin.account, dispute.id, won=True)

    won = await sdk.v1.disputes.retrieve_async(dispute.id)
    assert [(moved.amount, moved.fee) for moved in won.balance_transactions] == [(-2900, 1500), (2900, -1500)]
    assert (await sdk.v1.refunds.create_async({"charge": dispute.charge})).status == "succeeded"


async def test_an_inquiry_can_become_a_chargeback_and_be_lost(twin, sdk, disputed, types):
    """
    Decided against us twice: first the money goes, then the dispute.
    """
    inquiry = await disputed("createDisputeInquiry")

    with twin.store.unit():
        payments.decide_dispute(twin.account, inquiry.id, won=False)
    escalated = await sdk.v1.disputes.retrieve_async(inquiry.id)
    with twin.store.unit():
        payments.decide_dispute(twin.account, inquiry.id, won=False)

    assert (escalated.status, escalated.is_charge_refundable) == ("needs_response", False)
    assert (await sdk.v1.disputes.retrieve_async(inquiry.id)).status == "lost"
    assert types() == ["charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.dispute.closed"]


async def test_a_closed_dispute_is_lost_for_good(sdk, disputed, types, refusal):
    """
    Giving in is at once and final.
    """
    dispute = await disputed()

    closed = await sdk.v1.disputes.close_async(dispute.id)

    assert closed.status == "lost"
    assert types() == ["charge.dispute.closed"]
    again = await refusal(sdk.v1.disputes.close_async(dispute.id))
    late = await refusal(sdk.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "x"}}))
    assert {again.message, late.message} == {"This dispute is already closed"}


async def test_staged_evidence_is_not_submitted(sdk, disputed, events):
    """
    `submit=false` keeps it for later; metadata can change beside it.
    """
    dispute = await disputed()

    staged = await sdk.v1.disputes.update_async(
        dispute.id, {"evidence": {"customer_name": "Ada"}, "submit": False, "metadata": {"a": "b"}}
    )

    assert (staged.status, staged.evidence.customer_name) == ("needs_response", "Ada")
    assert staged.evidence_details.submission_count == 0
    [event] = [event for event in events() if event["type"] == "charge.dispute.updated"]
    assert event["data"]["previous_attributes"]["metadata"] == {"a": None}


async def test_a_dispute_that_nobody_answers_is_lost(twin, sdk, disputed, types):
    """
    When its time is over, the bank decides for the customer.
    """
    dispute = await disputed()

    twin.account.advance(twin.account.now + TEN_DAYS_SECONDS)

    expired = await sdk.v1.disputes.retrieve_async(dispute.id)
    assert (expired.status, expired.evidence_details.past_due) == ("lost", True)
    assert types() == ["charge.dispute.closed"]


async def test_an_inquiry_cannot_be_given_in_to_here(sdk, disputed, refusal):
    """
    The twin does not do it, and says so.
    """
    inquiry = await disputed("createDisputeInquiry")

    error = await refusal(sdk.v1.disputes.close_async(inquiry.id))

    assert error.status == 501


async def test_evidence_that_the_twin_does_not_know_is_refused_aloud(sdk, disputed, refusal):
    """
    Enhanced evidence is not done here.
    """
    dispute = await disputed()
    enhanced = {"enhanced_evidence": {"visa_compliance": {"fee_acknowledged": True}}}

    error = await refusal(sdk.v1.disputes.update_async(dispute.id, {"evidence": enhanced}))

    assert error.status == 501


async def test_an_inquiry_can_be_closed_without_loss(twin, sdk, disputed, types):
    """
    Decided for us, an inquiry ends as `warning_closed`.
    """
    inquiry = await disputed("createDisputeInquiry")

    with twin.store.unit():
        payments.decide_dispute(twin.account, inquiry.id, won=True)

    assert (await sdk.v1.disputes.retrieve_async(inquiry.id)).status == "warning_closed"
    assert types() == ["charge.dispute.closed"]

"""
Questions about disputes.
"""

from stripe_twin.conformance.questions import Facts, Questions, refusal
from stripe_twin.scenarios import Stage
from stripe_twin.scenarios.disputes import disputed

questions = Questions()

_TESTING = "docs.stripe.com/testing#disputes"
_JUDGED_SECONDS = 60


async def _told(stage: Stage, before: str | None, dispute_id: str, last: str) -> list[str]:
    """
    Return which events told of a dispute, once the last one has come.
    """
    await stage.awaited(lambda: stage.event_since(before, last, dispute_id))
    events = await stage.events_since(before)
    return sorted(
        event.type.removeprefix("charge.dispute.") for event in events if event.data.object["id"] == dispute_id
    )


async def _judged(stage: Stage, card: str, evidence: str) -> Facts:
    dispute_id, before = await disputed(stage, card), await stage.latest_event_id()
    await stage.sdk.v1.disputes.update_async(dispute_id, {"evidence": {"uncategorized_text": evidence}})
    stage.wait(_JUDGED_SECONDS)
    events = await _told(stage, before, dispute_id, "charge.dispute.closed")
    found = await stage.sdk.v1.disputes.retrieve_async(dispute_id)
    return {"status": found.status, "events": events, "movements": len(found.balance_transactions)}


@questions.on(
    _TESTING, status="needs_response", reason="fraudulent", events=["created", "funds_withdrawn"], movements=1
)
async def a_dispute_takes_the_money_at_once(stage: Stage) -> Facts:
    """
    The card 0259.
    """
    before = await stage.latest_event_id()
    dispute_id = await disputed(stage, "pm_card_createDispute")
    events = await _told(stage, before, dispute_id, "charge.dispute.funds_withdrawn")
    found = await stage.sdk.v1.disputes.retrieve_async(dispute_id)
    return {
        "status": found.status,
        "reason": found.reason,
        "events": events,
        "movements": len(found.balance_transactions),
    }


@questions.on(_TESTING, status="warning_needs_response", movements=0, refundable=True)
async def an_inquiry_moves_no_money(stage: Stage) -> Facts:
    """
    The card 1976; the payment can still be refunded.
    """
    found = await stage.sdk.v1.disputes.retrieve_async(await disputed(stage, "pm_card_createDisputeInquiry"))
    return {
        "status": found.status,
        "movements": len(found.balance_transactions),
        "refundable": found.is_charge_refundable,
    }


@questions.on(_TESTING, status="won", events=["closed", "funds_reinstated", "updated"], movements=2)
async def a_dispute_that_is_won_brings_the_money_back(stage: Stage) -> Facts:
    """
    With `winning_evidence`.
    """
    return await _judged(stage, "pm_card_createDispute", "winning_evidence")


@questions.on(_TESTING, status="lost", events=["closed", "updated"], movements=1)
async def a_dispute_that_is_lost_keeps_the_money_away(stage: Stage) -> Facts:
    """
    With `losing_evidence`.
    """
    return await _judged(stage, "pm_card_createDispute", "losing_evidence")


@questions.on(_TESTING, status="warning_closed", events=["closed", "updated"], movements=0)
async def an_answered_inquiry_is_closed(stage: Stage) -> Facts:
    """
    With `winning_evidence` [K].
    """
    return await _judged(stage, "pm_card_createDisputeInquiry", "winning_evidence")


@questions.on("docs.stripe.com/api/disputes/close", status="lost", again=400)
async def giving_in_loses(stage: Stage) -> Facts:
    """
    And is for good.
    """
    dispute_id = await disputed(stage, "pm_card_createDispute")
    closed = await stage.sdk.v1.disputes.close_async(dispute_id)
    again = await refusal(stage.sdk.v1.disputes.update_async(dispute_id, {"metadata": {"a": "b"}, "submit": True}))
    return {"status": closed.status, "again": again["status"]}

"""
Scenarios of disputes (docs.stripe.com/testing#disputes).
"""

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()

_JUDGED_WITHIN_SECONDS = 60


class NoDispute(AssertionError):
    """
    A payment with a card that is always disputed was not disputed.
    """


@scenarios.ends_in("charge.dispute.created", "charge.dispute.funds_withdrawn")
async def created(stage: Stage) -> str:
    """
    Pay with a card that is always disputed.
    """
    return await disputed(stage, "pm_card_createDispute")


async def disputed(stage: Stage, card: str) -> str:
    """
    Pay with a card that is disputed, and return the dispute's id.

    Raises:
        NoDispute: it did not come in time.
    """
    intent = await props.payment(stage, card)

    async def found() -> str | None:
        disputes = (await stage.sdk.v1.disputes.list_async({"payment_intent": intent.id})).data
        return disputes[0].id if disputes else None

    dispute_id = await stage.awaited(found)
    if dispute_id is None:
        raise NoDispute(f"{card}: {intent.id}")
    return dispute_id


@scenarios.ends_in("charge.dispute.updated")
async def updated(stage: Stage) -> str:
    """
    Submit evidence that nobody judges at once.
    """
    return await _answered(stage, "The work was delivered.")


@scenarios.ends_in("charge.dispute.closed", "charge.dispute.funds_reinstated")
async def won(stage: Stage) -> str:
    """
    Win a dispute: the money comes back.
    """
    return await _judged(stage, "winning_evidence")


@scenarios.ends_in("charge.dispute.closed:lost")
async def lost(stage: Stage) -> str:
    """
    Lose a dispute.
    """
    return await _judged(stage, "losing_evidence")


async def _judged(stage: Stage, evidence: str) -> str:
    dispute_id = await _answered(stage, evidence)
    stage.wait(_JUDGED_WITHIN_SECONDS)
    return dispute_id


async def _answered(stage: Stage, evidence: str) -> str:
    dispute_id = await created(stage)
    await stage.sdk.v1.disputes.update_async(dispute_id, {"evidence": {"uncategorized_text": evidence}})
    return dispute_id

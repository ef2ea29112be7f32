"""
Believe Stripe about a dispute: the one way in which one changes anything here.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from rsolv import reversals
from rsolv.db import Connection
from rsolv.disputes.queries import disputes
from rsolv.disputes.rules import (
    Dispute,
    difference,
    freezes,
    is_older,
    is_over,
    next_look,
    state_of_paid,
)
from rsolv.disputes.service.freeze import follow_disputes
from rsolv.disputes.service.money import move_money
from rsolv.disputes.service.tell import tell
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Dispute as TheirDispute

DISPUTES_OF_ONE_AT_MOST = 100

Believed = Literal["foreign", "stale", "settled", "already", "parked"]
"""
What came of it: of no payment of ours; older than what we know; changed something; no news; our books do not follow.
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What came of believing a dispute, and the dispute as it is now.
    """

    believed: Believed
    dispute: Dispute | None = None


async def settle_dispute(connection: Connection, bus: EventBus, theirs: TheirDispute, *, now: datetime) -> Settled:
    """
    Make books, charges and people agree with a dispute of a charge or an invoice, as just read at Stripe by its id.

    Money away at Stripe: the payment is reversed and the customer's charges are frozen. Back again: both undone. An
    inquiry is only shown and told. All in the caller's transaction; any number of times, in any order, by whomever:
    money follows the reading with the most movements, and who changes anything has the dispute read once more. What
    does not agree with what was paid is parked, and freezes all the same. A subscription stays as it is.

    Locks the dispute, the charge or the invoice, the customer's credits, then the freeze.
    """
    disputed = await disputes.find_paid_by_payment(connection, theirs.payment_id or "")
    if disputed is None:
        return Settled("foreign")
    is_new = await disputes.insert_dispute_once(connection, disputed, theirs, now=now)
    known = await disputes.lock_dispute(connection, customer_id=disputed.customer_id, stripe_dispute_id=theirs.id)
    assert known is not None, "just written, by us or before"
    if is_older(known, theirs):
        return Settled("stale", known)
    moved = await move_money(connection, bus, known, theirs, what=difference(disputed, known, theirs), now=now)
    after = _after(known, moved, theirs, is_new=is_new, now=now)
    await disputes.update_dispute(connection, after)
    await _show(connection, after)
    if after.freezes_charges != known.freezes_charges:
        await follow_disputes(connection, customer_id=known.customer_id, now=now)
    await tell(connection, after, known=None if is_new else known)
    if after.parked_reason is not None:
        return Settled("parked", after)
    return Settled("settled" if after.changed_at != known.changed_at or is_new else "already", after)


def _after(known: Dispute, moved: Dispute, theirs: TheirDispute, *, is_new: bool, now: datetime) -> Dispute:
    """
    Return how a dispute stands once its reading is believed and its money moved.
    """
    after = replace(
        moved,
        stage=theirs.stage,
        stripe_state=theirs.stripe_state,
        movements=theirs.movements,
        is_withdrawn=theirs.is_withdrawn,
        freezes_charges=freezes(known, theirs),
        reason=theirs.reason,
        respond_by=theirs.respond_by,
    )
    is_changed = is_new or after != replace(known, reason=after.reason, respond_by=after.respond_by)
    changed_at = now if is_changed else known.changed_at
    over, parked = is_over(theirs), after.parked_reason is not None
    return replace(
        after,
        changed_at=changed_at,
        closed_at=(known.closed_at or now) if over else None,
        wake_at=next_look(changed_at=changed_at, is_over=over, is_parked=parked, now=now),
    )


async def _show(connection: Connection, dispute: Dispute) -> None:
    """
    Let the charge or the invoice say how it stands by all its disputes.
    """
    found = await disputes.list_disputes_of_paid(
        connection, customer_id=dispute.customer_id, paid=dispute.paid, limit=DISPUTES_OF_ONE_AT_MOST
    )
    await reversals.note_dispute(
        connection, customer_id=dispute.customer_id, paid=dispute.paid, dispute_state=state_of_paid(found)
    )

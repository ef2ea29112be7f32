"""
Give back what a refund or a dispute took, because it failed or was won.
"""

from datetime import datetime

from rsolv import ledger
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.reversals.queries import reversals
from rsolv.reversals.rules import SOURCES, Reversal, ReversalKind, money_moves
from rsolv.reversals.service.balance import balance, move_credits
from rsolv.reversals.service.paid import lock_paid
from rsolv.reversals.service.take_back import tell


async def restore(
    connection: Connection,
    bus: EventBus,
    *,
    customer_id: int,
    kind: ReversalKind,
    stripe_object_id: str,
    now: datetime,
) -> Reversal | None:
    """
    Undo all that a reversal took, for good; None when it took nothing. Publishes `ChargeReversed` for a charge.

    What other reversals of the same payment are due is counted anew, since it was counted beside this one. Locks the
    charge or the invoice, then the customer's credits, until the transaction ends. A repeat moves nothing.
    """
    found = await reversals.find_reversal(connection, customer_id=customer_id, stripe_object_id=stripe_object_id)
    if found is None or found.kind != kind:
        return None
    await lock_paid(connection, customer_id=customer_id, paid=found.source.paid)
    await ledger.lock_available(connection, customer_id=customer_id)
    held = await reversals.find_reversal(connection, customer_id=customer_id, stripe_object_id=stripe_object_id)
    assert held is not None, "reversals stay"
    if held.state == "restored":
        return held
    restored = await _restore(connection, held, now=now)
    await balance(connection, held.source, customer_id=customer_id)
    await tell(connection, bus, restored, now=now)
    return restored


async def _restore(connection: Connection, held: Reversal, *, now: datetime) -> Reversal:
    await move_credits(connection, held, -held.credits_taken, leg="credits_restored")
    moves = money_moves(held.kind, amount_cents=held.amount_cents, receivable_cents=held.receivable_cents)
    posted = await ledger.post_money(
        connection,
        customer_id=held.customer_id,
        currency=held.currency,
        amounts_cents={account: -cents for account, cents in moves.items()},
        source=SOURCES[held.kind],
        cause=ledger.Cause(held.kind, held.stripe_object_id, "money_restored"),
        metadata=held.source.paid.facts,
    )
    return await reversals.restore_reversal(connection, held, restoring_posting_id=posted.posting_id, now=now)

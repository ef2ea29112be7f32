"""
Take a part of a payment back.
"""

from datetime import datetime

from rsolv import charges, ledger
from rsolv.charges import PaidCharge
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.reversals.errors import ReversalDiffers, ReversalExceedsPayment
from rsolv.reversals.queries import reversals
from rsolv.reversals.rules import (
    SOURCES,
    ChargeReversed,
    Reversal,
    ReversalKind,
    Share,
    Source,
    left_cents,
    money_moves,
    shares,
)
from rsolv.reversals.service.balance import bring, count_takable, list_live, move_credits


async def take_back(
    connection: Connection,
    bus: EventBus,
    *,
    customer_id: int,
    charge_id: int,
    kind: ReversalKind,
    stripe_object_id: str,
    amount_cents: int,
    now: datetime,
) -> Reversal:
    """
    Post that a refund or a dispute took so much of a charge, with its share of the credits; publish `ChargeReversed`.

    What of those is spent becomes receivable, never an error. Locks the charge, then the customer's credits, until the
    transaction ends. Idempotent by *stripe_object_id*: a repeat moves nothing, also when it was restored since.

    Raises:
        UnknownCharge: the customer has no such charge.
        ChargeNotPaid: nothing was paid by it.
        ReversalExceedsPayment: less than that is left of what was paid; nothing is written.
        ReversalDiffers: it took something else back before; nothing is written.
    """
    assert amount_cents > 0, "something is taken"
    charge = await charges.lock_paid_charge(connection, customer_id=customer_id, charge_id=charge_id)
    await ledger.lock_available(connection, customer_id=customer_id)
    found = await reversals.find_reversal(connection, customer_id=customer_id, stripe_object_id=stripe_object_id)
    if found is not None:
        if (found.charge_id, found.kind, found.amount_cents) != (charge_id, kind, amount_cents):
            raise ReversalDiffers(stripe_object_id=stripe_object_id)
        return found
    source = _source(charge)
    live = await list_live(connection, source, customer_id=customer_id)
    left = left_cents(source, live)
    if amount_cents > left:
        raise ReversalExceedsPayment(charge_id=charge_id, left_cents=left, amount_cents=amount_cents)
    takable = await count_takable(connection, source, live, customer_id=customer_id)
    *others, own = shares(source, [*(each.amount_cents for each in live), amount_cents], credits_takable=takable)
    await bring(connection, live, others)
    reversal = await _take(
        connection,
        source,
        own,
        customer_id=customer_id,
        kind=kind,
        stripe_object_id=stripe_object_id,
        amount_cents=amount_cents,
        now=now,
    )
    await tell(connection, bus, reversal, now=now)
    return reversal


async def tell(connection: Connection, bus: EventBus, reversal: Reversal, *, now: datetime) -> None:
    """
    Let the charge know how much of it is taken back, and who wants to know that it changed.
    """
    assert reversal.charge_id is not None, "only charges are taken back so far"
    live = await list_live(connection, reversal.source, customer_id=reversal.customer_id)
    await charges.note_reversed(
        connection,
        customer_id=reversal.customer_id,
        charge_id=reversal.charge_id,
        refunded_cents=sum(each.amount_cents for each in live if each.kind == "refund"),
        disputed_cents=sum(each.amount_cents for each in live if each.kind == "dispute"),
    )
    event = ChargeReversed(
        customer_id=reversal.customer_id,
        charge_id=reversal.charge_id,
        kind=reversal.kind,
        amount_cents=reversal.amount_cents,
        is_restored=reversal.state == "restored",
        occurred_at=now,
    )
    await bus.publish(connection, event)


async def _take(
    connection: Connection,
    source: Source,
    share: Share,
    *,
    customer_id: int,
    kind: ReversalKind,
    stripe_object_id: str,
    amount_cents: int,
    now: datetime,
) -> Reversal:
    posted = await ledger.post_money(
        connection,
        customer_id=customer_id,
        currency=source.currency,
        amounts_cents=money_moves(kind, amount_cents=amount_cents, receivable_cents=share.receivable_cents),
        source=SOURCES[kind],
        cause=ledger.Cause(kind, stripe_object_id, "money"),
        metadata={"charge_id": source.id},
    )
    await reversals.insert_reversal(
        connection,
        source,
        share,
        customer_id=customer_id,
        kind=kind,
        stripe_object_id=stripe_object_id,
        amount_cents=amount_cents,
        money_posting_id=posted.posting_id,
        now=now,
    )
    made = await reversals.find_reversal(connection, customer_id=customer_id, stripe_object_id=stripe_object_id)
    assert made is not None, "just written"
    await move_credits(connection, made, share.credits_taken, leg="credits")
    return made


def _source(charge: PaidCharge) -> Source:
    return Source(
        kind="charge",
        id=charge.id,
        paid_cents=charge.amount_cents,
        currency=charge.currency,
        credits_granted=charge.credits,
        grant_posting_id=charge.grant_posting_id,
    )

"""
Take a part of a payment back.
"""

from datetime import datetime

from rsolv import ledger
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.reversals.errors import ReversalDiffers, ReversalExceedsPayment, SeveralGrants
from rsolv.reversals.queries import reversals
from rsolv.reversals.rules import (
    SOURCES,
    ChargeReversed,
    Paid,
    Reversal,
    ReversalKind,
    Share,
    Source,
    left_cents,
    money_moves,
    shares,
)
from rsolv.reversals.service.balance import bring, count_takable, list_live, move_credits
from rsolv.reversals.service.paid import lock_paid, note_reversed


async def take_back(
    connection: Connection,
    bus: EventBus,
    *,
    customer_id: int,
    paid: Paid,
    kind: ReversalKind,
    stripe_object_id: str,
    amount_cents: int,
    now: datetime,
) -> Reversal:
    """
    Post that a refund or a dispute took so much of what was paid, with its share of the credits that were bought.

    What of those is spent becomes receivable, never an error. Locks the charge or the invoice, then the customer's
    credits, until the transaction ends. Publishes `ChargeReversed` for a charge. Idempotent by *stripe_object_id*: a
    repeat moves nothing, also when it was restored since.

    Raises:
        UnknownCharge, UnknownInvoice: the customer has no such thing.
        ChargeNotPaid, InvoiceNotPaid: nothing was paid by it.
        ReversalExceedsPayment: less than that is left of what was paid; nothing is written.
        ReversalDiffers: it took something else back before; nothing is written.
        SeveralGrants: it brought credits by several lines; nothing is written.
    """
    assert amount_cents > 0, "something is taken"
    reversible = await lock_paid(connection, customer_id=customer_id, paid=paid)
    await ledger.lock_available(connection, customer_id=customer_id)
    found = await reversals.find_reversal(connection, customer_id=customer_id, stripe_object_id=stripe_object_id)
    if found is not None:
        if (found.source.paid, found.kind, found.amount_cents) != (paid, kind, amount_cents):
            raise ReversalDiffers(stripe_object_id=stripe_object_id)
        return found
    source = reversible.source
    if source is None:
        raise SeveralGrants(**paid.facts)
    live = await list_live(connection, source, customer_id=customer_id)
    left = left_cents(source, live)
    if amount_cents > left:
        raise ReversalExceedsPayment(left_cents=left, amount_cents=amount_cents, **paid.facts)
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
    Let the charge or the invoice know how much of it is taken back, and who wants to know that a charge changed.
    """
    live = await list_live(connection, reversal.source, customer_id=reversal.customer_id)
    await note_reversed(
        connection,
        customer_id=reversal.customer_id,
        paid=reversal.source.paid,
        refunded_cents=sum(each.amount_cents for each in live if each.kind == "refund"),
        disputed_cents=sum(each.amount_cents for each in live if each.kind == "dispute"),
    )
    if reversal.charge_id is None:
        return
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
        metadata=source.paid.facts,
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

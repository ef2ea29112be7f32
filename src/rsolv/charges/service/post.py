"""
Post what a paid charge moves: the money, the credit it bought, and the credit that the fix consumed.
"""

from dataclasses import dataclass
from datetime import datetime

from rsolv import ledger
from rsolv.charges.queries import paid, reads
from rsolv.charges.rules import CREDITS_PER_CHARGE, Intent
from rsolv.db import Connection
from rsolv.stripe_gateway import Payment


@dataclass(frozen=True, slots=True)
class ChargePosted:
    """
    The three postings of a charge.
    """

    money_posting_id: int
    credits_posting_id: int
    consumed_posting_id: int


async def post_charge(connection: Connection, intent: Intent, payment: Payment, *, now: datetime) -> ChargePosted:
    """
    Post a paid charge; a repeat moves nothing.

    Raises:
        CauseReused: the charge or the fix posted before, with other figures.
    """
    customer_id = intent.customer_id
    basis = ledger.Basis(
        catalog_version_id=intent.catalog_version_id,
        price_cents=intent.amount_cents,
        consent_id=intent.consent_id,
        api_key_id=intent.api_key_id,
    )
    money = await ledger.post_money(
        connection,
        customer_id=customer_id,
        currency=intent.currency,
        amounts_cents={"processor": intent.amount_cents, "revenue": -intent.amount_cents},
        source="purchased",
        cause=ledger.Cause("charge", str(intent.id), "money"),
        basis=basis,
        metadata={"stripe_payment_id": payment.id, "stripe_charge_id": payment.charge_id},
    )
    credits_bought = await ledger.grant(
        connection,
        customer_id=customer_id,
        credits=CREDITS_PER_CHARGE,
        source="purchased",
        cause=ledger.Cause("charge", str(intent.id), "credits"),
        basis=basis,
        metadata={"charge_id": intent.id},
    )
    fix = await reads.find_fix(connection, customer_id=customer_id, fix_id=intent.fix_id)
    assert fix is not None, "its debt refers to it"
    consumed = await ledger.consume(
        connection,
        customer_id=customer_id,
        credits=CREDITS_PER_CHARGE,
        cause=ledger.Cause("fix", str(intent.fix_id)),
        basis=ledger.Basis(api_key_id=intent.api_key_id, fix_id=intent.fix_id),
        metadata={
            "repository": fix["repository"],
            "issue_number": fix["issue_number"],
            "charge_id": intent.id,
        },
        now=now,
    )
    return ChargePosted(money.posting_id, credits_bought.posting_id, consumed.posting_id)


async def post_late(connection: Connection, intent: Intent, payment: Payment) -> int:
    """
    Post money that came for a charge which had ended: received, to be given back, and buying nothing.

    Returns how much it was, in cents; a repeat moves nothing.
    """
    cents = payment.amount_received_cents
    posted = await ledger.post_money(
        connection,
        customer_id=intent.customer_id,
        currency=intent.currency,
        amounts_cents={"processor": cents, "refunded": -cents},
        source="purchased",
        cause=ledger.Cause("charge", str(intent.id), "late"),
        metadata={"stripe_payment_id": payment.id, "stripe_charge_id": payment.charge_id},
    )
    await paid.note_late_payment(
        connection,
        customer_id=intent.customer_id,
        charge_id=intent.id,
        late_cents=cents,
        late_posting_id=posted.posting_id,
    )
    return cents

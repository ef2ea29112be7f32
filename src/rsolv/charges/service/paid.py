"""
What was paid, for those who take it back.
"""

from rsolv.charges.errors import ChargeNotPaid, UnknownCharge
from rsolv.charges.queries import paid, reads
from rsolv.charges.queries.paid import PaidCharge
from rsolv.charges.rules import DisputeState
from rsolv.db import Connection


async def find_owner_of_payment(connection: Connection, *, stripe_payment_id: str) -> tuple[int, int] | None:
    """
    Return whose payment at Stripe it is: the customer's id and the charge's; None when it is no charge of ours.
    """
    return await reads.find_owner_by_payment(connection, stripe_payment_id)


async def lock_paid_charge(connection: Connection, *, customer_id: int, charge_id: int) -> PaidCharge:
    """
    Return what a charge took, how much of that was taken back, and which credits it bought.

    Locks the charge until the transaction ends: before the customer's credits, as whoever settles a charge does.

    Raises:
        UnknownCharge: the customer has no such charge.
        ChargeNotPaid: nothing was paid.
    """
    found = await paid.lock_paid(connection, customer_id=customer_id, charge_id=charge_id)
    if found is not None:
        return found
    charge = await reads.find_charge(connection, customer_id=customer_id, charge_id=charge_id)
    if charge is None:
        raise UnknownCharge(charge_id=charge_id)
    raise ChargeNotPaid(charge_id=charge_id, state=charge.state)


async def note_reversed(
    connection: Connection, *, customer_id: int, charge_id: int, refunded_cents: int, disputed_cents: int
) -> None:
    """
    Note how much of a charge live refunds and disputes have taken back by now; refunds make room under a cap.
    """
    await paid.set_taken_back(
        connection,
        customer_id=customer_id,
        charge_id=charge_id,
        refunded_cents=refunded_cents,
        disputed_cents=disputed_cents,
    )


async def note_dispute(
    connection: Connection, *, customer_id: int, charge_id: int, dispute_state: DisputeState
) -> None:
    """
    Note how a charge stands in dispute, to be shown with it.

    Raises:
        UnknownCharge: the customer has no such charge.
    """
    is_ours = await paid.set_dispute_state(
        connection, customer_id=customer_id, charge_id=charge_id, dispute_state=dispute_state
    )
    if not is_ours:
        raise UnknownCharge(charge_id=charge_id)

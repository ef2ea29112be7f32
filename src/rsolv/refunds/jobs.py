"""
The machine: have Stripe give money back, once, calling it only between transactions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rsolv.db import Database
from rsolv.jobs import Handler, JobCall, Schedule
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.refunds.rules import Refund, in_order, key_of, metadata_of, nothing
from rsolv.refunds.service.claim import claim, payments_of, prepare_sending, wake_overdue
from rsolv.refunds.service.fail import take_failure
from rsolv.refunds.service.read import get_refund
from rsolv.refunds.service.settle import settle_refund
from rsolv.stripe_gateway import GatewayFailure, GatewayMisused, StripeGateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """
    What refunds are made with. `at` is told each point on the way, so that a test can end the process there.
    """

    database: Database
    gateway: StripeGateway
    bus: EventBus
    at: Callable[[str], None] = nothing


def advance_refund(database: Database, gateway: StripeGateway, bus: EventBus) -> Handler:
    """
    Return the handler of `refund.advance`: go on with one refund, once it is due.
    """
    machine = Machine(database=database, gateway=gateway, bus=bus)

    async def handle(call: JobCall) -> None:
        await advance(
            machine,
            customer_id=int(call.ids["customer_id"]),
            refund_id=int(call.ids["refund_id"]),
            now=clock.now(),
        )

    return handle


def refund_schedule(database: Database) -> Schedule:
    """
    Return the schedule that goes after refunds whose job was lost.
    """

    async def run() -> None:
        async with database.transaction() as connection:
            await wake_overdue(connection, now=clock.now())

    return Schedule("refunds.wake", "* * * * *", run)


async def advance(machine: Machine, *, customer_id: int, refund_id: int, now: datetime) -> None:
    """
    Go on with a refund that is due: make it, or look what came of it.

    Any number may do so at once and die anywhere: one refund is made. Before Stripe is asked again, all refunds of the
    payment are read there, and believed; so an answer that was lost is found, and a failure nobody told us of.

    Raises:
        UnknownRefund: the customer has no such refund.
        Unavailable: the database is away; the lease ends, and another run goes on.
    """
    async with machine.database.transaction() as connection:
        claimed = await claim(connection, customer_id=customer_id, refund_id=refund_id, now=now)
        machine.at("R1")
    if claimed is None:
        return
    async with machine.database.reading() as connection:
        payment_ids = await payments_of(connection, claimed)
    try:
        if claimed.tries > 0 or claimed.stripe_refund_id is not None:
            await _look(machine, payment_ids, now=now)
        await _send(machine, claimed, payment_ids, now=now)
    except GatewayFailure as failure:
        async with machine.database.transaction() as connection:
            await take_failure(connection, claimed, failure, now=now)
    machine.at("R5")


async def _send(machine: Machine, claimed: Refund, payment_ids: Sequence[str], *, now: datetime) -> None:
    """
    Ask Stripe for the refund, unless it is known there by now.
    """
    async with machine.database.transaction() as connection:
        refund = await prepare_sending(connection, claimed, now=now)
    if refund is None:
        return
    [payment_id] = payment_ids  # who asks for a refund makes sure
    machine.at("R2")
    try:
        made = await machine.gateway.refund_payment(
            payment_id,
            amount_cents=refund.amount_cents,
            reason=refund.stripe_reason or "requested_by_customer",
            metadata=metadata_of(refund),
            key=key_of(refund),
        )
    except GatewayMisused:
        await _look(machine, payment_ids, now=now)  # perhaps it was refused because it is there
        if await _is_known(machine, refund):
            return
        raise
    machine.at("R3")
    async with machine.database.transaction() as connection:
        await settle_refund(connection, machine.bus, made, now=now)
        machine.at("R4")


async def _is_known(machine: Machine, refund: Refund) -> bool:
    async with machine.database.reading() as connection:
        found = await get_refund(connection, customer_id=refund.customer_id, refund_id=refund.id)
    return found.stripe_refund_id is not None


async def _look(machine: Machine, payment_ids: Sequence[str], *, now: datetime) -> None:
    """
    Read all refunds of the payments, and believe them; by list, which is never behind.
    """
    read = [theirs for payment_id in payment_ids for theirs in await machine.gateway.list_refunds(payment_id)]
    for theirs in in_order(read):
        async with machine.database.transaction() as connection:
            await settle_refund(connection, machine.bus, theirs, now=now)

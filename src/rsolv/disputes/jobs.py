"""
The promises about disputes that the worker keeps.
"""

from rsolv.db import Database
from rsolv.disputes.service.freeze import wake_waiting
from rsolv.disputes.service.look import look_at_dispute, wake_due
from rsolv.jobs import Handler, JobCall, Schedule
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway


def look_at_disputes(database: Database, gateway: StripeGateway, bus: EventBus) -> Handler:
    """
    Return the handler of `dispute.look`: read one dispute at Stripe and believe it.
    """

    async def handle(call: JobCall) -> None:
        stripe_dispute_id = str(call.ids["stripe_dispute_id"])
        await look_at_dispute(database, gateway, bus, stripe_dispute_id=stripe_dispute_id, now=clock.now())

    return handle


def retry_disputed_charges(database: Database) -> Handler:
    """
    Return the handler of `dispute.retry_held`: go on with everything that waited for a freeze to be lifted.
    """

    async def handle(call: JobCall) -> None:
        async with database.transaction() as connection:
            await wake_waiting(connection, customer_id=int(call.ids["customer_id"]), now=clock.now())

    return handle


def dispute_schedule(database: Database) -> Schedule:
    """
    Return the schedule that has disputes read again when it is time.
    """

    async def run() -> None:
        async with database.transaction() as connection:
            await wake_due(connection, now=clock.now())

    return Schedule("disputes.wake", "* * * * *", run)

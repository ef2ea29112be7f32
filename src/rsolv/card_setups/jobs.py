"""
The promise about card setups that the worker keeps.
"""

from rsolv.card_setups.rules import look_job, pause_before_look
from rsolv.card_setups.service.fulfil_setup import fulfil_setup
from rsolv.db import Database
from rsolv.jobs import Handler, JobCall, enqueue
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway


def look_at_setup(database: Database, gateway: StripeGateway, bus: EventBus) -> Handler:
    """
    Return the handler of `card_setup.look`: find out what came of a page, and look again while it is open.

    So a card is added also when the customer never came back, and when no webhook arrives.
    """

    async def handle(call: JobCall) -> None:
        now = clock.now()
        customer_id, card_setup_id = int(call.ids["customer_id"]), int(call.ids["card_setup_id"])
        setup = await fulfil_setup(
            database, gateway, bus, customer_id=customer_id, card_setup_id=card_setup_id, now=now
        )
        if setup.state == "open":
            pause = pause_before_look(now - setup.evidence.given_at)
            async with database.transaction() as connection:
                look = int(call.ids["look"]) + 1
                await enqueue(connection, look_job(customer_id, card_setup_id, look=look, pause=pause))

    return handle

"""
The promises of provisioning that the worker keeps.
"""

from rsolv import customers
from rsolv.db import Database
from rsolv.jobs import Handler, JobCall
from rsolv.kernel import clock
from rsolv.provisioning import queries
from rsolv.stripe_gateway import StripeGateway


def create_stripe_customer(database: Database, gateway: StripeGateway) -> Handler:
    """
    Return the handler of `stripe.create_customer`: make the customer known at Stripe, once.

    While Stripe is away the job waits, however long that takes; sign-up never does.
    """

    async def handle(call: JobCall) -> None:
        customer_id = int(call.ids["customer_id"])
        await customers.ensure_stripe_customer(database, gateway, customer_id=customer_id)
        async with database.transaction() as connection:
            await queries.insert_onboarding_event_once(
                connection, customer_id=customer_id, event_type="stripe_customer_created", occurred_at=clock.now()
            )

    return handle

"""
The promises about payment methods that the worker keeps.
"""

from rsolv import customers
from rsolv.db import Database
from rsolv.jobs import Handler, JobCall, enqueue
from rsolv.payment_methods.queries import methods
from rsolv.payment_methods.rules import make_default_job
from rsolv.stripe_gateway import StripeGateway


def detach_payment_method(database: Database, gateway: StripeGateway) -> Handler:
    """
    Return the handler of `payment_method.detach`: take away at Stripe what was removed here, for ever.
    """

    async def handle(call: JobCall) -> None:
        customer_id, method_id = int(call.ids["customer_id"]), int(call.ids["payment_method_id"])
        async with database.reading() as connection:
            method = await methods.find_method(connection, customer_id=customer_id, payment_method_id=method_id)
        assert method is not None, "rows of payment methods stay"
        stripe_id = method.stripe_payment_method_id
        await gateway.detach_payment_method(stripe_id, key=f"rsolv-detach-{stripe_id}")

    return handle


def make_default(database: Database, gateway: StripeGateway) -> Handler:
    """
    Return the handler of `payment_method.make_default`: bring Stripe's default in line with ours.

    It looks first at both sides, so that a new key is only used once a read has shown that the last attempt did not
    happen. Whoever tells Stripe last looks once more at ours: of two changes at once the later one stands in the end.
    """

    async def handle(call: JobCall) -> None:
        customer_id = int(call.ids["customer_id"])
        async with database.reading() as connection:
            wanted = await methods.find_default(connection, customer_id=customer_id)
        if wanted is None:
            return  # detaching the last one has taken Stripe's default away too
        stripe_id = wanted.stripe_payment_method_id
        stripe_customer_id = await customers.ensure_stripe_customer(database, gateway, customer_id=customer_id)
        theirs = await gateway.read_customer(stripe_customer_id)
        if theirs.default_payment_method_id == stripe_id:
            return
        await gateway.set_default_payment_method(
            stripe_customer_id,
            payment_method_id=stripe_id,
            key=f"rsolv-default-{stripe_id}-{call.job_id}-{call.tries}",
        )
        async with database.transaction() as connection:
            now_wanted = await methods.find_default(connection, customer_id=customer_id)
            if now_wanted is not None and now_wanted.id != wanted.id:
                await enqueue(connection, make_default_job(customer_id))

    return handle

"""
The promises about subscriptions that the worker keeps.
"""

from rsolv import payment_methods
from rsolv.db import Database
from rsolv.jobs import Handler, JobCall, Schedule, enqueue
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions.queries import subscriptions
from rsolv.subscriptions.service.look import look, promise_looks
from rsolv.subscriptions.service.pay_open_invoice import pay_open_invoice
from rsolv.subscriptions.service.promises import card_job, card_key, pay_job


def look_at_subscription(database: Database, gateway: StripeGateway, bus: EventBus) -> Handler:
    """
    Return the handler of `subscription.look`: find out what is true of a subscription at Stripe.
    """

    async def handle(call: JobCall) -> None:
        await look(
            database,
            gateway,
            bus,
            customer_id=int(call.ids["customer_id"]),
            subscription_id=int(call.ids["subscription_id"]),
            now=clock.now(),
        )

    return handle


def look_schedule(database: Database) -> Schedule:
    """
    Return the schedule that has every subscription looked at whose time has come.
    """

    async def run() -> None:
        async with database.transaction() as connection:
            await promise_looks(connection, now=clock.now())

    return Schedule("subscriptions.look", "* * * * *", run)


def set_card(database: Database, gateway: StripeGateway) -> Handler:
    """
    Return the handler of `subscription.set_card`: have a subscription paid by the customer's default card.

    It looks first at both sides, so that a new key is only used once a read has shown that the last attempt did not
    happen, and once more at ours afterwards: of two changes at once the later one stands in the end. Where a renewal
    is past due, it is then tried with this card at once.
    """

    async def handle(call: JobCall) -> None:
        customer_id = int(call.ids["customer_id"])
        async with database.reading() as connection:
            wanted = await payment_methods.find_default(connection, customer_id=customer_id)
            current = await subscriptions.find_newest(connection, customer_id=customer_id)
        if wanted is None or current is None or current.has_ended or current.stripe_subscription_id is None:
            return
        theirs = await gateway.read_subscription(current.stripe_subscription_id)
        if theirs.state not in {"canceled", "incomplete_expired"}:
            await _tell(gateway, theirs, wanted, call)
        async with database.transaction() as connection:
            await subscriptions.set_card(connection, current, payment_method_id=wanted.id)
            now_wanted = await payment_methods.find_default(connection, customer_id=customer_id)
            if now_wanted is not None and now_wanted.id != wanted.id:
                await enqueue(connection, card_job(customer_id))
            elif theirs.state == "past_due":
                await enqueue(connection, pay_job(customer_id))

    return handle


def pay_invoice(database: Database, gateway: StripeGateway, bus: EventBus, *, billing_enabled: bool) -> Handler:
    """
    Return the handler of `subscription.pay_invoice`: have what is past due collected from the default card, now.

    While billing is off it does nothing: nobody is charged on our initiative, and Stripe's own next try remains.
    """

    async def handle(call: JobCall) -> None:
        if not billing_enabled:
            return
        await pay_open_invoice(
            database,
            gateway,
            bus,
            customer_id=int(call.ids["customer_id"]),
            job_id=call.job_id,
            tries=call.tries,
            now=clock.now(),
        )

    return handle


async def _tell(
    gateway: StripeGateway, theirs: StripeSubscription, wanted: payment_methods.PaymentMethod, call: JobCall
) -> None:
    stripe_id = wanted.stripe_payment_method_id
    if theirs.default_payment_method_id != stripe_id:
        key = card_key(theirs, stripe_id, job_id=call.job_id, tries=call.tries)
        await gateway.set_subscription_card(theirs.id, payment_method_id=stripe_id, key=key)

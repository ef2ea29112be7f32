"""
The customers room's verbs.
"""

from datetime import datetime

import structlog

from rsolv.customers import queries
from rsolv.customers.errors import EmailTaken, UnknownCustomer
from rsolv.customers.rules import (
    Customer,
    NewCustomer,
    StripeCustomerRequest,
    fold_email,
    stripe_customer_request,
)
from rsolv.db import Connection, Database
from rsolv.stripe_gateway import StripeCustomer, StripeGateway

log = structlog.get_logger()


async def create_customer(
    connection: Connection, new: NewCustomer, *, plan: str, auto_provisioned: bool, now: datetime
) -> Customer:
    """
    Write a new customer on *plan* and claim their address.

    Two at once with one address: the second waits for the first and is then told.

    Raises:
        EmailTaken: another customer has the address; roll back.
    """
    customer_id = await queries.insert_customer(
        connection, new, plan=plan, auto_provisioned=auto_provisioned, created_at=now
    )
    if not await queries.insert_email_once(connection, customer_id=customer_id, email_folded=new.email_folded):
        raise EmailTaken(fields={"email": ["has already been taken"]})
    return Customer(
        id=customer_id,
        name=new.name,
        email=new.email,
        subscription_type=plan,
        subscription_state=None,
        source=new.acquisition.source,
        auto_provisioned=auto_provisioned,
        created_at=now,
        first_scan_at=None,
        deactivated_at=None,
    )


async def get_customer(connection: Connection, *, customer_id: int) -> Customer:
    """
    Return a customer.

    Raises:
        UnknownCustomer: there is none with this id.
    """
    customer = await queries.find_customer(connection, customer_id=customer_id)
    if customer is None:
        raise UnknownCustomer(customer=customer_id)
    return customer


async def find_by_email(connection: Connection, *, email: str) -> Customer | None:
    """
    Return the customer with this address, however it is spelled.
    """
    return await queries.find_customer_by_email(connection, email_folded=fold_email(email))


async def find_by_stripe_id(connection: Connection, *, stripe_customer_id: str) -> int | None:
    """
    Return the id of the customer whom Stripe knows under this one, if it is one of ours.
    """
    return await queries.find_customer_id_by_stripe_id(connection, stripe_customer_id=stripe_customer_id)


async def list_customers_for_operator(
    connection: Connection, *, limit: int, before_id: int | None = None
) -> list[Customer]:
    """
    Return customers, newest first, at most *limit*, those before *before_id* if given.
    """
    return await queries.list_customers_for_operator(connection, before_id=before_id, limit=limit)


async def lock_customer(connection: Connection, *, customer_id: int) -> Customer:
    """
    Return a customer and let nobody else change them, or what is decided under this lock, until the transaction ends.

    Take it before any lock of the ledger.

    Raises:
        UnknownCustomer: there is none with this id.
    """
    customer = await queries.lock_customer(connection, customer_id=customer_id)
    if customer is None:
        raise UnknownCustomer(customer=customer_id)
    return customer


async def change_plan(connection: Connection, customer_id: int, plan: str) -> None:
    """
    Put a customer on another plan of their catalogue version; one that they are on already changes nothing.

    Credits and prices agreed to stay as they are: whoever changes the plan sees to them.

    Raises:
        UnknownCustomer: there is none with this id.
    """
    if not await queries.update_plan(connection, customer_id=customer_id, plan=plan):
        raise UnknownCustomer(customer=customer_id)


async def change_subscription_state(connection: Connection, customer_id: int, state: str | None) -> None:
    """
    Note how a customer's subscription stands, in Stripe's word; None when there is none.
    """
    await queries.update_subscription_state(connection, customer_id=customer_id, state=state)


async def find_stripe_customer_id(connection: Connection, *, customer_id: int) -> str | None:
    """
    Return who a customer is at Stripe, or None while they are not known there.
    """
    return await queries.find_stripe_customer_id(connection, customer_id=customer_id)


async def stamp_first_scan(connection: Connection, *, customer_id: int, now: datetime) -> bool:
    """
    Note a customer's first scan; every later one changes nothing and answers False.
    """
    return await queries.stamp_first_scan(connection, customer_id=customer_id, scanned_at=now)


async def ensure_stripe_customer(database: Database, gateway: StripeGateway, *, customer_id: int) -> str:
    """
    Return who a customer is at Stripe, making them known there first if they are not.

    Exactly one customer there, however often and by how many at once this is called: the same request has the same
    idempotency key, and one that was made longer ago than Stripe remembers keys is found by list. Calls Stripe, so do
    not call this in a transaction.

    Raises:
        UnknownCustomer: there is none with this id.
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    async with database.reading() as connection:
        known = await queries.find_stripe_customer_id(connection, customer_id=customer_id)
        customer = await get_customer(connection, customer_id=customer_id)
    if known is not None:
        return known
    request = stripe_customer_request(customer)
    theirs = await _find_at_stripe(gateway, request) or await gateway.create_customer(
        email=request.email, name=request.name, metadata=request.metadata, key=request.key
    )
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        await queries.insert_stripe_customer_once(
            connection, customer_id=customer_id, stripe_customer_id=theirs.id, stripe_request_id=theirs.request_id
        )
        noted = await queries.find_stripe_customer_id(connection, customer_id=customer_id)
    assert noted is not None, "noted by us or by somebody before us"
    if noted != theirs.id:
        log.error("stripe_customer_twice", customer_id=customer_id, noted=noted, found=theirs.id)
    return noted


async def _find_at_stripe(gateway: StripeGateway, request: StripeCustomerRequest) -> StripeCustomer | None:
    """
    Look for the customer that an earlier call made whose answer we never had; the oldest, should there be several.
    """
    found = [
        theirs
        for theirs in await gateway.find_customers(email=request.email)
        if request.metadata.items() <= theirs.metadata.items()
    ]
    return found[-1] if found else None

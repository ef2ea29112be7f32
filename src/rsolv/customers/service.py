"""
The customers room's verbs.
"""

from datetime import datetime

from rsolv.customers import queries
from rsolv.customers.errors import EmailTaken, UnknownCustomer
from rsolv.customers.rules import Customer, NewCustomer, fold_email
from rsolv.db import Connection


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


async def list_customers_for_operator(
    connection: Connection, *, limit: int, before_id: int | None = None
) -> list[Customer]:
    """
    Return customers, newest first, at most *limit*, those before *before_id* if given.
    """
    return await queries.list_customers_for_operator(connection, before_id=before_id, limit=limit)


async def stamp_first_scan(connection: Connection, *, customer_id: int, now: datetime) -> bool:
    """
    Note a customer's first scan; every later one changes nothing and answers False.
    """
    return await queries.stamp_first_scan(connection, customer_id=customer_id, scanned_at=now)

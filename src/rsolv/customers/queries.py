"""
What the customers room asks of its database.
"""

from datetime import datetime

from rsolv.customers.rules import Customer, NewCustomer
from rsolv.db import Connection


async def insert_customer(
    connection: Connection, new: NewCustomer, *, plan: str, auto_provisioned: bool, created_at: datetime
) -> int:
    """
    Write a new customer and return the id.
    """
    acquisition = new.acquisition
    customer_id: int = await connection.fetchval(
        """
        INSERT INTO customers (name, email, subscription_type, source, utm_source, utm_medium, utm_campaign,
                               utm_content, auto_provisioned, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
        """,
        new.name,
        new.email,
        plan,
        acquisition.source,
        acquisition.utm_source,
        acquisition.utm_medium,
        acquisition.utm_campaign,
        acquisition.utm_content,
        auto_provisioned,
        created_at,
    )
    return customer_id


async def insert_email_once(connection: Connection, *, customer_id: int, email_folded: str) -> bool:
    """
    Claim an address for a customer; False when another has it. Waits for somebody claiming it at the same moment.
    """
    claimed = await connection.fetchval(
        """
        INSERT INTO customer_emails (email_folded, customer_id) VALUES ($1, $2)
        ON CONFLICT ON CONSTRAINT customer_emails_pkey DO NOTHING RETURNING true
        """,
        email_folded,
        customer_id,
    )
    return bool(claimed)


async def find_customer(connection: Connection, *, customer_id: int) -> Customer | None:
    """
    Return a customer by id.
    """
    row = await connection.fetchrow(
        """
        SELECT id, name, email, subscription_type, subscription_state, source, auto_provisioned, created_at,
               first_scan_at, deactivated_at
        FROM customers WHERE id = $1
        """,
        customer_id,
    )
    return row and Customer(**row)


async def find_customer_by_email(connection: Connection, *, email_folded: str) -> Customer | None:
    """
    Return the customer with this address.
    """
    row = await connection.fetchrow(
        """
        SELECT c.id, c.name, c.email, c.subscription_type, c.subscription_state, c.source, c.auto_provisioned,
               c.created_at, c.first_scan_at, c.deactivated_at
        FROM customer_emails e JOIN customers c ON c.id = e.customer_id
        WHERE e.email_folded = $1
        """,
        email_folded,
    )
    return row and Customer(**row)


async def list_customers_for_operator(connection: Connection, *, before_id: int | None, limit: int) -> list[Customer]:
    """
    Return customers, newest first, those before *before_id* if given.
    """
    rows = await connection.fetch(
        """
        SELECT id, name, email, subscription_type, subscription_state, source, auto_provisioned, created_at,
               first_scan_at, deactivated_at
        FROM customers WHERE $1::bigint IS NULL OR id < $1
        ORDER BY id DESC LIMIT $2
        """,
        before_id,
        limit,
    )
    return [Customer(**row) for row in rows]


async def lock_customer(connection: Connection, *, customer_id: int) -> Customer | None:
    """
    Return a customer whose row is locked until the transaction ends; rows that refer to it can still be written.
    """
    row = await connection.fetchrow(
        """
        SELECT id, name, email, subscription_type, subscription_state, source, auto_provisioned, created_at,
               first_scan_at, deactivated_at
        FROM customers WHERE id = $1 FOR NO KEY UPDATE
        """,
        customer_id,
    )
    return row and Customer(**row)


async def update_plan(connection: Connection, *, customer_id: int, plan: str) -> bool:
    """
    Put a customer on a plan; False when there is no such customer.
    """
    changed = await connection.fetchval(
        "UPDATE customers SET subscription_type = $2 WHERE id = $1 RETURNING true", customer_id, plan
    )
    return bool(changed)


async def update_subscription_state(connection: Connection, *, customer_id: int, state: str | None) -> None:
    """
    Note how a customer's subscription stands.
    """
    await connection.execute("UPDATE customers SET subscription_state = $2 WHERE id = $1", customer_id, state)


async def stamp_first_scan(connection: Connection, *, customer_id: int, scanned_at: datetime) -> bool:
    """
    Note the first scan; False when there has been one.
    """
    stamped = await connection.fetchval(
        "UPDATE customers SET first_scan_at = $2 WHERE id = $1 AND first_scan_at IS NULL RETURNING true",
        customer_id,
        scanned_at,
    )
    return bool(stamped)


async def find_stripe_customer_id(connection: Connection, *, customer_id: int) -> str | None:
    """
    Return who a customer is at Stripe, once that is known.
    """
    stripe_customer_id: str | None = await connection.fetchval(
        "SELECT stripe_customer_id FROM stripe_customers WHERE customer_id = $1", customer_id
    )
    return stripe_customer_id


async def find_customer_id_by_stripe_id(connection: Connection, *, stripe_customer_id: str) -> int | None:
    """
    Return whom Stripe knows under this id.
    """
    customer_id: int | None = await connection.fetchval(
        "SELECT customer_id FROM stripe_customers WHERE stripe_customer_id = $1", stripe_customer_id
    )
    return customer_id


async def insert_stripe_customer_once(
    connection: Connection, *, customer_id: int, stripe_customer_id: str, stripe_request_id: str
) -> bool:
    """
    Note who a customer is at Stripe; False when it has been noted before.
    """
    inserted = await connection.fetchval(
        """
        INSERT INTO stripe_customers (stripe_customer_id, customer_id, stripe_request_id) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT stripe_customers_customer_key DO NOTHING RETURNING true
        """,
        stripe_customer_id,
        customer_id,
        stripe_request_id,
    )
    return bool(inserted)

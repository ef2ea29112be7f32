"""
Makers of customers.
"""

import itertools
from datetime import datetime

from rsolv import ledger
from rsolv.audit import SYSTEM
from rsolv.customers import Acquisition, EmailPolicy, checked_new_customer
from rsolv.db import Connection
from rsolv.kernel import clock
from rsolv.provisioning import Provisioned, provision_customer

_numbers = itertools.count(1)


async def make_customer(
    connection: Connection, *, email: str | None = None, name: str = "Globex", now: datetime | None = None
) -> Provisioned:
    """
    Provision a customer on trial, with a key and the opening credits of the catalogue.
    """
    new = checked_new_customer(
        email=email or f"customer-{next(_numbers)}@example.com",
        name=name,
        acquisition=Acquisition(),
        policy=EmailPolicy(example_domains_allowed=True),
    )
    return await provision_customer(connection, new, actor=SYSTEM, now=now or clock.now())


async def give_credits(
    connection: Connection,
    *,
    customer_id: int,
    credits: int,
    cause_id: str | None = None,
    expires_at: datetime | None = None,
) -> ledger.Posted:
    """
    Grant a customer more credits, as if purchased.
    """
    return await ledger.grant(
        connection,
        customer_id=customer_id,
        credits=credits,
        source="purchased",
        cause=ledger.Cause("test_grant", cause_id or str(next(_numbers))),
        expires_at=expires_at,
    )


async def set_balance(connection: Connection, *, customer_id: int, credits: int) -> None:
    """
    Bring a customer's balance to exactly this many credits, through the ledger.
    """
    difference = credits - await ledger.balance(connection, customer_id=customer_id)
    if difference:
        await ledger.adjust(
            connection,
            customer_id=customer_id,
            credits=difference,
            reason="test set-up",
            cause=ledger.Cause("test_balance", str(next(_numbers))),
            now=clock.now(),
        )

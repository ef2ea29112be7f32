"""
The statements about freezes: one row per customer, which is also the lock between freezing and arming.
"""

from datetime import datetime

from rsolv.db import Connection


async def insert_freeze_once(connection: Connection, *, customer_id: int, now: datetime) -> None:
    """
    Write that a customer is not frozen, where nothing is written: the row that everybody locks.
    """
    await connection.execute(
        """
        INSERT INTO charge_freezes (customer_id, changed_at) VALUES ($1, $2)
        ON CONFLICT ON CONSTRAINT charge_freezes_pkey DO NOTHING
        """,
        customer_id,
        now,
    )


async def share_freeze(connection: Connection, *, customer_id: int) -> bool | None:
    """
    Say whether a customer is frozen, which nobody changes until the transaction ends; None: there is no row to lock.
    """
    is_frozen: bool | None = await connection.fetchval(
        "SELECT is_frozen FROM charge_freezes WHERE customer_id = $1 FOR SHARE", customer_id
    )
    return is_frozen


async def find_freeze(connection: Connection, *, customer_id: int) -> bool:
    """
    Say whether a customer is frozen now.
    """
    return bool(await connection.fetchval("SELECT is_frozen FROM charge_freezes WHERE customer_id = $1", customer_id))


async def lock_freeze(connection: Connection, *, customer_id: int) -> bool:
    """
    Say whether a customer is frozen, once nobody arms a charge who looked before; nobody else looks until the end.
    """
    is_frozen: bool = await connection.fetchval(
        "SELECT is_frozen FROM charge_freezes WHERE customer_id = $1 FOR UPDATE", customer_id
    )
    return is_frozen


async def update_freeze(connection: Connection, *, customer_id: int, now: datetime) -> bool:
    """
    Freeze a customer's charges or lift it, as their disputes say, under the lock; return whether they are frozen.
    """
    is_frozen: bool = await connection.fetchval(
        """
        UPDATE charge_freezes
        SET is_frozen = EXISTS (SELECT FROM disputes WHERE customer_id = $1 AND freezes_charges), changed_at = $2
        WHERE customer_id = $1 RETURNING is_frozen
        """,
        customer_id,
        now,
    )
    return is_frozen

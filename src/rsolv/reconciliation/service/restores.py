"""
Keep a restored database from moving money before it has been compared with Stripe.
"""

from datetime import datetime

import structlog

from rsolv.audit import Actor, record
from rsolv.charges import RESTORED, Held, Intent
from rsolv.db import Connection
from rsolv.reconciliation.queries import runs
from rsolv.reconciliation.rules import HELD_AGAIN_AFTER, Restore

log = structlog.get_logger()


async def note_restore(connection: Connection, *, backup_made_at: datetime, actor: Actor, now: datetime) -> int:
    """
    Note that this database is a copy of an earlier time, and return the note's id.

    From then on nothing is charged and nothing given back, until everything since the backup has been compared.
    """
    restore_id = await runs.insert_restore(connection, backup_made_at=backup_made_at, restored_at=now)
    await record(
        connection,
        actor=actor,
        action="database:restored",
        subject=f"restore {restore_id}",
        facts={"backup_made_at": backup_made_at.isoformat()},
    )
    return restore_id


async def find_awaited_restore(connection: Connection) -> Restore | None:
    """
    Return the restore that has not been made good yet, if there is one.
    """
    return await runs.find_awaited_restore_by_age(connection)


async def hold_restored(connection: Connection, intent: Intent, now: datetime) -> Held | None:
    """
    Hold every charge in the last look before it is made, as long as the database is an earlier copy.

    What Stripe was paid since the backup may be for the very fix: only the comparison tells.
    """
    restore = await runs.find_awaited_restore_by_age(connection)
    if restore is None:
        return None
    log.warning("charge_held_after_restore", customer_id=intent.customer_id, charge_id=intent.id)
    return Held(RESTORED, now + HELD_AGAIN_AFTER)

"""
The audit room's one verb.
"""

import msgspec

from rsolv.audit import queries
from rsolv.audit.rules import Actor
from rsolv.db import Connection


async def record(
    connection: Connection,
    *,
    actor: Actor,
    action: str,
    subject: str,
    customer_id: int | None = None,
    facts: dict[str, object] | None = None,
) -> None:
    """
    Append who did what, in the caller's transaction.

    *action* is `noun:action`. *facts* carry ids and figures, never a secret or a person's data.
    """
    await queries.insert_entry(
        connection,
        customer_id=customer_id,
        actor=str(actor),
        action=action,
        subject=subject,
        facts=msgspec.json.encode(facts or {}).decode(),
    )

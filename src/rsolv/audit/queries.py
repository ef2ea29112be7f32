"""
What the audit room asks of its database.
"""

from rsolv.db import Connection


async def insert_entry(
    connection: Connection, *, customer_id: int | None, actor: str, action: str, subject: str, facts: str
) -> None:
    """
    Append one entry; the database sets its time.
    """
    await connection.execute(
        """
        INSERT INTO audit_entries (customer_id, actor, action, subject, facts) VALUES ($1, $2, $3, $4, $5::jsonb)
        """,
        customer_id,
        actor,
        action,
        subject,
        facts,
    )

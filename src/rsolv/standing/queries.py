"""
What the standing room asks of its database.
"""

from collections.abc import Collection

from rsolv.db import Connection
from rsolv.standing.rules import Overdue


async def find_overdue(connection: Connection, *, customer_id: int, counting_while: Collection[str]) -> Overdue | None:
    """
    Return what is overdue of a customer's open debts, in the currency of the oldest.

    What rests now counts only *counting_while* it rests for one of these reasons. Where nothing is overdue this is one
    look into an index that has nothing for the customer.
    """
    row = await connection.fetchrow(
        """
        SELECT sum(d.amount_cents)::bigint AS amount_cents, d.currency, min(d.overdue_since) AS since,
               (array_agg(i.id ORDER BY d.overdue_since, i.id) FILTER (
                   WHERE i.state = 'requires_action'
                      OR (i.state = 'declined' AND i.parked_reason IS DISTINCT FROM 'card_refused')
               ))[1] AS payable_charge_id
        FROM charge_debts AS d JOIN charge_intents AS i ON i.customer_id = d.customer_id AND i.debt_id = d.id
        WHERE d.customer_id = $1 AND d.state = 'open' AND d.overdue_since IS NOT NULL
          AND i.state NOT IN ('canceled', 'uncollectible') AND i.ending IS NULL
          AND (i.parked_reason IS NULL OR i.parked_reason = ANY ($2::text[]))
        GROUP BY d.currency ORDER BY since LIMIT 1
        """,
        customer_id,
        list(counting_while),
    )
    return row and Overdue(**row)

"""
What must hold between fixes and the ledger; checked by `rsolv ledger verify` beside the ledger's own.
"""

from rsolv.ledger import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "L-4",
        "a fix is consumed exactly when one posting consumed a credit for it and none took it back",
        """
        WITH fix AS (
            SELECT f.id, f.state, count(p.id) - count(c.id) AS consumptions
            FROM fixes f
            LEFT JOIN ledger_postings p
              ON p.customer_id = f.customer_id AND p.fix_id = f.id AND p.source = 'consumed'
            LEFT JOIN ledger_postings c ON c.customer_id = p.customer_id AND c.corrects_posting_id = p.id
            GROUP BY f.customer_id, f.id, f.state
        ), wrong AS (
            SELECT id FROM fix
            WHERE (state = 'consumed' AND consumptions <> 1) OR (state <> 'consumed' AND consumptions <> 0)
        )
        SELECT (SELECT count(*) FROM fix) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'fix ' || min(id) FROM wrong) AS example
        """,
    ),
)

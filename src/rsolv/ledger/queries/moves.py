"""
The statements that move credits. Each is run under the lock that `lock_available` takes.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from rsolv.db import Connection
from rsolv.ledger.rules import ASSET, Basis, Cause, EntryToPost, Posted


@dataclass(frozen=True, slots=True)
class PostingFacts:
    """
    What a new posting row holds besides its entries.
    """

    customer_id: int
    cause: Cause
    source: str
    basis: Basis
    metadata: dict[str, object]
    corrects_posting_id: int | None = None

    def arguments(self) -> tuple[object, ...]:
        """
        Return the facts in the order of the first twelve parameters of every statement here.
        """
        return (
            self.customer_id,
            self.cause.kind,
            self.cause.id,
            self.cause.leg,
            self.source,
            self.corrects_posting_id,
            self.basis.catalog_version_id,
            self.basis.price_cents,
            self.basis.consent_id,
            self.basis.api_key_id,
            self.basis.fix_id,
            msgspec.json.encode(self.metadata).decode() if self.metadata else "{}",
        )


async def insert_accounts_once(connection: Connection, *, customer_id: int, kinds: list[str]) -> None:
    """
    Open the credit accounts of these kinds that the customer does not have yet.
    """
    await connection.execute(
        """
        INSERT INTO ledger_accounts (customer_id, asset, kind)
        SELECT $1, $2, kind FROM unnest($3::text[]) WITH ORDINALITY AS wanted (kind, place) ORDER BY place
        ON CONFLICT ON CONSTRAINT ledger_accounts_once DO NOTHING
        """,
        customer_id,
        ASSET,
        kinds,
    )


async def lock_available(connection: Connection, *, customer_id: int) -> int | None:
    """
    Lock the customer's available credits until the transaction ends and return how many there are.

    Every verb takes this lock first, so that two of them never wait for each other in a circle (L-13), and what
    is read after it cannot change any more. None when no account was opened.
    """
    balance: int | None = await connection.fetchval(
        """
        SELECT balance FROM ledger_accounts
        WHERE customer_id = $1 AND asset = $2 AND kind = 'available'
        FOR NO KEY UPDATE
        """,
        customer_id,
        ASSET,
    )
    return balance


async def insert_consumption_once(
    connection: Connection, facts: PostingFacts, *, credits_consumed: int, at: datetime
) -> Posted | None:
    """
    Post a consumption out of the grants spendable *at* that time, earliest expiry first, then oldest.

    None when the cause has posted before or the grants do not reach: nothing is written then.
    """
    row = await connection.fetchrow(
        """
        WITH spendable AS (
            SELECT id, remaining, sum(remaining) OVER (ORDER BY expires_at NULLS LAST, id) - remaining AS drawn_before
            FROM ledger_grants
            WHERE customer_id = $1 AND remaining > 0
              AND (effective_at IS NULL OR effective_at <= $14) AND (expires_at IS NULL OR expires_at > $14)
        ), draws AS (
            SELECT id, LEAST(remaining, $13 - drawn_before)::bigint AS credits
            FROM spendable WHERE drawn_before < $13
        ), posting AS (
            INSERT INTO ledger_postings (
                customer_id, cause_kind, cause_id, leg, source, corrects_posting_id, catalog_version_id, price_cents,
                consent_id, api_key_id, fix_id, metadata)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb
            WHERE (SELECT sum(credits) FROM draws) = $13
            ON CONFLICT ON CONSTRAINT ledger_postings_once_per_cause DO NOTHING
            RETURNING id
        ), entries AS (
            INSERT INTO ledger_entries (customer_id, posting_id, account_id, grant_id, amount)
            SELECT $1, posting.id, account.id, leg.grant_id, leg.amount
            FROM posting
            CROSS JOIN (
                SELECT 'available' AS kind, id AS grant_id, -credits AS amount FROM draws
                UNION ALL
                SELECT 'consumed', NULL, $13::bigint
            ) AS leg
            JOIN ledger_accounts AS account
              ON account.customer_id = $1 AND account.asset = 'credit' AND account.kind = leg.kind
            RETURNING grant_id, balance_after
        )
        SELECT posting.id, (SELECT min(balance_after) FROM entries WHERE grant_id IS NOT NULL) AS balance_after
        FROM posting
        """,
        *facts.arguments(),
        credits_consumed,
        at,
    )
    return row and Posted(posting_id=row["id"], credits=-credits_consumed, balance_after=row["balance_after"])


async def insert_grant_once(
    connection: Connection,
    facts: PostingFacts,
    *,
    credits_granted: int,
    effective_at: datetime | None,
    expires_at: datetime | None,
) -> Posted | None:
    """
    Post a grant with a bucket of its own. None when the cause has posted before.
    """
    row = await connection.fetchrow(
        """
        WITH posting AS (
            INSERT INTO ledger_postings (
                customer_id, cause_kind, cause_id, leg, source, corrects_posting_id, catalog_version_id, price_cents,
                consent_id, api_key_id, fix_id, metadata)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)
            ON CONFLICT ON CONSTRAINT ledger_postings_once_per_cause DO NOTHING
            RETURNING id
        ), bucket AS (
            INSERT INTO ledger_grants (customer_id, posting_id, credits, effective_at, expires_at)
            SELECT $1, posting.id, $13, $14, $15 FROM posting
            RETURNING id
        ), entries AS (
            INSERT INTO ledger_entries (customer_id, posting_id, account_id, grant_id, amount)
            SELECT $1, posting.id, account.id, leg.grant_id, leg.amount
            FROM posting
            CROSS JOIN (
                SELECT 'available' AS kind, id AS grant_id, $13::bigint AS amount FROM bucket
                UNION ALL
                SELECT 'issued', NULL, -$13::bigint
            ) AS leg
            JOIN ledger_accounts AS account
              ON account.customer_id = $1 AND account.asset = 'credit' AND account.kind = leg.kind
            RETURNING grant_id, balance_after
        )
        SELECT posting.id, (SELECT balance_after FROM entries WHERE grant_id IS NOT NULL) AS balance_after
        FROM posting
        """,
        *facts.arguments(),
        credits_granted,
        effective_at,
        expires_at,
    )
    return row and Posted(posting_id=row["id"], credits=credits_granted, balance_after=row["balance_after"])


async def insert_entries_once(connection: Connection, facts: PostingFacts, entries: list[EntryToPost]) -> Posted | None:
    """
    Post exactly these entries. None when the cause has posted before.
    """
    row = await connection.fetchrow(
        """
        WITH posting AS (
            INSERT INTO ledger_postings (
                customer_id, cause_kind, cause_id, leg, source, corrects_posting_id, catalog_version_id, price_cents,
                consent_id, api_key_id, fix_id, metadata)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)
            ON CONFLICT ON CONSTRAINT ledger_postings_once_per_cause DO NOTHING
            RETURNING id
        ), entries AS (
            INSERT INTO ledger_entries (customer_id, posting_id, account_id, grant_id, amount)
            SELECT $1, posting.id, account.id, leg.grant_id, leg.amount
            FROM posting
            CROSS JOIN unnest($13::text[], $14::bigint[], $15::bigint[]) AS leg (kind, grant_id, amount)
            JOIN ledger_accounts AS account
              ON account.customer_id = $1 AND account.asset = 'credit' AND account.kind = leg.kind
            RETURNING amount, grant_id, seq, balance_after
        )
        SELECT posting.id,
               (SELECT sum(amount)::bigint FROM entries WHERE grant_id IS NOT NULL) AS credits,
               (SELECT balance_after FROM entries WHERE grant_id IS NOT NULL ORDER BY seq DESC LIMIT 1) AS balance_after
        FROM posting
        """,
        *facts.arguments(),
        [entry.account_kind for entry in entries],
        [entry.grant_id for entry in entries],
        [entry.amount for entry in entries],
    )
    return row and Posted(posting_id=row["id"], credits=row["credits"], balance_after=row["balance_after"])

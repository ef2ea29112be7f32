"""
What the card setups room asks of its database.
"""

from datetime import datetime

from rsolv.card_setups.rules import CardSetup
from rsolv.db import Connection, Row
from rsolv.payment_methods import Evidence


async def insert_card_setup(
    connection: Connection,
    evidence: Evidence,
    *,
    customer_id: int,
    key: str,
    caller_key_hash: bytes | None,
    return_url: str | None,
    stripe_customer_id: str,
) -> int:
    """
    Write down a page that is about to be opened, with the consent given for it, and return its id.
    """
    card_setup_id: int = await connection.fetchval(
        """
        INSERT INTO card_setups (customer_id, key, caller_key_hash, return_url, stripe_customer_id, text_version,
                                 catalog_version_id, currency, fix_price_cents, actor, ip, user_agent, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id
        """,
        customer_id,
        key,
        caller_key_hash,
        return_url,
        stripe_customer_id,
        evidence.text_version,
        evidence.catalog_version_id,
        evidence.currency,
        evidence.fix_price_cents,
        evidence.actor,
        evidence.ip,
        evidence.user_agent,
        evidence.given_at,
    )
    return card_setup_id


async def find_card_setup(connection: Connection, *, customer_id: int, card_setup_id: int) -> CardSetup | None:
    """
    Return one card setup of a customer.
    """
    row = await connection.fetchrow(
        """
        SELECT id, customer_id, state, key, return_url, stripe_customer_id, text_version, catalog_version_id, currency,
               fix_price_cents, actor, ip, user_agent, opened_at, consent_withdrawn_at, stripe_card_setup_id, url,
               expires_at, payment_method_id
        FROM card_setups WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        card_setup_id,
    )
    return row and _card_setup(row)


async def lock_card_setup(connection: Connection, *, customer_id: int, card_setup_id: int) -> CardSetup | None:
    """
    Return one card setup of a customer, whose row is locked until the transaction ends.
    """
    row = await connection.fetchrow(
        """
        SELECT id, customer_id, state, key, return_url, stripe_customer_id, text_version, catalog_version_id, currency,
               fix_price_cents, actor, ip, user_agent, opened_at, consent_withdrawn_at, stripe_card_setup_id, url,
               expires_at, payment_method_id
        FROM card_setups WHERE customer_id = $1 AND id = $2 FOR UPDATE
        """,
        customer_id,
        card_setup_id,
    )
    return row and _card_setup(row)


async def find_card_setup_by_stripe_id(connection: Connection, *, stripe_card_setup_id: str) -> CardSetup | None:
    """
    Return the card setup that has this id at Stripe, whoever's it is.
    """
    row = await connection.fetchrow(
        """
        SELECT s.id, s.customer_id, s.state, s.key, s.return_url, s.stripe_customer_id, s.text_version,
               s.catalog_version_id, s.currency, s.fix_price_cents, s.actor, s.ip, s.user_agent, s.opened_at,
               s.consent_withdrawn_at, s.stripe_card_setup_id, s.url, s.expires_at, s.payment_method_id
        FROM stripe_card_setups known
        JOIN card_setups s ON s.customer_id = known.customer_id AND s.id = known.card_setup_id
        WHERE known.stripe_card_setup_id = $1
        """,
        stripe_card_setup_id,
    )
    return row and _card_setup(row)


async def find_card_setup_by_caller_key(
    connection: Connection, *, customer_id: int, caller_key_hash: bytes, since: datetime
) -> CardSetup | None:
    """
    Return the newest card setup that was opened under a caller's key since a time.
    """
    row = await connection.fetchrow(
        """
        SELECT id, customer_id, state, key, return_url, stripe_customer_id, text_version, catalog_version_id, currency,
               fix_price_cents, actor, ip, user_agent, opened_at, consent_withdrawn_at, stripe_card_setup_id, url,
               expires_at, payment_method_id
        FROM card_setups WHERE customer_id = $1 AND caller_key_hash = $2 AND opened_at > $3
        ORDER BY id DESC LIMIT 1
        """,
        customer_id,
        caller_key_hash,
        since,
    )
    return row and _card_setup(row)


async def find_opening_by_recency(
    connection: Connection, *, customer_id: int, since: datetime, nth: int
) -> datetime | None:
    """
    Return when the nth newest of a customer's card setups was opened, if that was after a time.
    """
    opened_at: datetime | None = await connection.fetchval(
        """
        SELECT opened_at FROM card_setups WHERE customer_id = $1 AND opened_at > $2
        ORDER BY opened_at DESC OFFSET $3 LIMIT 1
        """,
        customer_id,
        since,
        nth - 1,
    )
    return opened_at


async def note_page_once(
    connection: Connection,
    *,
    customer_id: int,
    card_setup_id: int,
    stripe_card_setup_id: str,
    url: str,
    expires_at: datetime,
) -> None:
    """
    Note under which id and address Stripe opened the page, unless that is noted.
    """
    noted = await connection.fetchval(
        """
        UPDATE card_setups SET stripe_card_setup_id = $3, url = $4, expires_at = $5
        WHERE customer_id = $1 AND id = $2 AND state = 'open' AND stripe_card_setup_id IS NULL RETURNING true
        """,
        customer_id,
        card_setup_id,
        stripe_card_setup_id,
        url,
        expires_at,
    )
    if noted:
        await connection.execute(
            "INSERT INTO stripe_card_setups (stripe_card_setup_id, customer_id, card_setup_id) VALUES ($1, $2, $3)",
            stripe_card_setup_id,
            customer_id,
            card_setup_id,
        )


async def end_card_setup(
    connection: Connection,
    *,
    customer_id: int,
    card_setup_id: int,
    state: str,
    payment_method_id: int | None,
    ended_at: datetime,
) -> bool:
    """
    Note what an open card setup came to; False when it had come to its end before.
    """
    ended = await connection.fetchval(
        """
        UPDATE card_setups SET state = $3, payment_method_id = $4, ended_at = $5
        WHERE customer_id = $1 AND id = $2 AND state = 'open' RETURNING true
        """,
        customer_id,
        card_setup_id,
        state,
        payment_method_id,
        ended_at,
    )
    return bool(ended)


async def withdraw_consent_of_open(connection: Connection, *, customer_id: int, withdrawn_at: datetime) -> None:
    """
    Note on every open card setup that the consent given for it no longer stands.
    """
    await connection.execute(
        """
        UPDATE card_setups SET consent_withdrawn_at = $2
        WHERE customer_id = $1 AND state = 'open' AND consent_withdrawn_at IS NULL
        """,
        customer_id,
        withdrawn_at,
    )


def _card_setup(row: Row) -> CardSetup:
    said = {name: row[name] for name in ("text_version", "catalog_version_id", "currency", "fix_price_cents")}
    who = {name: row[name] for name in ("actor", "ip", "user_agent")}
    own = (
        *("id", "customer_id", "state", "key", "return_url", "stripe_customer_id", "consent_withdrawn_at"),
        *("stripe_card_setup_id", "url", "expires_at", "payment_method_id"),
    )
    return CardSetup(**{name: row[name] for name in own}, evidence=Evidence(**said, **who, given_at=row["opened_at"]))

"""
Queries about consent. Nothing here changes a row: a withdrawal is another one.
"""

from datetime import datetime

from rsolv.db import Connection, changed_rows
from rsolv.payment_methods.rules import Consent, Declaration, Evidence, StripeSource


async def insert_consent(
    connection: Connection, evidence: Evidence, source: StripeSource, *, customer_id: int, payment_method_id: int
) -> int:
    """
    Write down a consent and return its id.
    """
    consent_id: int = await connection.fetchval(
        """
        INSERT INTO consents (customer_id, text_version, catalog_version_id, currency, fix_price_cents,
                              payment_method_id, card_setup_id, stripe_card_setup_id, stripe_setup_intent_id,
                              stripe_mandate_id, actor, ip, user_agent, given_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id
        """,
        customer_id,
        evidence.text_version,
        evidence.catalog_version_id,
        evidence.currency,
        evidence.fix_price_cents,
        payment_method_id,
        source.card_setup_id,
        source.stripe_card_setup_id,
        source.stripe_setup_intent_id,
        source.stripe_mandate_id,
        evidence.actor,
        evidence.ip,
        evidence.user_agent,
        evidence.given_at,
    )
    return consent_id


async def withdraw_all(connection: Connection, declaration: Declaration, *, customer_id: int) -> int:
    """
    Write down the withdrawal of every consent that is live, and return how many.
    """
    tag = await connection.execute(
        """
        INSERT INTO consents (customer_id, withdraws_consent_id, actor, ip, user_agent, given_at)
        SELECT given.customer_id, given.id, $2, $3, $4, $5
        FROM consents given LEFT JOIN consents ended
            ON ended.customer_id = given.customer_id AND ended.withdraws_consent_id = given.id
        WHERE given.customer_id = $1 AND given.withdraws_consent_id IS NULL AND ended.id IS NULL
        """,
        customer_id,
        str(declaration.actor),
        declaration.ip,
        declaration.user_agent,
        declaration.at,
    )
    return changed_rows(tag)


async def insert_withdrawal(
    connection: Connection, *, customer_id: int, consent_id: int, actor: str, withdrawn_at: datetime
) -> None:
    """
    Write down that one consent had been withdrawn by the time it was recorded.
    """
    await connection.execute(
        "INSERT INTO consents (customer_id, withdraws_consent_id, actor, given_at) VALUES ($1, $2, $3, $4)",
        customer_id,
        consent_id,
        actor,
        withdrawn_at,
    )


async def find_covering(
    connection: Connection, *, customer_id: int, amount_cents: int, currency: str
) -> Consent | None:
    """
    Return the newest live consent that named at least this price per fix in this currency.
    """
    row = await connection.fetchrow(
        """
        SELECT given.id, given.text_version, given.catalog_version_id, given.currency, given.fix_price_cents,
               given.payment_method_id, given.given_at
        FROM consents given LEFT JOIN consents ended
            ON ended.customer_id = given.customer_id AND ended.withdraws_consent_id = given.id
        WHERE given.customer_id = $1 AND given.withdraws_consent_id IS NULL AND ended.id IS NULL
            AND given.currency = $2 AND given.fix_price_cents >= $3
        ORDER BY given.id DESC LIMIT 1
        """,
        customer_id,
        currency,
        amount_cents,
    )
    return row and Consent(**row)


async def find_newest_live(connection: Connection, *, customer_id: int) -> Consent | None:
    """
    Return the consent given last of those that have not been withdrawn.
    """
    row = await connection.fetchrow(
        """
        SELECT given.id, given.text_version, given.catalog_version_id, given.currency, given.fix_price_cents,
               given.payment_method_id, given.given_at
        FROM consents given LEFT JOIN consents ended
            ON ended.customer_id = given.customer_id AND ended.withdraws_consent_id = given.id
        WHERE given.customer_id = $1 AND given.withdraws_consent_id IS NULL AND ended.id IS NULL
        ORDER BY given.id DESC LIMIT 1
        """,
        customer_id,
    )
    return row and Consent(**row)

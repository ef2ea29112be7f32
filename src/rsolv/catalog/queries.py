"""
What the catalogue asks of its database.
"""

from datetime import datetime

from rsolv.catalog.rules import Catalog, Plan, Version, Warnings
from rsolv.db import Connection, Row


async def lock_versions(connection: Connection) -> None:
    """
    Let one transaction at a time decide whether a new version is needed.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('rsolv catalog'))")


async def insert_version(connection: Connection, catalog: Catalog, *, applied_at: datetime) -> int:
    """
    Write a catalogue with its plans and return the version's id.
    """
    version_id: int = await connection.fetchval(
        """
        INSERT INTO catalog_versions (effective_at, currency, low_credits, last_credits, fingerprint, applied_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
        """,
        catalog.effective_at,
        catalog.currency,
        catalog.warnings.low_credits,
        catalog.warnings.last_credits,
        catalog.fingerprint(),
        applied_at,
    )
    await connection.executemany(
        """
        INSERT INTO catalog_plans (version_id, plan, kind, label, monthly_price_cents, fix_price_cents,
                                   signup_credits, payment_method_credits, period_credits)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        [
            (
                version_id,
                name,
                plan.kind,
                plan.label,
                plan.monthly_price_cents,
                plan.fix_price_cents,
                plan.signup_credits,
                plan.payment_method_credits,
                plan.period_credits,
            )
            for name, plan in catalog.plans.items()
        ],
    )
    return version_id


async def find_newest(connection: Connection) -> Version | None:
    """
    Return the version applied last, in effect or not.
    """
    rows = await connection.fetch(
        """
        SELECT v.id, v.effective_at, v.currency, v.low_credits, v.last_credits, v.applied_at, p.plan, p.kind, p.label,
               p.monthly_price_cents, p.fix_price_cents, p.signup_credits, p.payment_method_credits, p.period_credits
        FROM catalog_versions v JOIN catalog_plans p ON p.version_id = v.id
        WHERE v.id = (SELECT max(id) FROM catalog_versions)
        ORDER BY p.plan
        """
    )
    return _version(rows)


async def find_in_effect(connection: Connection, *, at: datetime) -> Version | None:
    """
    Return the version in effect at a time: the one that took effect last, of those the one applied last.
    """
    rows = await connection.fetch(
        """
        SELECT v.id, v.effective_at, v.currency, v.low_credits, v.last_credits, v.applied_at, p.plan, p.kind, p.label,
               p.monthly_price_cents, p.fix_price_cents, p.signup_credits, p.payment_method_credits, p.period_credits
        FROM catalog_versions v JOIN catalog_plans p ON p.version_id = v.id
        WHERE v.id = (
            SELECT id FROM catalog_versions WHERE effective_at <= $1 ORDER BY effective_at DESC, id DESC LIMIT 1
        )
        ORDER BY p.plan
        """,
        at,
    )
    return _version(rows)


async def find_pinned(connection: Connection, *, customer_id: int) -> Version | None:
    """
    Return the version a customer agreed to.
    """
    rows = await connection.fetch(
        """
        SELECT v.id, v.effective_at, v.currency, v.low_credits, v.last_credits, v.applied_at, p.plan, p.kind, p.label,
               p.monthly_price_cents, p.fix_price_cents, p.signup_credits, p.payment_method_credits, p.period_credits
        FROM catalog_pins pin
        JOIN catalog_versions v ON v.id = pin.version_id
        JOIN catalog_plans p ON p.version_id = v.id
        WHERE pin.customer_id = $1
        ORDER BY p.plan
        """,
        customer_id,
    )
    return _version(rows)


async def find_version(connection: Connection, *, version_id: int) -> Version | None:
    """
    Return a version by its id.
    """
    rows = await connection.fetch(
        """
        SELECT v.id, v.effective_at, v.currency, v.low_credits, v.last_credits, v.applied_at, p.plan, p.kind, p.label,
               p.monthly_price_cents, p.fix_price_cents, p.signup_credits, p.payment_method_credits, p.period_credits
        FROM catalog_versions v JOIN catalog_plans p ON p.version_id = v.id
        WHERE v.id = $1
        ORDER BY p.plan
        """,
        version_id,
    )
    return _version(rows)


async def insert_pin(connection: Connection, *, customer_id: int, version_id: int, pinned_at: datetime) -> None:
    """
    Note which version a new customer agreed to.
    """
    await connection.execute(
        "INSERT INTO catalog_pins (customer_id, version_id, pinned_at) VALUES ($1, $2, $3)",
        customer_id,
        version_id,
        pinned_at,
    )


def _version(rows: list[Row]) -> Version | None:
    if not rows:
        return None
    first = rows[0]
    plans = {
        row["plan"]: Plan(
            kind=row["kind"],
            label=row["label"],
            monthly_price_cents=row["monthly_price_cents"],
            fix_price_cents=row["fix_price_cents"],
            signup_credits=row["signup_credits"],
            payment_method_credits=row["payment_method_credits"],
            period_credits=row["period_credits"],
        )
        for row in rows
    }
    warnings = Warnings(low_credits=first["low_credits"], last_credits=first["last_credits"])
    catalog = Catalog(effective_at=first["effective_at"], currency=first["currency"], warnings=warnings, plans=plans)
    return Version(id=first["id"], applied_at=first["applied_at"], catalog=catalog)

"""
Customers can be spread over several database nodes by their id: what every table has to obey for that.

A distributed table is cut by `customer_id`, so each of its keys must contain it, and a foreign key between two of them
must compare it; a reference table is the same on every node; a local one is on the first only.
"""

from dataclasses import dataclass

import asyncpg
import pytest

from rsolv.db import Connection

DISTRIBUTED = {
    "customers": "id",
    "customer_onboarding_events": "customer_id",
    "catalog_pins": "customer_id",
    "ledger_accounts": "customer_id",
    "ledger_postings": "customer_id",
    "ledger_grants": "customer_id",
    "ledger_entries": "customer_id",
    "api_keys": "customer_id",
    "forge_accounts": "customer_id",
    "repositories": "customer_id",
    "phase_results": "customer_id",
    "fixes": "customer_id",
    "charge_debts": "customer_id",
    "charge_intents": "customer_id",
    "charge_attempts": "customer_id",
    "reversals": "customer_id",
    "refunds": "customer_id",
    "payment_methods": "customer_id",
    "card_setups": "customer_id",
    "consents": "customer_id",
    "spending_caps": "customer_id",
    "card_attaches": "customer_id",
    "disputes": "customer_id",
    "charge_freezes": "customer_id",
    "subscriptions": "customer_id",
    "subscription_attempts": "customer_id",
    "subscription_invoices": "customer_id",
    "subscription_invoice_lines": "customer_id",
}
"""
By which column each table is cut.
"""

REFERENCE = {"catalog_versions", "catalog_plans", "charge_moves", "refund_moves"}

LOCAL = {
    "alembic_version",
    "audit_entries",
    "customer_emails",
    "api_key_hashes",
    "idempotent_answers",
    "pgqueuer",
    "pgqueuer_log",
    "pgqueuer_schedules",
    "pgqueuer_statistics",
    "stripe_customers",
    "stripe_payments",
    "stripe_refunds",
    "stripe_disputes",
    "stripe_subscriptions",
    "stripe_invoice_payments",
    "stripe_card_setups",
    "stripe_payment_methods",
    "card_bonuses",
    "billing_events",
    "billing_event_polls",
    "reconciliation_runs",
    "discrepancies",
    "restores",
}

DROPPED_WHEN_DISTRIBUTED = {
    "audit_entries_customer_fkey",
    "customer_emails_customer_fkey",
    "api_key_hashes_key_fkey",
    "stripe_customers_customer_fkey",
    "stripe_payments_intent_fkey",
    "stripe_refunds_refund_fkey",
    "stripe_disputes_dispute_fkey",
    "stripe_subscriptions_subscription_fkey",
    "stripe_invoice_payments_invoice_fkey",
    "stripe_card_setups_card_setup_fkey",
    "card_bonuses_customer_fkey",
    "stripe_payment_methods_method_fkey",
    "billing_events_customer_fkey",
    "discrepancies_customer_fkey",
}
"""
Foreign keys from a local look-up into a distributed table: the price of a node's own look-ups, listed to be known.
"""


@dataclass(frozen=True)
class ForeignKey:
    """
    One foreign key: from where, to where, and the pairs of columns it compares.
    """

    name: str
    table: str
    target: str
    pairs: frozenset[tuple[str, str]]


async def test_every_table_is_listed_as_distributed_reference_or_local(connection: Connection) -> None:
    """
    A new table decides where it lives on the day it is made.
    """
    assert await _tables(connection) == DISTRIBUTED.keys() | REFERENCE | LOCAL


async def test_every_key_of_a_distributed_table_contains_the_customer(connection: Connection) -> None:
    """
    Uniqueness can be kept on one node alone only within one customer.
    """
    assert await _keys_without_the_customer(connection) == []


async def test_a_foreign_key_between_distributed_tables_compares_the_customer(connection: Connection) -> None:
    """
    What refers to a customer's row is a row of the same customer, and so on the same node.
    """
    assert await _foreign_keys_without_the_customer(connection) == []


async def test_the_foreign_keys_that_distribution_would_cost_are_known(connection: Connection) -> None:
    """
    No other local or reference table refers into a distributed one.
    """
    found = {
        key.name
        for key in await _foreign_keys(connection)
        if key.target in DISTRIBUTED and key.table not in DISTRIBUTED
    }

    assert found == DROPPED_WHEN_DISTRIBUTED


async def test_a_distributed_table_is_cut_by_a_column_that_is_never_null(connection: Connection) -> None:
    """
    A row without a customer would have no node.
    """
    rows = await connection.fetch(
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND is_nullable = 'NO' AND data_type = 'bigint'
        """
    )

    assert DISTRIBUTED.items() <= {(row["table_name"], row["column_name"]) for row in rows}


@pytest.mark.parametrize(
    ("statement", "notices"),
    [
        ("CREATE TABLE forgotten (customer_id bigint NOT NULL)", "tables"),
        (
            """
            ALTER TABLE catalog_pins DROP CONSTRAINT catalog_pins_pkey;
            ALTER TABLE catalog_pins ADD PRIMARY KEY (version_id)
            """,
            "keys",
        ),
        ("CREATE UNIQUE INDEX repositories_by_name ON repositories (name) WHERE name <> ''", "keys"),
        ("CREATE UNIQUE INDEX repositories_by_lower_name ON repositories (lower(name), id)", "keys"),
        (
            """
            ALTER TABLE api_keys ADD CONSTRAINT api_keys_alone UNIQUE (id);
            ALTER TABLE phase_results ADD CONSTRAINT loose_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys (id)
            """,
            "keys foreign-keys",
        ),
        (
            """
            ALTER TABLE fixes ADD CONSTRAINT fixes_turned UNIQUE (id, customer_id);
            ALTER TABLE fixes ADD CONSTRAINT crossed_fkey
            FOREIGN KEY (customer_id, id) REFERENCES fixes (id, customer_id)
            """,
            "foreign-keys",
        ),
    ],
    ids=["unlisted-table", "primary-key", "unique-index", "unique-expression", "foreign-key", "crossed-foreign-key"],
)
async def test_planted_bug_a_table_that_cannot_be_distributed_is_noticed(
    owner: asyncpg.Connection, statement: str, notices: str
) -> None:
    """
    Each of the checks above fails where it should.
    """
    await owner.execute(statement)

    noticed = {
        "tables": await _tables(owner) != DISTRIBUTED.keys() | REFERENCE | LOCAL,
        "keys": await _keys_without_the_customer(owner) != [],
        "foreign-keys": await _foreign_keys_without_the_customer(owner) != [],
    }
    assert {check for check, is_noticed in noticed.items() if is_noticed} == set(notices.split())


async def _tables(connection: Connection) -> set[str]:
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return {row["relname"] for row in rows}


async def _keys_without_the_customer(connection: Connection) -> list[str]:
    """
    Return primary keys, unique constraints and unique indexes of distributed tables that lack the column they need.
    """
    rows = await connection.fetch(
        """
        SELECT i.indrelid::regclass::text AS table, i.indexrelid::regclass::text AS name,
               array(SELECT attname::text FROM pg_attribute
                     WHERE attrelid = i.indrelid AND attnum = ANY (i.indkey[0:i.indnkeyatts - 1])) AS columns
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
        """
    )
    return [
        row["name"] for row in rows if row["table"] in DISTRIBUTED and DISTRIBUTED[row["table"]] not in row["columns"]
    ]


async def _foreign_keys_without_the_customer(connection: Connection) -> list[str]:
    return [
        key.name
        for key in await _foreign_keys(connection)
        if key.table in DISTRIBUTED
        and key.target in DISTRIBUTED
        and (DISTRIBUTED[key.table], DISTRIBUTED[key.target]) not in key.pairs
    ]


async def _foreign_keys(connection: Connection) -> list[ForeignKey]:
    rows = await connection.fetch(
        """
        SELECT c.conname AS name, c.conrelid::regclass::text AS table, c.confrelid::regclass::text AS target,
               array_agg(here.attname::text ORDER BY pair.place) AS columns,
               array_agg(there.attname::text ORDER BY pair.place) AS targets
        FROM pg_constraint c
        CROSS JOIN unnest(c.conkey, c.confkey) WITH ORDINALITY AS pair (here, there, place)
        JOIN pg_attribute here ON here.attrelid = c.conrelid AND here.attnum = pair.here
        JOIN pg_attribute there ON there.attrelid = c.confrelid AND there.attnum = pair.there
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
        GROUP BY c.oid
        """
    )
    return [
        ForeignKey(
            row["name"], row["table"], row["target"], frozenset(zip(row["columns"], row["targets"], strict=True))
        )
        for row in rows
    ]

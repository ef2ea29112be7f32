"""
Provisioning: a customer who can start, in one step, whole or not at all.
"""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from cli.waiting import eventually
from factories.catalogs import CATALOGS, DRAFT_TEXT
from rsolv import api_keys, catalog, ledger
from rsolv.audit import Actor
from rsolv.customers import Acquisition, EmailPolicy, EmailTaken, NewCustomer, checked_new_customer
from rsolv.db import Connection, Database, Unavailable
from rsolv.jobs.service.enqueue import EnqueuedOutsideTransaction
from rsolv.provisioning import MAIL_SEQUENCE, Provisioned, provision_customer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def new_customer(email: str = "ada@example.com") -> NewCustomer:
    return checked_new_customer(
        email=email,
        name="Ada",
        acquisition=Acquisition(source="marketplace", utm_campaign="launch"),
        policy=EmailPolicy(example_domains_allowed=True),
    )


async def provision(connection: Connection, email: str = "ada@example.com", now: datetime = NOW) -> Provisioned:
    return await provision_customer(connection, new_customer(email), actor=Actor("operator", "eve"), now=now)


@pytest.mark.parametrize("catalog_name", sorted(CATALOGS))
async def test_a_new_customer_is_on_trial_with_the_opening_credits(connection: Connection, catalog_name: str) -> None:
    """
    The plan's name and its credits are the catalogue's, and the posting says by which version and why.
    """
    plan_name, plan = CATALOGS[catalog_name].trial()

    made = await provision(connection)

    moves = await ledger.list_credit_transactions(connection, customer_id=made.customer.id, limit=10)
    assert made.customer.subscription_type == plan_name
    assert made.credit_balance == plan.signup_credits
    assert await ledger.balance(connection, customer_id=made.customer.id) == plan.signup_credits
    assert [(move.amount, move.source) for move in moves] == [(plan.signup_credits, "trial_signup")]
    assert moves[0].metadata["source"] == "gh_marketplace"


async def test_a_new_customer_is_pinned_to_the_catalogue_in_effect(connection: Connection) -> None:
    """
    Later versions do not concern them until they agree.
    """
    in_effect = await catalog.get_in_effect(connection, now=NOW)

    made = await provision(connection)

    assert await catalog.get_pinned(connection, customer_id=made.customer.id) == in_effect


async def test_the_first_key_opens_the_account_at_once(database: Database) -> None:
    """
    The key in the answer authenticates as the customer as soon as the transaction has committed.
    """
    async with database.transaction() as connection:
        made = await provision(connection)

    authenticator = api_keys.Authenticator(database, cache_ttl_seconds=0, cache_size=0)
    caller = await authenticator.authenticate(made.key.secret.reveal(), now=NOW)

    assert (caller.customer_id, caller.api_key_id) == (made.customer.id, made.key.api_key.id)
    assert made.key.api_key.name == "First key"


async def test_every_step_of_the_onboarding_is_noted(connection: Connection) -> None:
    """
    An operator sees how far somebody came.
    """
    made = await provision(connection)

    events = await connection.fetch(
        "SELECT event_type, status, occurred_at FROM customer_onboarding_events WHERE customer_id = $1 ORDER BY id",
        made.customer.id,
    )
    assert [event["event_type"] for event in events] == [
        "customer_created",
        "api_key_generated",
        "credits_allocated",
        "stripe_customer_promised",
        "emails_promised",
    ]
    assert {(event["status"], event["occurred_at"]) for event in events} == {("success", NOW)}


async def test_the_rest_is_promised_with_its_days(connection: Connection) -> None:
    """
    One job makes the Stripe customer; each mail is queued for its day.
    """
    made = await provision(connection)

    jobs = await connection.fetch(
        """
        SELECT entrypoint, payload, dedupe_key, extract(day FROM execute_after - now()) AS days
        FROM pgqueuer ORDER BY id
        """
    )
    mails = {json.loads(job["payload"])["template"]: int(job["days"]) for job in jobs[1:]}
    assert [job["entrypoint"] for job in jobs] == ["stripe.create_customer", *["mail.send_onboarding"] * 7]
    assert mails == MAIL_SEQUENCE
    assert {json.loads(job["payload"])["customer_id"] for job in jobs} == {made.customer.id}
    assert len({job["dedupe_key"] for job in jobs}) == 8


async def test_the_audit_record_says_who_did_it(connection: Connection) -> None:
    """
    The issuing of the key and the provisioning are two acts of one actor.
    """
    made = await provision(connection)

    entries = await connection.fetch(
        "SELECT action, actor, subject, facts FROM audit_entries WHERE customer_id = $1 ORDER BY id", made.customer.id
    )
    assert [entry["action"] for entry in entries] == ["api_key:issued", "customer:provisioned"]
    assert {entry["actor"] for entry in entries} == {"operator:eve"}
    assert entries[1]["subject"] == f"customer {made.customer.id}"
    assert json.loads(entries[1]["facts"])["source"] == "gh_marketplace"


async def test_a_plan_without_opening_credits_posts_nothing(connection: Connection) -> None:
    """
    The account is open and empty.
    """
    without = DRAFT_TEXT.replace("signup_credits = 7", "signup_credits = 0").replace("2025-01-01", "2026-11-19")
    await catalog.apply_catalog(connection, catalog.parse_catalog(without), now=NOW)

    made = await provision(connection)

    assert made.credit_balance == 0
    assert await ledger.list_credit_transactions(connection, customer_id=made.customer.id, limit=10) == []


async def test_without_a_catalogue_in_effect_nobody_signs_up(database: Database, owner: asyncpg.Connection) -> None:
    """
    Nothing was sold before the first version took effect, and the attempt leaves no trace.
    """
    before = await rows_by_table(owner)

    with pytest.raises(catalog.NoCatalogInEffect):
        async with database.transaction() as connection:
            await provision(connection, now=datetime(2020, 1, 1, tzinfo=UTC))

    assert await rows_by_table(owner) == before


@pytest.mark.parametrize("second", ["ada@example.com", "ADA@Example.com"])
async def test_a_second_sign_up_with_one_address_leaves_no_trace(
    database: Database, owner: asyncpg.Connection, second: str
) -> None:
    """
    Neither a customer nor a key nor a job of the refused one is there.
    """
    async with database.transaction() as connection:
        await provision(connection)
    before = await rows_by_table(owner)

    with pytest.raises(EmailTaken):
        async with database.transaction() as connection:
            await provision(connection, second)

    assert await rows_by_table(owner) == before


@pytest.mark.parametrize(
    ("is_first_kept", "outcome"), [(True, EmailTaken), (False, Provisioned)], ids=["first commits", "first rolls back"]
)
async def test_of_two_sign_ups_at_once_with_one_address_one_wins(
    database: Database,
    owner: asyncpg.Connection,
    is_first_kept: bool,  # noqa: FBT001 -- a case of the table
    outcome: type,
) -> None:
    """
    The second waits for the first to end: it is refused if that one committed, and wins if it did not.
    """

    async def second() -> Provisioned:
        async with database.transaction() as connection:
            return await provision(connection)

    async def somebody_waits() -> bool:
        return await owner.fetchval("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")

    first = database.transaction()
    await provision(await first.__aenter__())
    waiting = asyncio.create_task(second())
    await eventually(somebody_waits, "the second waits for the first")
    error = None if is_first_kept else KeyboardInterrupt()
    await asyncio.gather(first.__aexit__(error and type(error), error, None), return_exceptions=True)
    [answer] = await asyncio.gather(waiting, return_exceptions=True)

    assert type(answer) is outcome
    assert await owner.fetchval("SELECT count(*) FROM customers") == 1


STEPS = [
    "customers",
    "customer_emails",
    "catalog_pins",
    "api_keys",
    "api_key_hashes",
    "ledger_accounts",
    "ledger_postings",
    "ledger_grants",
    "ledger_entries",
    "customer_onboarding_events",
    "audit_entries",
    "pgqueuer",
]


@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"], ids=["at once", "at the commit"])
async def test_whatever_step_fails_nothing_is_left(database: Database, owner: asyncpg.Connection, when: str) -> None:
    """
    A fault planted in each table in turn undoes every other table too.
    """
    await owner.execute(
        """
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE 'planted in %', TG_TABLE_NAME;
        END $$
        """
    )
    before, planted = await rows_by_table(owner), []

    for table in STEPS:
        await owner.execute(
            f"CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON {table} {when} FOR EACH ROW EXECUTE FUNCTION fail()"
        )
        with pytest.raises(asyncpg.RaiseError) as caught:
            async with database.transaction() as connection:
                await provision(connection)
        await owner.execute(f"DROP TRIGGER planted ON {table}")
        planted.append((str(caught.value), await rows_by_table(owner) == before))

    assert planted == [(f"planted in {table}", True) for table in STEPS]


async def test_the_steps_that_are_made_to_fail_are_all_there_are(database: Database, owner: asyncpg.Connection) -> None:
    """
    A table that provisioning begins to write to must be added to the list above.
    """
    before = await rows_by_table(owner)

    async with database.transaction() as connection:
        await provision(connection)

    after = await rows_by_table(owner)
    assert sorted(table for table in after if after[table] > before[table]) == sorted({*STEPS, "pgqueuer_log"})


async def test_planted_without_one_transaction_a_failure_leaves_half_a_customer(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    The same verb on a connection that commits each statement leaves rows, which the tests above would notice.
    """
    before = await rows_by_table(owner)

    with pytest.raises(EnqueuedOutsideTransaction):
        async with database.reading() as connection:
            await provision(connection)

    assert await rows_by_table(owner) != before


async def test_a_connection_killed_before_the_commit_leaves_nothing(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    Who dies half-way has promised nothing.
    """
    before = await rows_by_table(owner)

    async def die() -> None:
        async with database.transaction() as connection:
            await provision(connection)
            await owner.execute("SELECT pg_terminate_backend($1)", await connection.fetchval("SELECT pg_backend_pid()"))

    with pytest.raises(Unavailable):
        await die()

    assert await rows_by_table(owner) == before


async def test_an_opening_balance_lasts_beyond_the_trial(connection: Connection) -> None:
    """
    The opening credits do not expire.
    """
    made = await provision(connection)

    later = NOW + timedelta(days=10_000)
    expiring = await connection.fetchval(
        "SELECT count(*) FROM ledger_grants WHERE customer_id = $1 AND expires_at < $2", made.customer.id, later
    )
    assert expiring == 0


def test_provisioning_needs_no_web_framework() -> None:
    """
    The command line, webhooks and the admin provision too, so importing the room loads neither server nor framework.
    """
    code = (
        "import sys, rsolv.provisioning; print(sorted({'starlette', 'uvicorn', 'httpx', 'typer'} & set(sys.modules)))"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert loaded.stdout == "[]\n"


async def rows_by_table(owner: asyncpg.Connection) -> dict[str, int]:
    """
    Count the rows of every table.
    """
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return {
        row["tablename"]: await owner.fetchval(f'SELECT count(*) FROM "{row["tablename"]}"')  # noqa: S608 -- its own name
        for row in tables
    }

"""
The record of who did what: written with the act, kept for ever.
"""

import json

import asyncpg
import pytest

from factories.customers import make_customer
from rsolv.audit import SYSTEM, Actor, record
from rsolv.db import Connection, Database

LAST = "SELECT customer_id, actor, action, subject, facts, occurred_at FROM audit_entries ORDER BY id DESC LIMIT 1"


class OurFault(Exception):
    """
    Whatever a verb may raise.
    """


async def test_an_entry_says_who_did_what_to_what_and_when(connection: Connection) -> None:
    """
    The time is the database's, so that entries of several machines are in one order.
    """
    customer_id = (await make_customer(connection)).customer.id

    await record(
        connection,
        actor=Actor("operator", "ada"),
        action="lamp:lit",
        subject="lamp 7",
        customer_id=customer_id,
        facts={"watts": 60},
    )

    entry = await connection.fetchrow(LAST)
    within = await connection.fetchval("SELECT $1 BETWEEN now() AND clock_timestamp()", entry["occurred_at"])
    assert (entry["customer_id"], entry["actor"], entry["action"]) == (customer_id, "operator:ada", "lamp:lit")
    assert (entry["subject"], json.loads(entry["facts"])) == ("lamp 7", {"watts": 60})
    assert within


async def test_an_entry_need_not_be_about_a_customer(connection: Connection) -> None:
    """
    Changes of the catalogue, for one, are about all of them.
    """
    await record(connection, actor=SYSTEM, action="catalog:applied", subject="catalog_version 1")

    entry = await connection.fetchrow(LAST)
    assert (entry["customer_id"], entry["actor"], entry["facts"]) == (None, "system", "{}")


async def test_an_act_that_is_rolled_back_was_not_done(database: Database, owner: asyncpg.Connection) -> None:
    """
    The entry goes with the transaction of the act itself.
    """

    async def act() -> None:
        async with database.transaction() as connection:
            await record(connection, actor=SYSTEM, action="lamp:lit", subject="lamp 7")
            raise OurFault

    with pytest.raises(OurFault):
        await act()

    assert await owner.fetchval("SELECT count(*) FROM audit_entries WHERE action = 'lamp:lit'") == 0


CHANGES = [
    pytest.param("UPDATE audit_entries SET actor = 'system'", id="update"),
    pytest.param("DELETE FROM audit_entries", id="delete"),
    pytest.param("TRUNCATE audit_entries", id="truncate"),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_the_application_may_not_change_the_record(connection: Connection, change: str) -> None:
    """
    Its role has no right to.
    """
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(change)
    await connection.execute("ROLLBACK")


@pytest.mark.parametrize("change", CHANGES)
async def test_not_even_the_owner_changes_the_record(owner: asyncpg.Connection, change: str) -> None:
    """
    A trigger refuses whoever comes with more rights.
    """
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
        await owner.execute(change)


async def test_planted_without_its_trigger_the_record_can_be_falsified(owner: asyncpg.Connection) -> None:
    """
    The statement that the test above sees refused goes through once the guard is gone.
    """
    await owner.execute(
        "INSERT INTO audit_entries (actor, action, subject, facts) VALUES ('operator:ada', 'lamp:lit', 'lamp 7', '{}')"
    )
    await owner.execute("DROP TRIGGER audit_entries_only_grow ON audit_entries")

    await owner.execute("UPDATE audit_entries SET actor = 'system'")

    assert await owner.fetchval("SELECT actor FROM audit_entries") == "system"


@pytest.mark.parametrize(
    ("actor", "action"),
    [
        pytest.param(Actor("robot"), "lamp:lit", id="nobody we know"),
        pytest.param(Actor("operator", "a" * 201), "lamp:lit", id="a name too long"),
        pytest.param(SYSTEM, "lit the lamp", id="an action in another form"),
        pytest.param(SYSTEM, "lamp:Lit", id="an action in capitals"),
    ],
)
async def test_an_entry_in_another_form_is_refused(database: Database, actor: Actor, action: str) -> None:
    """
    What is searched for later has one form now.
    """
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction() as connection:
            await record(connection, actor=actor, action=action, subject="lamp 7")


@pytest.mark.parametrize(
    ("actor", "text"),
    [
        (SYSTEM, "system"),
        (Actor("customer"), "customer"),
        (Actor("customer", "7"), "customer:7"),
        (Actor("operator", "ada"), "operator:ada"),
    ],
)
def test_an_actor_is_a_kind_and_perhaps_a_name(actor: Actor, text: str) -> None:
    """
    The text is what the record shows.
    """
    assert str(actor) == text

"""
Writing a catalogue as a version, and which version counts for whom.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from factories.catalogs import CATALOGS, LONG_AGO
from factories.customers import make_customer
from rsolv import catalog
from rsolv.catalog import Catalog
from rsolv.db import Connection, Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DRAFT = CATALOGS["draft"]


def _at(effective_at: datetime, *, low_credits: int = 9) -> Catalog:
    return msgspec.structs.replace(
        DRAFT, effective_at=effective_at, warnings=msgspec.structs.replace(DRAFT.warnings, low_credits=low_credits)
    )


async def test_applying_a_catalogue_writes_one_new_version(connection: Connection) -> None:
    """
    The version is numbered after the one before and is the newest from then on.
    """
    before = await catalog.find_newest(connection)
    assert before is not None

    version, is_new = await catalog.apply_catalog(connection, DRAFT, now=NOW)

    assert is_new
    assert version.id > before.id
    assert await catalog.find_newest(connection) == version


@pytest.mark.parametrize("name", CATALOGS)
async def test_a_catalogue_comes_back_from_the_database_as_it_went_in(connection: Connection, name: str) -> None:
    """
    File, value and rows say the same: nothing changes on the way.
    """
    await catalog.apply_catalog(connection, _at(NOW), now=NOW)

    await catalog.apply_catalog(connection, CATALOGS[name], now=NOW)

    newest = await catalog.find_newest(connection)
    assert newest is not None
    assert newest.catalog == CATALOGS[name]
    assert newest.catalog.fingerprint() == CATALOGS[name].fingerprint()
    assert newest.applied_at == NOW


async def test_applying_the_same_again_changes_nothing(connection: Connection) -> None:
    """
    A deployment that applies the file each time makes a version only when the file has changed.
    """
    first, _ = await catalog.apply_catalog(connection, DRAFT, now=NOW)

    second, is_new = await catalog.apply_catalog(connection, DRAFT, now=NOW + timedelta(days=1))

    assert (second, is_new) == (first, False)
    assert await _versions(connection) == 2


async def test_going_back_to_an_earlier_catalogue_is_a_new_version(connection: Connection) -> None:
    """
    Versions are a history, not a set: what was sold before can be sold again.
    """
    original = await catalog.find_newest(connection)
    assert original is not None
    await catalog.apply_catalog(connection, DRAFT, now=NOW)

    version, is_new = await catalog.apply_catalog(connection, original.catalog, now=NOW)

    assert is_new
    assert version.id > original.id


async def test_the_version_in_effect_is_the_one_that_took_effect_last(connection: Connection) -> None:
    """
    A version applied early for a later day counts from that day on, also when another was applied after it.
    """
    coming, _ = await catalog.apply_catalog(connection, _at(NOW), now=NOW)
    present, _ = await catalog.apply_catalog(connection, _at(NOW - timedelta(days=9)), now=NOW)

    moments = [NOW - timedelta(days=9), NOW - timedelta(microseconds=1), NOW, NOW + timedelta(days=365)]
    in_effect = [(await catalog.get_in_effect(connection, now=moment)).id for moment in moments]

    assert in_effect == [present.id, present.id, coming.id, coming.id]


async def test_of_two_that_take_effect_together_the_one_applied_last_counts(connection: Connection) -> None:
    """
    A mistake in a coming version is corrected by another for the same moment.
    """
    await catalog.apply_catalog(connection, _at(NOW, low_credits=9), now=NOW)
    corrected, _ = await catalog.apply_catalog(connection, _at(NOW, low_credits=8), now=NOW)

    assert await catalog.get_in_effect(connection, now=NOW) == corrected


async def test_before_the_first_version_there_is_nothing_to_sell(connection: Connection) -> None:
    """
    No version in effect is said, not guessed around.
    """
    with pytest.raises(catalog.NoCatalogInEffect):
        await catalog.get_in_effect(connection, now=LONG_AGO)


async def test_a_customer_keeps_the_version_they_agreed_to(connection: Connection) -> None:
    """
    A new version counts for new customers; those who are there keep theirs.
    """
    early = await make_customer(connection, now=NOW)
    agreed = await catalog.get_pinned(connection, customer_id=early.customer.id)

    version, _ = await catalog.apply_catalog(connection, _at(NOW), now=NOW)
    late = await make_customer(connection, now=NOW)

    assert await catalog.get_pinned(connection, customer_id=early.customer.id) == agreed
    assert await catalog.get_pinned(connection, customer_id=late.customer.id) == version
    assert agreed != version


async def test_nobody_is_pinned_to_a_version_by_accident(connection: Connection) -> None:
    """
    A customer without a pin has no prices, and that is said.
    """
    with pytest.raises(catalog.NoCatalogInEffect):
        await catalog.get_pinned(connection, customer_id=404)


async def test_many_who_apply_the_same_at_once_make_one_version(database: Database) -> None:
    """
    Ten deployments at a time: one writes the version, nine find it written.
    """

    async def apply() -> tuple[int, bool]:
        async with database.transaction() as connection:
            version, is_new = await catalog.apply_catalog(connection, DRAFT, now=NOW)
            return version.id, is_new

    answers = await asyncio.gather(*(apply() for _ in range(10)))

    assert len({version_id for version_id, _ in answers}) == 1
    assert [is_new for _, is_new in answers].count(True) == 1


async def test_planted_bug_looking_without_the_lock_would_make_two_versions(database: Database) -> None:
    """
    Two who compare with the newest version at the same moment both find theirs new.
    """
    both_have_looked = asyncio.Barrier(2)

    async def apply_carelessly() -> None:
        async with database.transaction() as connection:
            newest = await catalog.find_newest(connection)
            assert newest is not None
            assert catalog.changes(newest.catalog, DRAFT)
            await both_have_looked.wait()
            await connection.execute(
                """
                INSERT INTO catalog_versions (
                    effective_at, currency, low_credits, last_credits, fingerprint, applied_at)
                VALUES ($1, 'usd', 3, 2, $2, $1)
                """,
                DRAFT.effective_at,
                DRAFT.fingerprint(),
            )

    await asyncio.gather(apply_carelessly(), apply_carelessly())

    async with database.reading() as connection:
        assert await _versions(connection) == 3


@pytest.mark.parametrize("table", ["catalog_versions", "catalog_plans"])
@pytest.mark.parametrize("form", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_a_version_never_changes_even_by_the_owner(connection: asyncpg.Connection, table: str, form: str) -> None:
    """
    What customers agreed to can neither be rewritten nor removed.
    """
    column = {"catalog_versions": "low_credits = 99", "catalog_plans": "label = 'Other'"}[table]

    await connection.execute("SET ROLE rsolv")

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is append-only"):
        async with connection.transaction():
            await connection.execute(form.format(table, column))


@pytest.mark.parametrize("statement", ["UPDATE catalog_plans SET fix_price_cents = 1", "DELETE FROM catalog_versions"])
async def test_the_application_has_no_right_to_change_a_version(connection: asyncpg.Connection, statement: str) -> None:
    """
    The role of web and worker is refused before a trigger is even asked.
    """
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute(statement)


@pytest.mark.parametrize(
    ("kind", "monthly", "per_fix", "constraint"),
    [
        ("trial", None, 5, "prices_fit_kind"),
        ("pay_as_you_go", 5, 5, "prices_fit_kind"),
        ("pay_as_you_go", None, None, "prices_fit_kind"),
        ("subscription", None, 5, "prices_fit_kind"),
        ("subscription", 5, 0, "amounts_positive"),
        ("lifetime", 5, 5, "kind_known"),
    ],
)
async def test_the_database_refuses_a_plan_that_makes_no_sense(
    connection: asyncpg.Connection, kind: str, monthly: int | None, per_fix: int | None, constraint: str
) -> None:
    """
    What the parser refuses, the constraints refuse too, should somebody write past it.
    """
    with pytest.raises(asyncpg.CheckViolationError, match=constraint):
        async with connection.transaction():
            await _insert_plan(connection, "odd", kind, monthly, per_fix)


@pytest.mark.parametrize(("kind", "per_fix"), [("trial", None), ("pay_as_you_go", 5)])
async def test_the_database_refuses_a_second_plan_of_a_kind_that_is_single(
    connection: asyncpg.Connection, kind: str, per_fix: int | None
) -> None:
    """
    A version has one trial and one price for paying as you go.
    """
    with pytest.raises(asyncpg.UniqueViolationError, match="one_"):
        async with connection.transaction():
            await _insert_plan(connection, "second", kind, None, per_fix)


async def _insert_plan(connection: Connection, plan: str, kind: str, monthly: int | None, per_fix: int | None) -> None:
    await connection.execute(
        """
        INSERT INTO catalog_plans (version_id, plan, kind, label, monthly_price_cents, fix_price_cents)
        SELECT max(id), $1, $2, 'Odd', $3, $4 FROM catalog_versions
        """,
        plan,
        kind,
        monthly,
        per_fix,
    )


async def _versions(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM catalog_versions")
    return count

"""
The catalogue's verbs.
"""

from datetime import datetime

from rsolv.catalog import queries
from rsolv.catalog.errors import NoCatalogInEffect
from rsolv.catalog.rules import Catalog, Version, changes
from rsolv.db import Connection


async def find_newest(connection: Connection) -> Version | None:
    """
    Return the version applied last, whether it is in effect yet or not.
    """
    return await queries.find_newest(connection)


async def apply_catalog(connection: Connection, catalog: Catalog, *, now: datetime) -> tuple[Version, bool]:
    """
    Write *catalog* as a new version, unless the newest one says exactly the same.

    Returns the version and whether it is new. Concurrent callers are put in a row, so one version comes of them.
    """
    await queries.lock_versions(connection)
    newest = await queries.find_newest(connection)
    if newest is not None and not changes(newest.catalog, catalog):
        return newest, False
    version_id = await queries.insert_version(connection, catalog, applied_at=now)
    return Version(id=version_id, applied_at=now, catalog=catalog), True


async def pin_customer(connection: Connection, *, customer_id: int, version_id: int, now: datetime) -> None:
    """
    Pin a new customer to the version they sign up under.
    """
    await queries.insert_pin(connection, customer_id=customer_id, version_id=version_id, pinned_at=now)


async def get_in_effect(connection: Connection, *, now: datetime) -> Version:
    """
    Return the version that new customers get.

    Raises:
        NoCatalogInEffect: none has been applied, or the first is yet to take effect.
    """
    version = await queries.find_in_effect(connection, at=now)
    if version is None:
        raise NoCatalogInEffect
    return version


async def get_pinned(connection: Connection, *, customer_id: int) -> Version:
    """
    Return the version a customer agreed to.

    Raises:
        NoCatalogInEffect: the customer is pinned to none; provisioning never leaves that behind.
    """
    version = await queries.find_pinned(connection, customer_id=customer_id)
    if version is None:
        raise NoCatalogInEffect
    return version


async def get_version(connection: Connection, *, version_id: int) -> Version:
    """
    Return a version that something was decided from; versions are never removed.
    """
    version = await queries.find_version(connection, version_id=version_id)
    assert version is not None, "whoever noted its id had it"
    return version

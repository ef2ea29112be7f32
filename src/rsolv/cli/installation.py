"""
Which database a command speaks to, and as whom.
"""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from rsolv.audit import Actor
from rsolv.customers import EmailPolicy
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.kernel.secret import Secret
from rsolv.local.errors import DatabaseUnusable, StripeUnusable
from rsolv.local.home import Home
from rsolv.local.up import STAND_IN_API_KEY
from rsolv.logs import quiet_logs
from rsolv.settings import Settings, load_settings
from rsolv.stripe_gateway import StripeGateway
from rsolv.wiring import configured_gateway, limits_of_a_worker, wired_bus

T = TypeVar("T")

PATIENCE = timedelta(minutes=10)


def settings() -> Settings:
    """
    Read the settings from the environment.

    Raises:
        SettingsInvalid: with all problems found.
    """
    return load_settings(os.environ)


def email_policy() -> EmailPolicy:
    """
    Return which addresses are taken.
    """
    found = settings()
    return EmailPolicy(
        example_domains_allowed=not found.is_production,
        domains_allowed=found.email_domains_allowed,
        domains_blocked=found.email_domains_blocked,
    )


def database_url() -> str:
    """
    Return DATABASE_URL, or where the installation running in RSOLV_HOME has its database.

    Raises:
        DatabaseUnusable: neither is there.
    """
    found = settings()
    if found.database_url is not None:
        return found.database_url.reveal()
    url = Home(found.home).database_url()
    if url is None:
        raise DatabaseUnusable(
            reason=f"nothing runs in {found.home} and DATABASE_URL is not set; start it with `make run`."
        )
    return url


def with_database(act: Callable[[Database], Awaitable[T]]) -> T:
    """
    Open the database, let *act* use it, and close it.
    """

    async def run() -> T:
        database = await Database.open(database_url(), application="command line", pool_size=2, patience=PATIENCE)
        try:
            return await act(database)
        finally:
            await database.close()

    return asyncio.run(run())


def with_stripe(act: Callable[[Database, StripeGateway, EventBus], Awaitable[T]]) -> T:
    """
    Open the database and the gateway to Stripe, or to the twin that runs in RSOLV_HOME, and let *act* use them.

    Raises:
        StripeUnusable: there is neither a key of Stripe's nor a twin.
    """
    found = _stripe_settings(settings())

    async def run(database: Database) -> T:
        async with configured_gateway(found, limits_of_a_worker(found)) as gateway:
            assert gateway is not None, "there is a key"
            return await act(database, gateway, wired_bus(billing_enabled=found.billing_enabled))

    with quiet_logs():
        return with_database(run)


def _stripe_settings(found: Settings) -> Settings:
    if found.stripe_api_key is not None:
        return found
    url = Home(found.home).stripe_url()
    if url is None:
        raise StripeUnusable(home=found.home)
    return replace(found, stripe_api_key=Secret(STAND_IN_API_KEY), stripe_api_base=url)


def operator() -> Actor:
    """
    Return who acts at this command line, for the audit record.
    """
    return Actor("operator", getpass.getuser())

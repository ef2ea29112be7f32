"""
What a local installation brings along: the catalogue, and a customer to try things with.
"""

from rsolv import api_keys, catalog, customers, provisioning
from rsolv.audit import SYSTEM
from rsolv.db import Connection, Database
from rsolv.kernel import clock
from rsolv.local.catalog_file import read_catalog_file
from rsolv.local.home import DemoCustomer

DEMO_EMAIL = "demo@example.com"


async def prepare(database_url: str, _secret_key_base: str, remembered: DemoCustomer | None) -> DemoCustomer:
    """
    Apply the repository's catalogue and make sure of the demo customer with a key that works.

    A key remembered from an earlier start is kept while it works; else the customer gets another one.
    """
    database = await Database.open(database_url, application="set-up", pool_size=2)
    try:
        async with database.transaction() as connection:
            await catalog.apply_catalog(connection, read_catalog_file(), now=clock.now())
        if remembered is not None and await _works(database, remembered):
            return remembered
        async with database.transaction() as connection:
            return await _demo_customer(connection)
    finally:
        await database.close()


async def _works(database: Database, remembered: DemoCustomer) -> bool:
    authenticator = api_keys.Authenticator(database, cache_ttl_seconds=0, cache_size=0)
    try:
        await authenticator.authenticate(remembered.api_key, now=clock.now())
    except api_keys.InvalidApiKey:
        return False
    return True


async def _demo_customer(connection: Connection) -> DemoCustomer:
    now = clock.now()
    existing = await customers.find_by_email(connection, email=DEMO_EMAIL)
    if existing is not None:
        issued = await api_keys.issue_key(connection, customer_id=existing.id, name="Demo key", actor=SYSTEM, now=now)
        return DemoCustomer(email=DEMO_EMAIL, api_key=issued.secret.reveal())
    new = customers.checked_new_customer(
        email=DEMO_EMAIL,
        name="Demo",
        acquisition=customers.Acquisition(),
        policy=customers.EmailPolicy(example_domains_allowed=True),
    )
    provisioned = await provisioning.provision_customer(connection, new, actor=SYSTEM, now=now)
    return DemoCustomer(email=DEMO_EMAIL, api_key=provisioned.key.secret.reveal())

"""
The customers of a measurement, made by the product's own verbs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from rsolv import fixes, ledger
from rsolv.api_keys import issue_key
from rsolv.audit import SYSTEM
from rsolv.catalog import apply_catalog
from rsolv.customers import Acquisition, EmailPolicy, checked_new_customer
from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.local.catalog_file import read_catalog_file
from rsolv.provisioning import provision_customer

REPOSITORY = "acme/shop"
COMMIT_SHA = "4f2d1c7b9a8e6053f1d2c3b4a5968778695a4b3c"
CREDITS = 10_000_000
"""
More than any measurement consumes.
"""
BATCH = 50


@dataclass(frozen=True)
class BenchCustomer:
    """
    A customer with credits, a key, and a repository that was scanned before.
    """

    customer_id: int
    api_key_id: int
    api_key: str


async def populate(
    database: Database, bus: EventBus, *, count: int, announce: Callable[[str], None]
) -> list[BenchCustomer]:
    """
    Apply the catalogue and provision *count* customers, in order.

    One after the other on one connection, so that ids follow each other and pgbench can compute a customer's key.
    """
    async with database.transaction() as connection:
        await apply_catalog(connection, read_catalog_file(), now=datetime.now(UTC))
        await _set_ids_apart(connection, bus)
    customers: list[BenchCustomer] = []
    while len(customers) < count:
        async with database.transaction() as connection:
            batch = range(len(customers), min(len(customers) + BATCH, count))
            customers += [await _make_customer(connection, bus, number) for number in batch]
        announce(f"{len(customers)} of {count} customers")
    assert len({customer.api_key_id - customer.customer_id for customer in customers}) == 1, "ids follow each other"
    assert customers[-1].customer_id - customers[0].customer_id == count - 1, "ids follow each other"
    return customers


async def _make_customer(connection: Connection, bus: EventBus, number: int | str) -> BenchCustomer:
    now = datetime.now(UTC)
    new = checked_new_customer(
        email=f"bench-{number}@example.com",
        name=f"Bench {number}",
        acquisition=Acquisition(),
        policy=EmailPolicy(example_domains_allowed=True),
    )
    provisioned = await provision_customer(connection, new, actor=SYSTEM, now=now)
    customer_id = provisioned.customer.id
    api_key_id = provisioned.key.api_key.id
    await ledger.grant(
        connection,
        customer_id=customer_id,
        credits=CREDITS,
        source="purchased",
        cause=ledger.Cause("bench", str(customer_id)),
    )
    await _store_scan(connection, bus, (customer_id, api_key_id), REPOSITORY)
    return BenchCustomer(customer_id, api_key_id, provisioned.key.secret.reveal())


async def _set_ids_apart(connection: Connection, bus: EventBus) -> None:
    """
    Give one customer, who takes no part, more keys and repositories than the others have.

    From then on a customer, its key and its repository have different numbers, which tells them apart in a recording.
    """
    spare = await _make_customer(connection, bus, "spare")
    await issue_key(connection, customer_id=spare.customer_id, name="Second", actor=SYSTEM, now=datetime.now(UTC))
    for name in ("second", "third", "fourth"):
        await _store_scan(connection, bus, (spare.customer_id, spare.api_key_id), f"acme/{name}")


async def _store_scan(connection: Connection, bus: EventBus, ids: tuple[int, int], repository: str) -> None:
    customer_id, api_key_id = ids
    namespace, _, name = repository.partition("/")
    scan = fixes.PhaseReport(
        phase="scan",
        repository=fixes.Repository(namespace, name),
        issue_number=None,
        commit_sha=COMMIT_SHA,
        billable=False,
        data_json="{}",
    )
    await fixes.store_phase(
        connection,
        scan,
        customer_id=customer_id,
        api_key_id=api_key_id,
        bus=bus,
        ownership_required=False,
        now=datetime.now(UTC),
    )

"""
Any single fault at any one call to Stripe: tried again, everything ends as if nothing had been.
"""

import asyncpg
import pytest

from factories.cards import attach_card, do_jobs, fulfil, open_page, type_card, until_it_works
from factories.catalogs import CATALOGS
from factories.paying import attached, bonuses, cards_of, count, default_at_stripe
from rsolv import ledger
from rsolv.audit import SYSTEM
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import remove
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.twin import Twin

EVERY_FAULT = pytest.mark.parametrize("kind", KINDS)
EARNED = CATALOGS["current"].trial()[1].payment_method_credits
BUS = EventBus()


async def require_one_card(owner: asyncpg.Connection, twin: Twin, customer_id: int) -> None:
    """
    Demand one customer and one card here and at Stripe, the default on both sides, credited once.
    """
    (theirs,) = twin.store.all("customer")
    (card,) = await cards_of(owner, customer_id)
    assert attached(twin) == {(theirs["id"], card["stripe_payment_method_id"])}
    assert default_at_stripe(twin) == [card["stripe_payment_method_id"]]
    assert await bonuses(owner) == [(customer_id, EARNED)]
    assert await owner.fetchval("SELECT subscription_type FROM customers") == "pay_as_you_go"
    assert ledger.breached(await ledger.verify(owner)) == []


@EVERY_FAULT
@pytest.mark.parametrize("call", range(6), ids=["find", "create", "open", "read-setup", "read-customer", "set-default"])
async def test_a_card_from_a_page_is_added_once(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    kind: FaultKind,
    call: int,
) -> None:
    """
    From the first call, which looks for the customer, to the last, which makes the card their default.
    """
    fault = Fault(kind, skip=call)
    twin.faults.plan([fault])

    setup = await until_it_works(twin, lambda: open_page(database, gateway, customer_id=customer_id))
    type_card(twin, setup)
    await until_it_works(twin, lambda: fulfil(database, gateway, BUS, setup))
    await until_it_works(twin, lambda: do_jobs(owner, database, gateway, BUS, kind="payment_method.make_default"))

    assert fault.times == 0
    assert await count(owner, "consents") == 1
    assert await owner.fetchval("SELECT count(*) FROM card_setups WHERE state = 'completed'") == 1
    await require_one_card(owner, twin, customer_id)


@EVERY_FAULT
@pytest.mark.parametrize("call", range(3), ids=["find", "create", "attach"])
async def test_a_card_set_up_elsewhere_is_added_once(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    kind: FaultKind,
    call: int,
) -> None:
    """
    The caller repeats the request until it is answered.
    """
    fault = Fault(kind, skip=call)
    twin.faults.plan([fault])

    await until_it_works(twin, lambda: attach_card(database, gateway, BUS, customer_id=customer_id))
    await do_jobs(owner, database, gateway, BUS, kind="payment_method.make_default")

    assert fault.times == 0
    assert await count(owner, "consents") == 1
    await require_one_card(owner, twin, customer_id)


@EVERY_FAULT
async def test_a_removed_card_is_detached_in_the_end(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    kind: FaultKind,
) -> None:
    """
    The queue repeats the job until it is done.
    """
    method = await attach_card(database, gateway, BUS, customer_id=customer_id)
    async with database.transaction() as connection:
        await remove(
            connection, BUS, customer_id=customer_id, payment_method_id=method.id, actor=SYSTEM, now=clock.now()
        )
    fault = Fault(kind)
    twin.faults.plan([fault])

    await until_it_works(twin, lambda: do_jobs(owner, database, gateway, BUS, kind="payment_method.detach"))

    assert fault.times == 0
    assert attached(twin) == set()


async def test_planted_bug_a_new_key_for_every_try_would_leave_a_second_card(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    With Stripe's memory of keys off the check above notices: Stripe's test card is another one at each try.
    """
    twin.api.keys.is_on = False
    twin.faults.plan([Fault("cut_body", skip=2)])

    await until_it_works(twin, lambda: attach_card(database, gateway, BUS, customer_id=customer_id))
    await do_jobs(owner, database, gateway, BUS, kind="payment_method.make_default")

    with pytest.raises(AssertionError):
        await require_one_card(owner, twin, customer_id)

"""
Find out what came of a hosted page, and act on it once.
"""

from datetime import datetime

import structlog

from rsolv import customers
from rsolv.audit import SYSTEM
from rsolv.card_setups import queries
from rsolv.card_setups.errors import UnknownCardSetup
from rsolv.card_setups.rules import CardSetup, Verdict, is_never_shown, require_same, verdict_on
from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import StripeSource, add_card, find_by_stripe_id
from rsolv.stripe_gateway import CardSetup as StripeCardSetup
from rsolv.stripe_gateway import StripeGateway

log = structlog.get_logger()


async def find_setup(connection: Connection, *, stripe_card_setup_id: str) -> CardSetup:
    """
    Return the setup that has this id at Stripe; whose it is, is part of the answer.

    Raises:
        UnknownCardSetup: we opened none of this id.
    """
    setup = await queries.find_card_setup_by_stripe_id(connection, stripe_card_setup_id=stripe_card_setup_id)
    if setup is None:
        raise UnknownCardSetup
    return setup


async def get_setup(connection: Connection, *, customer_id: int, card_setup_id: int) -> CardSetup:
    """
    Return a customer's card setup.

    Raises:
        UnknownCardSetup: they have none of this id.
    """
    setup = await queries.find_card_setup(connection, customer_id=customer_id, card_setup_id=card_setup_id)
    if setup is None:
        raise UnknownCardSetup
    return setup


async def settle_setup(
    connection: Connection, bus: EventBus, setup: CardSetup, theirs: StripeCardSetup, *, now: datetime
) -> CardSetup:
    """
    Make a setup agree with what was just read of it at Stripe, in the caller's transaction; return it as it then is.

    A card that was saved is added, once; on a page that is still open nothing has happened yet. Locks the customer,
    then the setup.

    Raises:
        CardSetupMixedUp: what was read is not what we opened; nothing changed.
    """
    require_same(setup, theirs)
    verdict = verdict_on(theirs)
    return setup if verdict == "open" else await _end(connection, bus, setup, theirs, verdict=verdict, now=now)


async def fulfil_setup(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    *,
    customer_id: int,
    card_setup_id: int,
    now: datetime,
) -> CardSetup:
    """
    Ask Stripe what came of a page and, if a card was saved on it, add that card; return the setup as it then stands.

    The one verb for the return page, the job and the webhook: twice at once adds once, under the customer's lock and
    then the setup's. A setup that has come to its end is returned as it is, without asking. Calls Stripe, so do not
    call this in a transaction.

    Raises:
        UnknownCardSetup: the customer has no such setup.
        CardSetupMixedUp: what Stripe has under that id is not what we opened; nothing changed.
        GatewayFailure: Stripe could not be asked; calling again is safe.
    """
    async with database.reading() as connection:
        setup = await get_setup(connection, customer_id=customer_id, card_setup_id=card_setup_id)
    if setup.state != "open":
        return setup
    if setup.stripe_card_setup_id is None:
        theirs, verdict = None, _without_page(setup, now)
    else:
        theirs = await gateway.read_card_setup(setup.stripe_card_setup_id)
        require_same(setup, theirs)
        verdict = verdict_on(theirs)
    if verdict == "open":
        return setup
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        return await _end(connection, bus, setup, theirs, verdict=verdict, now=now)


def _without_page(setup: CardSetup, now: datetime) -> Verdict:
    return "expired" if is_never_shown(setup, now=now) else "open"


async def _end(
    connection: Connection,
    bus: EventBus,
    setup: CardSetup,
    theirs: StripeCardSetup | None,
    *,
    verdict: Verdict,
    now: datetime,
) -> CardSetup:
    customer = await customers.lock_customer(connection, customer_id=setup.customer_id)
    locked = await queries.lock_card_setup(connection, customer_id=customer.id, card_setup_id=setup.id)
    assert locked is not None, "found before; rows of setups stay"
    if locked.state != "open":
        return locked
    method_id = None
    if theirs is not None and verdict == "added":
        method_id = await _add(connection, bus, locked, theirs, customer=customer, now=now)
    elif verdict == "unusable":
        log.error("card_setup_without_card", customer_id=customer.id, card_setup_id=setup.id)
    await queries.end_card_setup(
        connection,
        customer_id=customer.id,
        card_setup_id=setup.id,
        state="expired" if verdict == "expired" else "completed",
        payment_method_id=method_id,
        ended_at=now,
    )
    ended = await queries.find_card_setup(connection, customer_id=customer.id, card_setup_id=setup.id)
    assert ended is not None, "locked above"
    return ended


async def _add(
    connection: Connection,
    bus: EventBus,
    setup: CardSetup,
    theirs: StripeCardSetup,
    *,
    customer: customers.Customer,
    now: datetime,
) -> int:
    """
    Add the card that was saved, unless it has been added another way and removed again meanwhile.
    """
    assert theirs.card is not None, "the verdict says so"
    assert theirs.payment_method_id is not None, "the verdict says so"
    known = await find_by_stripe_id(
        connection, customer_id=customer.id, stripe_payment_method_id=theirs.payment_method_id
    )
    if known is not None and known.removed_at is not None:
        return known.id
    method = await add_card(
        connection,
        bus,
        theirs.card,
        customer=customer,
        stripe_payment_method_id=theirs.payment_method_id,
        evidence=setup.evidence,
        source=StripeSource(
            card_setup_id=setup.id,
            stripe_card_setup_id=theirs.id,
            stripe_setup_intent_id=theirs.setup_intent_id,
            stripe_mandate_id=theirs.mandate_id,
        ),
        consent_withdrawn_at=setup.consent_withdrawn_at,
        actor=SYSTEM,
        now=now,
    )
    return method.id

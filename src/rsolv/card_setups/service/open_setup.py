"""
Send a customer to the hosted page on which they enter a card.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from rsolv import catalog, customers, idempotency
from rsolv.card_setups import queries
from rsolv.card_setups.rules import DAY, HOUR, REPEATABLE_FOR, SETUP_KEY, CardSetup, look_job, pause_before_look
from rsolv.db import Connection, Database
from rsolv.jobs import enqueue
from rsolv.payment_methods import USUAL_LIMITS, CardLimits, Declaration, evidence_of, require_room
from rsolv.stripe_gateway import CUSTOMER_KEY, GatewayUnavailable, StripeGateway
from rsolv.stripe_gateway import CardSetup as StripeCardSetup

KEY_IN_USE = "idempotency_key_in_use"  # docs.stripe.com/error-codes


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupRequest:
    """
    A customer's wish to add a card: where they want to come back to, and the key under which they may repeat it.

    The limits are on pages opened anew; they hold exactly, under the customer's lock.
    """

    declaration: Declaration
    return_url: str | None = None
    caller_key_hash: bytes | None = None
    limits: CardLimits = USUAL_LIMITS


async def open_setup(
    database: Database, gateway: StripeGateway, request: SetupRequest, *, customer_id: int, page_url: str
) -> CardSetup:
    """
    Open a hosted page for a customer who has agreed to be charged, and keep the consent with it until it is used.

    *page_url* is our own page to come back to, with the setup's id at Stripe as `setup` in its query.

    The row with the key for Stripe is committed before Stripe is asked, and with it the job that looks at what came of
    the page, so that nothing is lost with a closed tab. A repeat under the same caller's key within 23 hours leads to
    the same page. Calls Stripe, so do not call this in a transaction.

    Raises:
        TooManyCards: as many as the limits allow were opened within the hour, or the day; a repeat is not counted.
        KeyReused: the caller's key was used with another return_url.
        RequestInProgress: the first request with the caller's key is still on its way.
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    stripe_customer_id = await customers.ensure_stripe_customer(database, gateway, customer_id=customer_id)
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies after it
        setup = await _remembered(connection, request, customer_id=customer_id, stripe_customer_id=stripe_customer_id)
    if setup.url is not None:
        return setup
    try:
        opened = await _opened(gateway, setup, page_url=page_url)
    except GatewayUnavailable as busy:
        if request.caller_key_hash is not None and busy.code == KEY_IN_USE:
            raise idempotency.RequestInProgress from busy
        raise
    assert opened.url is not None, "a page that was opened has an address"
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        await queries.note_page_once(
            connection,
            customer_id=customer_id,
            card_setup_id=setup.id,
            stripe_card_setup_id=opened.id,
            url=opened.url,
            expires_at=opened.expires_at,
        )
        noted = await queries.find_card_setup(connection, customer_id=customer_id, card_setup_id=setup.id)
    assert noted is not None, "written above; rows of setups stay"
    return noted


async def _remembered(
    connection: Connection, request: SetupRequest, *, customer_id: int, stripe_customer_id: str
) -> CardSetup:
    """
    Find the setup that a repeat is about, or write down a new one with the promise to look at it.
    """
    await customers.lock_customer(connection, customer_id=customer_id)
    earlier = await _earlier(connection, request, customer_id=customer_id)
    if earlier is not None:
        return earlier
    await _require_room(connection, request, customer_id=customer_id)
    version = await catalog.get_pinned(connection, customer_id=customer_id)
    setup_id = await queries.insert_card_setup(
        connection,
        evidence_of(request.declaration, version),
        customer_id=customer_id,
        key=f"rsolv-card-setup-{secrets.token_hex(16)}",
        caller_key_hash=request.caller_key_hash,
        return_url=request.return_url,
        stripe_customer_id=stripe_customer_id,
    )
    await enqueue(connection, look_job(customer_id, setup_id, look=1, pause=pause_before_look(timedelta(0))))
    setup = await queries.find_card_setup(connection, customer_id=customer_id, card_setup_id=setup_id)
    assert setup is not None, "inserted just now"
    return setup


async def _require_room(connection: Connection, request: SetupRequest, *, customer_id: int) -> None:
    now, limits = request.declaration.at, request.limits
    for window, most in ((HOUR, limits.setups_per_hour_max), (DAY, limits.setups_per_day_max)):
        full_since = await queries.find_opening_by_recency(
            connection, customer_id=customer_id, since=now - window, nth=most
        )
        require_room(full_since, window=window, now=now)


async def _earlier(connection: Connection, request: SetupRequest, *, customer_id: int) -> CardSetup | None:
    if request.caller_key_hash is None:
        return None
    now: datetime = request.declaration.at
    earlier = await queries.find_card_setup_by_caller_key(
        connection, customer_id=customer_id, caller_key_hash=request.caller_key_hash, since=now - REPEATABLE_FOR
    )
    if earlier is not None and earlier.return_url != request.return_url:
        raise idempotency.KeyReused(fields={"Idempotency-Key": ["was used for a different request"]})
    return earlier


async def _opened(gateway: StripeGateway, setup: CardSetup, *, page_url: str) -> StripeCardSetup:
    return await gateway.open_card_setup(
        stripe_customer_id=setup.stripe_customer_id,
        return_url=f"{page_url}?setup={{CHECKOUT_SESSION_ID}}",
        cancel_url=setup.return_url or page_url,
        currency=setup.evidence.currency,
        metadata={CUSTOMER_KEY: str(setup.customer_id), SETUP_KEY: str(setup.id)},
        key=setup.key,
    )

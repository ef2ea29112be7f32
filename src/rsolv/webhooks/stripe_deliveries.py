"""
Stripe's deliveries: `POST /api/webhooks/stripe`.

The answer is 200 once the event is stored, and only then: a 2xx for an event that could still be lost would lose it,
since Stripe sends nothing twice that was acknowledged. Everything else is tried again by Stripe for three days.
"""

import secrets as chance
from collections.abc import Sequence
from http import HTTPStatus

import structlog
from starlette.types import Receive, Scope, Send

from rsolv import billing_events, telemetry
from rsolv.db import Database, Unavailable
from rsolv.kernel import clock
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import REFUSAL_REASONS, DeliveryRefused, NotAnEvent, verify_delivery
from rsolv.webhooks.answers import BodyTooLarge, ClientGone, read_body, send_error, send_text

PATHS = frozenset({"/api/webhooks/stripe", "/webhooks/stripe"})
BODY_BYTES_MAX = 1_048_576
_SIGNATURE = b"stripe-signature"
_NOT_AN_EVENT = "not_an_event"

DELIVERIES = telemetry.Counter(
    "rsolv_webhook_deliveries_total",
    "Deliveries of Stripe's, by what became of them at the door: stored, known already, or turned away, and why.",
    label="outcome",
    values=("accepted", "repeated", *REFUSAL_REASONS, "too_large", "not_configured", "unavailable", "crashed"),
)

log = structlog.get_logger()


class StripeDeliveries:
    """
    An ASGI application that takes Stripe's deliveries in, signed with one of *secrets*; without any it takes none.
    """

    def __init__(self, database: Database, secrets: Sequence[Secret]) -> None:
        self._database = database
        self._secrets = secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = chance.token_hex(8)
        try:
            await self._answer(scope, receive, send, request_id)
        except ClientGone:
            return
        except BodyTooLarge:
            DELIVERIES.count("too_large")
            sentence = f"The body is larger than {BODY_BYTES_MAX} bytes."
            await send_error(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence, request_id)
        except DeliveryRefused as refused:
            await _refuse(send, refused.reason, request_id)
        except NotAnEvent:
            await _refuse(send, _NOT_AN_EVENT, request_id)
        except Unavailable:
            DELIVERIES.count("unavailable")
            log.warning("webhook_not_stored", request_id=request_id)
            await send_error(send, HTTPStatus.SERVICE_UNAVAILABLE, "Briefly unavailable; send it again.", request_id)
        except Exception:  # lint: allow no-broad-except -- the outermost: Stripe is answered, and sends it again
            DELIVERIES.count("crashed")
            log.exception("webhook_crashed", request_id=request_id)
            sentence = "Something went wrong on our side."
            await send_error(send, HTTPStatus.INTERNAL_SERVER_ERROR, sentence, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        if scope["method"] != "POST":
            await send_error(send, HTTPStatus.METHOD_NOT_ALLOWED, "This path answers POST only.", request_id)
            return
        if not self._secrets:
            DELIVERIES.count("not_configured")
            log.error("webhook_not_configured", request_id=request_id)
            await send_error(send, HTTPStatus.SERVICE_UNAVAILABLE, "Webhooks are not set up here.", request_id)
            return
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        body = await read_body(headers, receive, bytes_max=BODY_BYTES_MAX)
        signatures = [value.decode("latin-1") for name, value in headers if name.lower() == _SIGNATURE]
        now = clock.now()
        event = verify_delivery(body, signatures, secrets=self._secrets, now=now)
        arrival = billing_events.accept(event, body=body)
        async with self._database.transaction() as connection:
            event_id = await billing_events.receive(connection, arrival, now=now)
        DELIVERIES.count("accepted" if event_id is not None else "repeated")
        log.info("webhook_stored", request_id=request_id, type=arrival.type, is_new=event_id is not None)
        await send_text(send, HTTPStatus.OK, b"OK", request_id)


async def _refuse(send: Send, reason: str, request_id: str) -> None:
    """
    Tell a sender nothing that depends on a secret; whoever signed rightly is told that it is no event.
    """
    DELIVERIES.count(reason)
    log.warning("webhook_refused", reason=reason, request_id=request_id)
    if reason == _NOT_AN_EVENT:
        await send_error(send, HTTPStatus.BAD_REQUEST, "Not an event", request_id)
    else:
        await send_error(send, HTTPStatus.UNAUTHORIZED, "Invalid signature", request_id)

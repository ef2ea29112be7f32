"""
Decide what a failed call means: docs.stripe.com/error-low-level, docs.stripe.com/api/errors.

The question behind every line is whether the call may have happened. A typed 4xx says that it did not. A connection
that was never made says so too. Everything else says nothing, and of a write is therefore *unknown*; a read has
nothing to have happened, so that it is merely not available. That holds because nobody below us tries a call twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.errors import (
    GatewayFailure,
    GatewayMisused,
    GatewayUnavailable,
    NeedsAction,
    OutcomeUnknown,
    PaymentDeclined,
)
from rsolv.stripe_gateway.translation import decline

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
# docs.stripe.com/error-codes: the bank asks for the customer, in the words of each kind of call.
_NEEDS_ACTION = frozenset(
    {
        "authentication_required",
        "subscription_payment_intent_requires_action",
        "invoice_payment_intent_requires_action",
    }
)
_TOO_BUSY = frozenset({"rate_limit", "lock_timeout"})
_PAYMENT_FAILED, _CONFLICT, _TOO_MANY, _SERVER_ERRORS = 402, 409, 429, 500
_CLIENT_ERRORS = 400


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call to Stripe: our name of the verb, the idempotency key if it writes, and whether repeating it is harmless.
    """

    name: str
    key: str | None = None
    is_read: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back instead of the object: the status, the request id, and the error hash if it could be read.
    """

    status: int | None
    request_id: str | None
    error: Mapping[str, Any] | None


class _Intent(msgspec.Struct):
    id: str
    client_secret: str | None = None


class _Details(msgspec.Struct):
    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    param: str | None = None
    payment_intent: _Intent | None = None


def failure(call: Call, answer: Answer) -> GatewayFailure:
    """
    Say in our words what *answer* means for *call*.
    """
    details = _details(answer.error)
    status = answer.status or 0
    if details is None or not _CLIENT_ERRORS <= status < _SERVER_ERRORS:
        return lost(call, status=answer.status, request_id=answer.request_id, code=details.code if details else None)
    if status in {_CONFLICT, _TOO_MANY} or details.code in _TOO_BUSY:
        return GatewayUnavailable(call.name, request_id=answer.request_id, status=status, code=details.code)
    if status == _PAYMENT_FAILED:
        return _payment_failed(call, answer, details)
    return GatewayMisused(
        call.name,
        request_id=answer.request_id,
        status=status,
        code=details.code or details.type,
        param=details.param,
        payment_id=details.payment_intent.id if details.payment_intent else None,
    )


def lost(
    call: Call, *, status: int | None = None, request_id: str | None = None, code: str | None = None
) -> GatewayFailure:
    """
    Say what it means that no usable answer came to a call that may have been sent.
    """
    kind = GatewayUnavailable if call.is_read else OutcomeUnknown
    return kind(call.name, request_id=request_id, status=status, code=code)


def unreachable(call: Call, error: BaseException, answer: Answer) -> GatewayFailure:
    """
    Say what a broken connection means; whether anything was sent is read off the chain of causes.
    """
    if answer.status is None and _is_before_sending(error):
        return GatewayUnavailable(call.name, code="not_connected")
    return lost(call, status=answer.status, request_id=answer.request_id)


def _is_before_sending(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            return isinstance(error, _NOTHING_SENT)
        error = error.__cause__
    return False


def _details(error: Mapping[str, Any] | None) -> _Details | None:
    try:
        return msgspec.convert(error, _Details)
    except msgspec.ValidationError:
        return None


def _payment_failed(call: Call, answer: Answer, details: _Details) -> GatewayFailure:
    intent = details.payment_intent
    if {details.code, details.decline_code} & _NEEDS_ACTION:
        return NeedsAction(
            call.name,
            payment_id=intent.id if intent else None,
            client_secret=Secret(intent.client_secret) if intent and intent.client_secret else None,
            code=details.code,
            request_id=answer.request_id,
            status=answer.status,
        )
    return PaymentDeclined(
        call.name,
        decline=decline(answer.error or {}),
        payment_id=intent.id if intent else None,
        request_id=answer.request_id,
        status=answer.status,
    )

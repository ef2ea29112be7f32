"""
The one table from kinds of error to statuses, and the one body every error has.

The reasons are in docs/decisions/0007-error-body.md.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

from rsolv.api.operation import Reply, Shape
from rsolv.db import RejectedByDatabase, Unavailable
from rsolv.kernel.errors import (
    Conflict,
    DomainError,
    Invalid,
    NotFound,
    PaymentNeeded,
    Refused,
    TooMany,
    Unauthenticated,
)
from rsolv.stripe_gateway import GatewayUnavailable, OutcomeUnknown

STATUS_OF_KIND: dict[type[DomainError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Refused: HTTPStatus.FORBIDDEN,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    PaymentNeeded: HTTPStatus.PAYMENT_REQUIRED,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
}
RETRY_AFTER_SECONDS = b"1"


class OwedShape(Shape):
    """
    What is overdue, since when, and how to be served again: pay at `pay_url` if there is one, or add another card.
    """

    amount_cents: int
    currency: str
    since: datetime
    grace_ended_at: datetime
    pay_url: str | None
    add_card: str = "POST /api/v1/billing/payment-methods/setup"
    see_charges: str = "GET /api/v1/billing/charges"


class ErrorBody(Shape, omit_defaults=True):
    """
    What went wrong: a sentence, a stable code, and the id under which we find the request in our logs.

    `errors` lists sentences per field when the status is 422; `decline` has a bank's words when it said no; `owed` says
    what is overdue where that is why.
    """

    error: str
    code: str
    request_id: str
    errors: dict[str, list[str]] | None = None
    decline: dict[str, str] | None = None
    owed: OwedShape | None = None


class WireRefusal(Exception):
    """
    A request refused for its form, before any domain rule was asked.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        sentence: str,
        *,
        fields: dict[str, list[str]] | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.status = status
        self.code = code
        self.fields = fields
        self.headers = headers
        super().__init__(sentence)


def payments_not_configured() -> WireRefusal:
    """
    Return the 503 of an installation that has no key of its payment provider; waiting does not help.
    """
    return WireRefusal(
        HTTPStatus.SERVICE_UNAVAILABLE, "payments_unavailable", "Payments are not set up on this installation."
    )


def reply_to_error(error: Exception, request_id: str) -> Reply | None:
    """
    Return the answer to an expected error, or None when the error is a bug of ours.
    """
    retry: tuple[tuple[bytes, bytes], ...] = ()
    fields: dict[str, list[str]] | None = None
    if isinstance(error, WireRefusal):
        status, code, fields, retry = error.status, error.code, error.fields, error.headers
    elif isinstance(error, DomainError):
        status, code = _status_of(error), error.code
        fields = error.fields if isinstance(error, Invalid) else None
        if error.passes_by_itself:
            seconds = error.retry_after_seconds if isinstance(error, TooMany) else 1
            retry = ((b"retry-after", b"%d" % seconds),)
    elif isinstance(error, GatewayUnavailable | OutcomeUnknown):
        status, code = HTTPStatus.SERVICE_UNAVAILABLE, "payments_unavailable"
        retry = ((b"retry-after", RETRY_AFTER_SECONDS),)
        error = Exception("Our payment provider is briefly unavailable. Repeating the request is safe.")
    elif isinstance(error, Unavailable):
        status, code = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"
        retry = ((b"retry-after", RETRY_AFTER_SECONDS),)
        error = Exception("The service is briefly unavailable. Repeating the request is safe.")
    elif isinstance(error, RejectedByDatabase):
        status, code, fields = (
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "validation_failed",
            {"body": ["cannot be stored"]},
        )
        error = Exception("A value of the request cannot be stored.")
    else:
        return None
    body = ErrorBody(error=str(error), code=code, request_id=request_id, errors=fields)
    if isinstance(error, PaymentNeeded):
        body.decline, body.owed = error.decline, _owed(error.owed)
    return Reply(msgspec.json.encode(body), status=status, headers=retry)


def _owed(figures: dict[str, Any] | None) -> OwedShape | None:
    return None if figures is None else OwedShape(**figures)


def internal_error(request_id: str) -> Reply:
    """
    Return the answer to a bug of ours; what happened is in the log under the same id.
    """
    body = ErrorBody(error="Something went wrong on our side.", code="internal_error", request_id=request_id)
    return Reply(msgspec.json.encode(body), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def _status_of(error: DomainError) -> HTTPStatus:
    return next(status for kind, status in STATUS_OF_KIND.items() if isinstance(error, kind))

"""
Errors as Stripe answers them (docs.stripe.com/api/errors, docs.stripe.com/error-codes).
"""

from typing import Any

from stripe_twin.core.records import Record

CARD_ERROR_STATUS = 402


class StripeError(Exception):
    """
    A refusal with a status and the fields of Stripe's error object.

    What the refused call did until then is undone, unless *keeps_changes*: a decline leaves a failed charge behind.
    *should_retry* is told in a header of its own, when there is something to tell.
    """

    def __init__(
        self,
        status: int,
        *,
        type: str,  # noqa: A002 -- Stripe's word
        message: str,
        code: str | None = None,
        param: str | None = None,
        keeps_changes: bool = False,
        should_retry: bool | None = None,
        **more: Any,
    ) -> None:
        self.status = status
        self.keeps_changes = keeps_changes
        self.should_retry = should_retry
        self.fields: Record = {"type": type, "message": message, "code": code, "param": param, **more}
        super().__init__(message)

    def body(self, request_id: str) -> Record:
        """
        Return the answer's body.
        """
        fields = {name: value for name, value in self.fields.items() if value is not None}
        if "code" in fields:
            fields["doc_url"] = f"https://stripe.com/docs/error-codes/{fields['code'].replace('_', '-')}"
        fields["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": fields}


def invalid_request(
    message: str, *, code: str | None = None, param: str | None = None, status: int = 400, **more: Any
) -> StripeError:
    """
    Return the refusal of a call that cannot be done as asked.
    """
    return StripeError(status, type="invalid_request_error", message=message, code=code, param=param, **more)


def resource_missing(what: str, object_id: str, *, param: str = "id") -> StripeError:
    """
    Return the refusal of an id nobody has: 404 when it stood in the path, 400 when in a parameter.
    """
    return invalid_request(
        f"No such {what}: '{object_id}'", code="resource_missing", param=param, status=404 if param == "id" else 400
    )


def card_error(message: str, *, code: str, **more: Any) -> StripeError:
    """
    Return a decline: 402, and what the attempt changed stays.
    """
    return StripeError(CARD_ERROR_STATUS, type="card_error", message=message, code=code, keeps_changes=True, **more)


def not_done(what: str) -> StripeError:
    """
    Return the refusal of something that Stripe does and the twin does not: loud, so that nobody builds on it.
    """
    return StripeError(501, type="api_error", message=f"The twin does not do {what}: its README lists what it does.")

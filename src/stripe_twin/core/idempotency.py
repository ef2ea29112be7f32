"""
The first answer to a key, replayed for a day (docs.stripe.com/api/idempotent_requests).
"""

import hashlib

from stripe_twin.core.account import Account
from stripe_twin.core.errors import StripeError
from stripe_twin.core.records import Record

KEPT_SECONDS = 24 * 3600
KEY_LENGTH_MAX = 255
_KIND = "_idempotent_answer"


class IdempotencyKeys:
    """
    Answers by key. *is_on* can be switched off by a fault: every repeat is then executed again.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._in_flight: set[str] = set()
        self.is_on = True

    def replay(self, key: str, *, endpoint: str, parameters: bytes) -> Record | None:
        """
        Return what was answered to this key before: `status`, `body`, `request_id`; None when it is new.

        Raises:
            StripeError: the key was used with other parameters or at another endpoint, or is in use now.
        """
        if len(key) > KEY_LENGTH_MAX:
            raise _idempotency_error(400, f"Idempotency-Key must be at most {KEY_LENGTH_MAX} characters.")
        if not self.is_on:
            return None
        if key in self._in_flight:
            raise in_use(key)
        kept = self._account.store.find(_KIND, key)
        if kept is None or kept["at"] + KEPT_SECONDS <= self._account.now:
            return None
        if kept["endpoint"] != endpoint:
            raise _idempotency_error(
                400,
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{endpoint}' vs '{kept['endpoint']}'). Try using a key other than '{key}' if you meant to execute a "
                "different request.",
            )
        if kept["digest"] != _digest(parameters):
            raise _idempotency_error(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
                f"using a key other than '{key}' if you meant to execute a different request.",
            )
        return kept

    def begin(self, key: str) -> None:
        """
        Hold a key while its call is executed.
        """
        self._in_flight.add(key)

    def end(self, key: str) -> None:
        """
        Let go of a key.
        """
        self._in_flight.discard(key)

    def keep(self, key: str, *, endpoint: str, parameters: bytes, status: int, body: str, request_id: str) -> None:
        """
        Remember the answer, in the unit that made it.
        """
        if not self.is_on:
            return
        store = self._account.store
        if store.find(_KIND, key) is not None:
            store.remove(_KIND, key)
        store.add(
            _KIND,
            {
                "id": key,
                "endpoint": endpoint,
                "digest": _digest(parameters),
                "status": status,
                "body": body,
                "request_id": request_id,
                "at": self._account.now,
            },
        )


def in_use(key: str) -> StripeError:
    """
    Return the refusal of a key whose first call has not been answered yet.
    """
    return _idempotency_error(
        409,
        "There is currently another in-progress request using this Stripe-Idempotency-Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}.",
        code="idempotency_key_in_use",
    )


def _digest(parameters: bytes) -> str:
    return hashlib.sha256(parameters).hexdigest()


def _idempotency_error(status: int, message: str, *, code: str | None = None) -> StripeError:
    return StripeError(status, type="idempotency_error", message=message, code=code)

"""
What can go wrong between Stripe and us, in our words: four facts, and one honest "we do not know".

No message here quotes what Stripe said in prose, a card, an address or a secret: only our name of the call and
Stripe's machine words. What is chained behind it tells where it came from and is as silent.
"""

import re
from typing import ClassVar

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.values import Decline

_MACHINE_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")


class GatewayFailure(Exception):
    """
    Say which call failed and how; `request_id` is Stripe's, to be stored with the attempt.

    `passes_by_itself`: the same call with the same key is worth making again a little later.
    `status` and `code` are Stripe's, None where there was no readable answer.
    """

    fact: ClassVar[str]
    passes_by_itself: ClassVar[bool]

    def __init__(
        self, call: str, *, request_id: str | None = None, status: int | None = None, code: str | None = None
    ) -> None:
        self.call = call
        self.request_id = request_id
        self.status = status
        self.code = code
        said = " ".join(str(word) for word in (status, code and machine_word(code)) if word)
        super().__init__(f"stripe.{call}: {self.fact}{f' ({said})' if said else ''}")


class GatewayUnavailable(GatewayFailure):
    """
    Nothing was done by this call, and the same call may succeed later.

    No connection was made, our own queue for Stripe was too long (`no_turn`), Stripe was too busy (429), the object or
    the key was in use by another call (409), or a mere read got no usable answer. An earlier call with the same key may
    still have happened: repeat with that key, never with a new one. `retry_after_seconds` is how long to wait at least,
    where that is known.
    """

    fact = "not available, and nothing was done"
    passes_by_itself = True

    def __init__(
        self,
        call: str,
        *,
        request_id: str | None = None,
        status: int | None = None,
        code: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(call, request_id=request_id, status=status, code=code)


class OutcomeUnknown(GatewayFailure):
    """
    The call may have happened: read the object by its id, or repeat with the *same* key within a day.

    A timeout or a reset after sending, an answer cut short or not understood, or any 5xx.
    """

    fact = "the outcome is unknown"
    passes_by_itself = True


class PaymentDeclined(GatewayFailure):
    """
    The customer's bank, or Stripe for it, said no to this attempt; no money moved.
    """

    fact = "the payment was declined"
    passes_by_itself = False

    def __init__(
        self,
        call: str,
        *,
        decline: Decline,
        payment_id: str | None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        self.decline = decline
        self.payment_id = payment_id
        super().__init__(call, request_id=request_id, status=status, code=decline.code)

    @property
    def is_hard(self) -> bool:
        """
        Say whether trying this card again is pointless, or forbidden by its network.
        """
        return self.decline.is_hard


class NeedsAction(GatewayFailure):
    """
    The bank wants to hear it from the customer: bring them back to authenticate. No money moved; no decline.
    """

    fact = "the customer has to authenticate"
    passes_by_itself = False

    def __init__(
        self,
        call: str,
        *,
        payment_id: str | None,
        client_secret: Secret | None,
        code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        self.payment_id = payment_id
        self.client_secret = client_secret
        super().__init__(call, request_id=request_id, status=status, code=code)


class GatewayMisused(GatewayFailure):
    """
    We are wrong: a parameter, a key, a right, an id, or the state of the object. Repeating does not help.

    `param` names the parameter where Stripe did; `payment_id` the payment that was in an unexpected state.
    """

    fact = "refused as a mistake of ours"
    passes_by_itself = False

    def __init__(
        self,
        call: str,
        *,
        param: str | None = None,
        payment_id: str | None = None,
        code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        self.param = param
        self.payment_id = payment_id
        super().__init__(call, request_id=request_id, status=status, code=code)

    @property
    def is_missing(self) -> bool:
        """
        Say whether Stripe knows no object of that id (in this mode, for this key).
        """
        return self.code == "resource_missing"


class DeliveryRefused(Exception):
    """
    A delivery is not from Stripe, not fresh, or no event. `reason` is a word of ours, never the content.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def machine_word(text: str) -> str:
    """
    Let Stripe's code through into a message, and nothing that is not one.
    """
    return text if _MACHINE_WORD.fullmatch(text) else "unreadable"

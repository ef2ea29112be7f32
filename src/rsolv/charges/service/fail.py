"""
What an answer means that brought no payment: the table at the end of "the flow".
"""

from datetime import datetime

from rsolv.charges.queries import attempts
from rsolv.charges.rules import (
    KEY_REUSED,
    REFUSED_BY_STRIPE,
    UNRESOLVED,
    UNRESOLVED_ALERT_AFTER,
    Attempt,
    AttemptKind,
    Held,
    Intent,
    Outcome,
    pause,
)
from rsolv.charges.service.decline import decline_charge
from rsolv.charges.service.rest import go_on, hold, rest
from rsolv.charges.service.settle import wait_for_outcome
from rsolv.charges.service.sweep import promise_sweep
from rsolv.db import Connection
from rsolv.stripe_gateway import (
    Decline,
    GatewayFailure,
    GatewayMisused,
    GatewayUnavailable,
    NeedsAction,
    PaymentDeclined,
)

_SERVER_ERRORS = 500
_KEY_WITHOUT_RIGHTS = frozenset({401, 403})  # of the installation, not of the charge: waits until that is put right
_KEY_MISUSED = "idempotency_error"
_WRONG_STATE = "payment_intent_unexpected_state"


async def take_failure(
    connection: Connection, claimed: Intent, failure: GatewayFailure, *, kind: AttemptKind, now: datetime
) -> None:
    """
    Let a charge rest, or move it on, as a failed call to create or confirm its payment demands.

    A decline is definite, and so is a bank that wants the customer. Where nothing was done, or nobody knows, the charge
    comes back to look and to repeat the very same attempt. What Stripe calls a mistake of ours is parked, except a
    payment in a state we did not expect: that one is read, and believed.

    Raises:
        FenceLost: the charge has been claimed by another since.
    """
    intent = await hold(connection, claimed)
    attempt = await attempts.find_attempt(connection, customer_id=intent.customer_id, charge_id=intent.id, kind=kind)
    assert attempt is not None, "written down before the call"
    decline = _decline_in(failure)
    if decline is not None:
        await decline_charge(
            connection, intent, decline, attempt=attempt, stripe_request_id=failure.request_id, now=now
        )
        return
    await attempts.answer_attempt(
        connection,
        attempt,
        customer_id=intent.customer_id,
        outcome=_outcome(failure),
        stripe_request_id=failure.request_id,
        is_server_error=(failure.status or 0) >= _SERVER_ERRORS,
        now=now,
    )
    if kind == "create":
        await promise_sweep(connection, customer_id=intent.customer_id, charge_id=intent.id)
    if intent.state == "confirming":
        # Even where nothing was done: an earlier call with this key may still be under way.
        intent = await go_on(connection, intent, state="unknown", lease=None, now=now)
    if isinstance(failure, GatewayMisused) and failure.code == _WRONG_STATE and kind == "confirm":
        await rest(connection, intent, Held("", now), now=now)
    elif isinstance(failure, GatewayMisused) and failure.status not in _KEY_WITHOUT_RIGHTS:
        reason = KEY_REUSED if failure.code == _KEY_MISUSED else REFUSED_BY_STRIPE
        await rest(connection, intent, Held(reason, now if intent.ending is not None else None), now=now)
    elif kind == "confirm":
        await wait_for_outcome(connection, intent, now=now)
    else:
        await _come_again(connection, intent, attempt, now=now)


async def take_silence(connection: Connection, claimed: Intent, failure: GatewayFailure, *, now: datetime) -> None:
    """
    Come again later to a charge whose payment could not even be read; park one that Stripe does not know.

    Raises:
        FenceLost: the charge has been claimed by another since.
    """
    intent = await hold(connection, claimed)
    if isinstance(failure, GatewayMisused) and failure.is_missing:
        await rest(connection, intent, Held(REFUSED_BY_STRIPE), now=now)
    elif intent.state == "unknown":
        await wait_for_outcome(connection, intent, now=now)
    else:
        wake_at = now + pause(began_at=intent.moved_at, now=now, charge_id=intent.id)
        await rest(connection, intent, Held(intent.parked_reason or "", wake_at), now=now)


async def _come_again(connection: Connection, intent: Intent, attempt: Attempt, *, now: datetime) -> None:
    wake_at = now + pause(began_at=attempt.sent_at, now=now, charge_id=intent.id)
    reason = UNRESOLVED if now >= intent.moved_at + UNRESOLVED_ALERT_AFTER else ""
    await rest(connection, intent, Held(reason, wake_at), now=now)


def _decline_in(failure: GatewayFailure) -> Decline | None:
    if isinstance(failure, PaymentDeclined):
        return failure.decline
    if isinstance(failure, NeedsAction):
        return Decline(code="authentication_required", decline_code=failure.code, advice_code=None)
    return None


def _outcome(failure: GatewayFailure) -> Outcome:
    if isinstance(failure, GatewayUnavailable):
        return "not_executed"
    return "refused" if isinstance(failure, GatewayMisused) else "unknown"

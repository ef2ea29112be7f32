"""
Make calls: never inside a transaction, only for so long, each with one line in the log.

Nothing here tries again. Attempts are rows of ours, written down before the call and repeated with their key by a
job; a second try hidden down here would only blur what the first one may have done (a timeout followed by a 429
looks like "not charged", and is not).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

import msgspec
import structlog

from rsolv.kernel.outside import require_no_transaction
from rsolv.stripe_gateway.errors import GatewayFailure, GatewayMisused, OutcomeUnknown
from rsolv.stripe_gateway.failures import Call, lost
from rsolv.stripe_gateway.wire import Body

Value = TypeVar("Value")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reply:
    """
    Stripe's answer to a call that succeeded.
    """

    body: Body
    status: int
    request_id: str


class Calls:
    """
    The one way out to Stripe of this process.
    """

    def __init__(self, *, total_seconds: float) -> None:
        self._total_seconds = total_seconds

    async def make(self, call: Call, ask: Callable[[], Awaitable[Reply]], read: Callable[[Body, str], Value]) -> Value:
        """
        Make the call, and read the answer.

        The time limit covers the wait for its turn, the connection and the answer together.

        Raises:
            GatewayFailure: what went wrong, as `failures` decides.
            CalledOutInsideTransaction: the running task has an open transaction.
        """
        require_no_transaction(f"stripe.{call.name}")
        started = monotonic()
        try:
            reply = await self._in_time(call, ask)
            value = _understood(call, reply, read)
        except GatewayFailure as failure:
            _tell(call, started, outcome=type(failure).__name__, of=failure)
            raise
        except BaseException:
            _tell(call, started, outcome="interrupted", of=None)
            raise
        _tell(call, started, outcome="ok", of=reply)
        return value

    async def _in_time(self, call: Call, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            async with asyncio.timeout(self._total_seconds):
                return await ask()
        except TimeoutError as error:
            raise lost(call) from error  # a turn is not waited for that long: it was sent


def _understood(call: Call, reply: Reply, read: Callable[[Body, str], Value]) -> Value:
    """
    Read what is there; of a write we then know that it happened, and not what.
    """
    try:
        return read(reply.body, reply.request_id)
    except (msgspec.ValidationError, ValueError) as error:
        kind = GatewayMisused if call.is_read else OutcomeUnknown
        code = "answer_not_understood"
        raise kind(call.name, code=code, status=reply.status, request_id=reply.request_id) from error


def _tell(call: Call, started: float, *, outcome: str, of: Reply | GatewayFailure | None) -> None:
    log = _log.info if outcome == "ok" else _log.warning
    log(
        "stripe_called",
        call=call.name,
        outcome=outcome,
        status=of.status if of else None,
        code=of.code if isinstance(of, GatewayFailure) else None,
        duration_ms=round((monotonic() - started) * 1000),
        stripe_request_id=of.request_id if of else None,
        idempotency_key=call.key,
    )

"""
How a call of the API is answered: key, route, parameters, idempotency, execution in one unit, shape, log.
"""

import asyncio
import logging
import random
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from stripe_twin.contract import Operation, RequestRefused
from stripe_twin.core.account import API_VERSION, Account, Call
from stripe_twin.core.errors import StripeError, invalid_request, not_done
from stripe_twin.core.exchange import Request, Response, Trouble, api_key
from stripe_twin.core.expand import Expansion, Includables, not_expandable
from stripe_twin.core.faults import Fault, Faults
from stripe_twin.core.idempotency import IdempotencyKeys, in_use
from stripe_twin.core.log import RequestLog
from stripe_twin.core.records import encoded
from stripe_twin.core.routes import Answerer, Routes

log = logging.getLogger(__name__)

_TEST_KEY = re.compile(r"(sk|rk)_test_[0-9A-Za-z_]{4,200}")
_TROUBLES: dict[str, Trouble] = {
    "refused": "refused",
    "timeout_before": "silence",
    "timeout_after": "silence",
    "cut_body": "cut",
}
_SHOULD_RETRY = {"rate_limited_retry": True, "rate_limited_stop": False}


@dataclass(frozen=True)
class _Outcome:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class _Execution:
    call: Call
    operation: Operation
    answerer: Answerer
    fault: Fault | None
    parameters: bytes

    @property
    def key(self) -> str | None:
        """
        The key under which the answer is kept; only a POST has one.
        """
        return self.call.idempotency_key if self.operation.method == "POST" else None

    @property
    def endpoint(self) -> str:
        """
        What a key belongs to: the address with the ids in it.
        """
        ids = "/".join(self.call.ids.values())
        return f"{self.operation.method} {self.operation.template} {ids}".rstrip()


class Api:
    """
    The door of `/v1`. Every call is checked against Stripe's own contract, and so is every answer.
    """

    def __init__(
        self, account: Account, *, routes: Routes, includables: Includables, faults: Faults, log: RequestLog, boot: str
    ) -> None:
        self._account = account
        self._routes = routes
        self._expansion = Expansion(account, includables)
        self._faults = faults
        self._log = log
        self._names = random.Random(f"request ids of {boot}")
        self.keys = IdempotencyKeys(account)
        self.mistakes: list[Exception] = []

    async def respond(self, request: Request) -> Response:
        """
        Answer one call; a planned fault may spoil it before, during or after.
        """
        heard_at = self._log.heard_at()
        request_id = "req_" + "".join(self._names.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", k=14))
        operation = self._account.contract.find(request.method, request.path)
        fault = self._faults.strike(request.method, operation.template if operation else request.path)
        if fault is not None and fault.kind in ("refused", "timeout_before"):
            return Response(0, trouble=_TROUBLES[fault.kind])
        try:
            outcome = await self._attempt(request, operation, fault, request_id)
        except Exception as mistake:
            # Ours, not the caller's: said loudly here, since a client might take a 500 for Stripe's bad day.
            self.mistakes.append(mistake)
            log.exception("The twin's own mistake in %s %s", request.method, request.path)
            outcome = _Outcome(500, encoded({"error": {"type": "api_error", "message": f"twin: {mistake!r}"}}), {})
        self._log.call(request, outcome.status, outcome.body, heard_at=heard_at)
        key = request.headers.get("idempotency-key")
        headers = {
            "content-type": "application/json",
            "request-id": request_id,
            "stripe-version": API_VERSION,
            **({"idempotency-key": key} if key else {}),
            **outcome.headers,
        }
        return Response(outcome.status, outcome.body, headers, _TROUBLES.get(fault.kind) if fault else None)

    async def _attempt(
        self, request: Request, operation: Operation | None, fault: Fault | None, request_id: str
    ) -> _Outcome:
        try:
            if fault is not None and (refusal := _refusal(fault)):
                raise refusal
            _require_test_key(request)
            _require_version(request)
            answerer = self._answerer(request, operation)
            assert operation is not None, "an answerer has an operation"
            pairs = _pairs(request)
            call = Call(
                params=operation.decode(pairs),
                ids=operation.path_parameters,
                request_id=request_id,
                idempotency_key=request.headers.get("idempotency-key"),
                base_url=request.base_url,
            )
            return await self._once(_Execution(call, operation, answerer, fault, encoded(sorted(pairs))))
        except RequestRefused as refused:
            return _failed(invalid_request(refused.message, code=refused.code, param=refused.param), request_id)
        except StripeError as error:
            return _failed(error, request_id)

    async def _once(self, execution: _Execution) -> _Outcome:
        """
        Execute a call, unless its key has been answered before.
        """
        key = execution.key
        if key is None:
            return await self._executed(execution)
        kept = self.keys.replay(key, endpoint=execution.endpoint, parameters=execution.parameters)
        if kept is not None:
            told = {"idempotent-replayed": "true", "original-request": kept["request_id"]}
            return _Outcome(kept["status"], kept["body"].encode(), told)
        self.keys.begin(key)
        try:
            return await self._executed(execution)
        finally:
            self.keys.end(key)

    async def _executed(self, execution: _Execution) -> _Outcome:
        """
        Run the answerer in one unit together with the keeping of its answer.
        """
        await self._pause(execution.fault)
        store, call = self._account.store, execution.call
        try:
            if execution.fault is not None and execution.fault.kind == "error_stored":
                raise _server_error()
            with store.unit():
                self._account.begin(call)
                try:
                    outcome = _Outcome(200, self._shown(execution), {})
                except StripeError as error:
                    if not error.keeps_changes:
                        raise
                    outcome = _failed(error, call.request_id or "")
                self._keep(execution, outcome)
        except StripeError as error:
            outcome = _failed(error, call.request_id or "")
            with store.unit():
                self._keep(execution, outcome)
            return outcome
        self._account.run_afterwards()
        return outcome

    def _keep(self, execution: _Execution, outcome: _Outcome) -> None:
        if execution.key is not None:
            self.keys.keep(
                execution.key,
                endpoint=execution.endpoint,
                parameters=execution.parameters,
                status=outcome.status,
                body=outcome.body.decode(),
                request_id=execution.call.request_id or "",
            )

    def _shown(self, execution: _Execution) -> bytes:
        """
        Answer, insist on Stripe's shape, and expand what was asked for where that shape has room for it.
        """
        operation = execution.operation
        answer = execution.answerer(self._account, execution.call)
        self._account.require_shape(operation.answer_problems(answer), f"{operation.method} {operation.template}")
        paths = execution.call.params.get("expand", [])
        if paths:
            answer = self._expansion.of(answer, paths)
            for problem in operation.answer_problems(answer):
                raise not_expandable(problem.path)
        return encoded(answer)

    def _answerer(self, request: Request, operation: Operation | None) -> Answerer:
        if operation is None:
            raise invalid_request(
                f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or "
                "we can help at https://support.stripe.com/.",
                status=404,
            )
        answerer = self._routes.table.get((operation.method, operation.template))
        if answerer is None:
            raise not_done(f"{operation.method} {operation.template}")
        return answerer

    async def _pause(self, fault: Fault | None) -> None:
        seconds = self._faults.latency_seconds
        if fault is not None and fault.kind == "slow":
            seconds += fault.seconds
        if seconds > 0:
            await asyncio.sleep(seconds)


def _refusal(fault: Fault) -> StripeError | None:
    """
    Return the error by which a fault keeps a call from being executed, so that nothing is stored under its key.
    """
    match fault.kind:
        case "rate_limited" | "rate_limited_retry" | "rate_limited_stop":
            return invalid_request(
                "Request rate limit exceeded. You can learn more about rate limits here "
                "https://stripe.com/docs/rate-limits.",
                code="rate_limit",
                status=429,
                should_retry=_SHOULD_RETRY.get(fault.kind),
            )
        case "locked":  # docs.stripe.com/rate-limits, "Object lock timeouts"
            return invalid_request(
                "This object cannot be accessed right now because another API request or Stripe process is currently "
                "accessing it. If you see this error intermittently, retry the request.",
                code="lock_timeout",
                status=429,
            )
        case "conflict":
            return in_use("a key of the twin's")
        case "error_not_stored":
            return _server_error()
        case _:
            return None


def _server_error() -> StripeError:
    return StripeError(500, type="api_error", message="An unknown error occurred")


def _failed(error: StripeError, request_id: str) -> _Outcome:
    headers = {} if error.should_retry is None else {"stripe-should-retry": str(error.should_retry).lower()}
    return _Outcome(error.status, encoded(error.body(request_id)), headers)


def _require_test_key(request: Request) -> None:
    """
    Insist on a test key, as a bearer's or as the user of basic authentication (docs.stripe.com/api/authentication).
    """
    key = api_key(request)
    if not key:
        raise invalid_request(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not _TEST_KEY.fullmatch(key):
        raise invalid_request(f"Invalid API Key provided: {key[:8]}****", status=401)


def _require_version(request: Request) -> None:
    version = request.headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise invalid_request(f"Invalid Stripe API version: {version}. This twin speaks {API_VERSION}.")


def _pairs(request: Request) -> list[tuple[str, str]]:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    if request.method == "POST" and request.body:
        form = request.headers.get("content-type", "").partition(";")[0] == "application/x-www-form-urlencoded"
        if not form:
            raise invalid_request("Invalid request: the body must be application/x-www-form-urlencoded.")
        try:
            pairs += parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise invalid_request("Invalid request: the body is no form.") from None
    return pairs

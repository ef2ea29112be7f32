"""
How every verb asks: through the library, carried by our own HTTP client, answered in plain data or in our failures.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import NotRequired, TypedDict, TypeVar

import httpx
import stripe

from rsolv.stripe_gateway.calls import Calls, Reply
from rsolv.stripe_gateway.errors import GatewayMisused, GatewayUnavailable
from rsolv.stripe_gateway.failures import Answer, Call, failure, unreachable
from rsolv.stripe_gateway.http import GatewayOptions, body_of, is_of_object
from rsolv.stripe_gateway.limiter import Limiter, NoTurn, endpoint_of
from rsolv.stripe_gateway.port import API_VERSION
from rsolv.stripe_gateway.translation import page
from rsolv.stripe_gateway.wire import Body

Value = TypeVar("Value")
Read = Callable[[Body, str], Value]

NOTHING = b"{}"
_PAGE = 100
_KEY_CHARACTERS_MAX = 255


class NoAnswer(Exception):
    """
    Nothing came that the library should see. The response, if there was one, is not Stripe's, or not whole.
    """

    def __init__(self, response: httpx.Response | None = None) -> None:
        self.answer = Answer(
            status=response.status_code if response is not None else None,
            request_id=response.headers.get("request-id") if response is not None else None,
            error=None,
        )
        super().__init__()


class Refused(Exception):
    """
    Stand in the chain for the library's exception, by its name: its words may quote people, its body secrets.
    """


class Carried(httpx.Headers):
    """
    The headers of an answer, and past the library its body.

    Of a success the library would make objects that we turn back into plain data: an eighth of a call, by the profiler.
    """

    def __init__(self, headers: httpx.Headers, body: Body) -> None:
        super().__init__(headers)
        self.body = body


class Carrier(stripe.HTTPClient):
    """
    What the library sends by.
    """

    name = "httpx"

    def __init__(self, http: httpx.AsyncClient, options: GatewayOptions) -> None:
        super().__init__()
        self._http = http
        self._limiter = Limiter(options.limits)
        self._patience_seconds = options.patience_seconds

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """
        Send one request, once, when it is its turn.

        Raises:
            NoTurn: it was not sent, since too many wait already.
            NoAnswer: what came back is no answer of Stripe's; the library would quote it in its message.
        """
        endpoint = endpoint_of(method, url)
        async with self._limiter.turn(endpoint, patience_seconds=self._patience_seconds):
            try:
                answer = await self._http.request(method, url, headers=headers, content=post_data)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                raise NoAnswer from error
        self._limiter.learn(endpoint, answer.status_code, answer.headers, is_of_object=is_of_object(answer))
        body = body_of(answer)
        if body is None:
            raise NoAnswer(answer)
        content = NOTHING if answer.is_success else answer.content
        return content, answer.status_code, Carried(answer.headers, body)


class Part(TypedDict):
    """
    Which part of a list to ask for.
    """

    limit: int
    starting_after: NotRequired[str]


class Asking:
    """
    What the verbs are made of.
    """

    def __init__(self, options: GatewayOptions, http: httpx.AsyncClient) -> None:
        self._calls = Calls(total_seconds=options.total_seconds)
        self.v1 = stripe.StripeClient(
            options.api_key.reveal(),
            stripe_version=API_VERSION,
            base_addresses={"api": options.base_url.rstrip("/")} if options.base_url else None,
            http_client=Carrier(http, options),
            max_network_retries=0,  # calls.py says why
        ).v1

    async def read(self, name: str, ask: Callable[[], Awaitable[stripe.StripeObject]], read: Read[Value]) -> Value:
        """
        Ask for what changes nothing there.
        """
        call = Call(name)
        return await self._calls.make(call, lambda: _answered(call, ask()), read)

    async def write(
        self, call: Call, ask: Callable[[stripe.RequestOptions], Awaitable[stripe.StripeObject]], read: Read[Value]
    ) -> Value:
        """
        Ask for what does, with the key of the attempt.
        """
        once: stripe.RequestOptions = {"idempotency_key": call.key}
        return await self._calls.make(call, lambda: _answered(call, ask(once)), read)

    async def pages(
        self, name: str, ask: Callable[[Part], Awaitable[stripe.StripeObject]], read: Read[Value]
    ) -> AsyncIterator[Value]:
        """
        Go through a list, one call for each hundred.
        """
        part: Part = {"limit": _PAGE}
        while True:
            here = await self.read(name, partial(ask, part), page(read))
            for item in here.items:
                yield item
            if here.last_id is None:
                return
            part = {"limit": _PAGE, "starting_after": here.last_id}


def attempt(name: str, key: str) -> Call:
    """
    Name a call that changes something, and the attempt that it is.
    """
    # Without a key the library would invent one for each call.
    assert 0 < len(key) <= _KEY_CHARACTERS_MAX
    assert key.isascii()
    return Call(name, key=key, is_read=False)


async def unless_done(
    write: Awaitable[Value], read: Callable[[], Awaitable[Value]], *, is_done: Callable[[Value], bool]
) -> Value:
    """
    Take a refusal for success when the truth, read afterwards, is what was asked for: an answer had been lost.
    """
    try:
        return await write
    except GatewayMisused:
        truth = await read()
        if not is_done(truth):
            raise
        return truth


def seconds(moment: datetime) -> int:
    """
    Write a moment as Stripe does, rounded down: so that a list since then misses nothing.
    """
    return int(moment.timestamp())


async def _answered(call: Call, asking: Awaitable[stripe.StripeObject]) -> Reply:
    try:
        found = await asking
    except NoTurn as error:
        wait_seconds = error.retry_after_seconds
        raise GatewayUnavailable(call.name, code="no_turn", retry_after_seconds=wait_seconds) from error
    except NoAnswer as error:
        raise unreachable(call, error, error.answer) from error
    except stripe.StripeError as error:
        details = error.json_body.get("error") if isinstance(error.json_body, dict) else None
        answer = Answer(status=error.http_status, request_id=error.request_id, error=details)
        refused, said = failure(call, answer), Refused(type(error).__name__)
    else:
        response = found.last_response
        assert response is not None, "the library keeps what the carrier brought"
        assert isinstance(response.headers, Carried)
        return Reply(response.headers.body, response.code, response.request_id or "")
    raise refused from said  # out here, so that the library's exception is not its context

"""
A failed call says honestly whether it may have happened.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import stripe as sdk

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import (
    GatewayFailure,
    GatewayMisused,
    GatewayUnavailable,
    NeedsAction,
    OutcomeUnknown,
    PaymentDeclined,
    StripeGateway,
)
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.stripe_gateway.client.asking import Carrier
from stripe_gateway import objects
from stripe_gateway.conftest import KEY
from stripe_gateway.stand_in import REQUEST_ID, Failing, StandIn

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"


async def confirm(gateway: StripeGateway) -> object:
    return await gateway.confirm_payment("pi_1", payment_method_id="pm_1", key="ci:11:confirm:1")


async def read(gateway: StripeGateway) -> object:
    return await gateway.read_payment("pi_1")


async def failure_of(call: Awaitable[object]) -> GatewayFailure:
    with pytest.raises(GatewayFailure) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "of_a_write", "of_a_read"),
    [
        pytest.param(400, objects.error(), GatewayMisused, GatewayMisused, id="400"),
        pytest.param(401, objects.error(), GatewayMisused, GatewayMisused, id="401"),
        pytest.param(403, objects.error(), GatewayMisused, GatewayMisused, id="403"),
        pytest.param(404, objects.error(), GatewayMisused, GatewayMisused, id="404"),
        pytest.param(402, objects.declined(), PaymentDeclined, PaymentDeclined, id="402"),
        pytest.param(409, objects.error(), GatewayUnavailable, GatewayUnavailable, id="409"),
        pytest.param(429, objects.error(), GatewayUnavailable, GatewayUnavailable, id="429"),
        pytest.param(
            400, objects.error(code="rate_limit"), GatewayUnavailable, GatewayUnavailable, id="a limit of old"
        ),
        pytest.param(500, objects.error(type="api_error"), OutcomeUnknown, GatewayUnavailable, id="500"),
        pytest.param(503, objects.error(type="api_error"), OutcomeUnknown, GatewayUnavailable, id="503"),
        pytest.param(502, "<html>", OutcomeUnknown, GatewayUnavailable, id="a proxy's page"),
        pytest.param(404, "<html>", OutcomeUnknown, GatewayUnavailable, id="not from Stripe"),
        pytest.param(429, "slow down", OutcomeUnknown, GatewayUnavailable, id="429 of somebody else"),
        pytest.param(400, {"message": "no"}, OutcomeUnknown, GatewayUnavailable, id="an error without its hash"),
        pytest.param(400, {"error": "no"}, OutcomeUnknown, GatewayUnavailable, id="an error of another kind"),
        pytest.param(400, {"error": {"code": 7}}, OutcomeUnknown, GatewayUnavailable, id="an error of other types"),
        pytest.param(200, '{"id": "pi_', OutcomeUnknown, GatewayUnavailable, id="cut short"),
        pytest.param(200, "", OutcomeUnknown, GatewayUnavailable, id="nothing"),
        pytest.param(200, "[]", OutcomeUnknown, GatewayUnavailable, id="a list"),
        pytest.param(200, "[" * 100_000, OutcomeUnknown, GatewayUnavailable, id="very deep"),
        pytest.param(302, "", OutcomeUnknown, GatewayUnavailable, id="sent elsewhere"),
        pytest.param(200, {"id": "pi_1"}, OutcomeUnknown, GatewayMisused, id="not as documented"),
    ],
)
async def test_each_answer_has_one_meaning(
    stripe: StandIn, gateway: StripeGateway, status: int, body: object, of_a_write: type, of_a_read: type
) -> None:
    """
    Only a typed refusal by Stripe says that a write did not happen; a read has nothing to have happened.
    """
    stripe.answer(body, status=status)

    assert type(await failure_of(confirm(gateway))) is of_a_write
    assert type(await failure_of(read(gateway))) is of_a_read


@pytest.mark.parametrize(
    ("error", "of_a_write"),
    [
        (httpx.ConnectError("x"), GatewayUnavailable),
        (httpx.ConnectTimeout("x"), GatewayUnavailable),
        (httpx.PoolTimeout("x"), GatewayUnavailable),
        (httpx.ReadTimeout("x"), OutcomeUnknown),
        (httpx.WriteTimeout("x"), OutcomeUnknown),
        (httpx.ReadError("x"), OutcomeUnknown),
        (httpx.WriteError("x"), OutcomeUnknown),
        (httpx.CloseError("x"), OutcomeUnknown),
        (httpx.RemoteProtocolError("x"), OutcomeUnknown),
        (httpx.DecodingError("x"), OutcomeUnknown),
        (OSError("x"), OutcomeUnknown),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_broken_connection_is_unknown_unless_it_never_was(error: Exception, of_a_write: type) -> None:
    """
    Where no connection was made, nothing was sent; in every other case something may have been.
    """
    async with open_gateway(GatewayOptions(api_key=KEY), Failing(error)) as gateway:
        assert type(await failure_of(confirm(gateway))) is of_a_write
        assert type(await failure_of(read(gateway))) is GatewayUnavailable


async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER + b'{"id": "pi_1", ')


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def never_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(ANSWER)
    await reader.read()


@asynccontextmanager
async def over_loopback(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[StripeGateway]:
    """
    Open a gateway to a server that misbehaves, and wait until the last connection is gone.
    """
    served: set[asyncio.Task[None] | None] = set()

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        await serve(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = GatewayOptions(api_key=KEY, base_url=f"http://127.0.0.1:{port}", total_seconds=0.3)
    async with open_gateway(options) as gateway:
        yield gateway
    server.close()
    await asyncio.gather(*(task for task in served if task), return_exceptions=True)


@pytest.mark.parametrize("serve", [refuse, hang_up, cut_short, say_nothing, never_end])
async def test_a_lost_answer_is_unknown_over_a_real_connection(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    """
    Reset, cut, silent, or for ever on its way.
    """
    async with over_loopback(serve) as gateway:
        assert type(await failure_of(confirm(gateway))) is OutcomeUnknown
        assert type(await failure_of(read(gateway))) is GatewayUnavailable


async def test_where_nobody_listens_nothing_was_done() -> None:
    """
    A refused connection is an outage and no doubt.
    """
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    async with open_gateway(GatewayOptions(api_key=KEY, base_url=f"http://127.0.0.1:{port}")) as gateway:
        assert type(await failure_of(confirm(gateway))) is GatewayUnavailable


async def test_a_lost_answer_is_not_asked_for_again_behind_our_back(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    Not even when Stripe says that one should: the second answer would hide what the first call may have done.
    """
    stripe.answer(objects.error(), status=500, **{"stripe-should-retry": "true"})

    assert type(await failure_of(confirm(gateway))) is OutcomeUnknown
    assert len(stripe.asked) == 1


class Impatient(Carrier):
    """
    A carrier that lets the library try again at once.
    """

    async def sleep_async(self, _seconds: float) -> None:
        """
        Lose no time.
        """


async def test_the_planted_bug_of_trying_again_hides_the_doubt(stripe: StandIn) -> None:
    """
    A library that repeats the lost first call, and is told that Stripe is busy, reports only that: "not charged".
    """
    stripe.answer(objects.error(), objects.error())
    stripe.answers[0].status, stripe.answers[1].status = 500, 429

    async with httpx.AsyncClient(transport=httpx.ASGITransport(stripe)) as http:
        client = sdk.StripeClient(
            KEY.reveal(), http_client=Impatient(http, GatewayOptions(api_key=KEY)), max_network_retries=1
        )
        with pytest.raises(sdk.RateLimitError):
            await client.v1.payment_intents.confirm_async("pi_1")

    assert len(stripe.asked) == 2


async def test_a_decline_says_why_and_of_which_payment(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    Three codes, the payment, and whether the card is worth another attempt.
    """
    stripe.answer(objects.declined(decline_code="stolen_card", advice_code="do_not_try_again"), status=402)

    failure = await failure_of(confirm(gateway))

    assert isinstance(failure, PaymentDeclined)
    assert (failure.decline.code, failure.decline.decline_code) == ("card_declined", "stolen_card")
    assert (failure.decline.advice_code, failure.is_hard, failure.payment_id) == ("do_not_try_again", True, "pi_1")
    assert not failure.passes_by_itself


@pytest.mark.parametrize(
    "code",
    [
        "authentication_required",
        "subscription_payment_intent_requires_action",
        "invoice_payment_intent_requires_action",
    ],
)
async def test_a_bank_that_wants_the_customer_is_no_decline(stripe: StandIn, gateway: StripeGateway, code: str) -> None:
    """
    The payment and its secret are handed on, so that the customer can be brought back.
    """
    stripe.answer(objects.declined(code=code, decline_code=None), status=402)

    failure = await failure_of(confirm(gateway))

    assert isinstance(failure, NeedsAction)
    assert (failure.payment_id, failure.client_secret) == ("pi_1", Secret(objects.PAYMENT_SECRET))


async def test_a_mistake_names_its_parameter(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    And says when it is only that there is nothing of that id.
    """
    stripe.answer(objects.error(code="resource_missing", param="payment_method"), status=404)

    failure = await failure_of(confirm(gateway))

    assert isinstance(failure, GatewayMisused)
    assert (failure.code, failure.param, failure.is_missing) == ("resource_missing", "payment_method", True)


async def test_a_key_used_with_other_parameters_is_a_mistake(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    Never a reason for a new key.
    """
    stripe.answer(objects.error(type="idempotency_error"), status=400)

    failure = await failure_of(confirm(gateway))

    assert (type(failure), failure.code) == (GatewayMisused, "idempotency_error")


async def test_confirming_what_is_paid_already_names_the_payment(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    So that the caller reads it and settles.
    """
    paid = objects.payment(status="succeeded")
    stripe.answer(objects.error(code="payment_intent_unexpected_state", payment_intent=paid), status=400)

    failure = await failure_of(confirm(gateway))

    assert isinstance(failure, GatewayMisused)
    assert (failure.code, failure.payment_id) == ("payment_intent_unexpected_state", "pi_1")


@pytest.mark.parametrize(
    ("failure", "passes"),
    [
        (GatewayUnavailable, True),
        (OutcomeUnknown, True),
        (PaymentDeclined, False),
        (NeedsAction, False),
        (GatewayMisused, False),
    ],
)
def test_jobs_can_ask_whether_to_call_again(failure: type[GatewayFailure], *, passes: bool) -> None:
    """
    With the same key.
    """
    assert failure.passes_by_itself is passes


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, objects.error(code="parameter_invalid", param="card[number]", payment_intent=objects.payment())),
        (402, objects.declined()),
        (402, objects.declined(code="authentication_required")),
        (400, objects.error(code="No such customer: ada@example.com 4242")),
        (500, objects.error(payment_intent=objects.payment())),
        (200, '{"client_secret": "pi_1_secret_ofthecustomer", "last4": "4242'),
        (200, {**objects.payment(), "amount": "4242"}),
    ],
)
async def test_a_failure_shows_no_card_and_no_secret(
    stripe: StandIn, gateway: StripeGateway, status: int, body: object
) -> None:
    """
    Neither in its text nor in anything that it is chained to; nothing of the library's leaves with it.
    """
    stripe.answer(body, status=status)

    failure = await failure_of(confirm(gateway))
    shown = "".join(traceback.format_exception(failure)) + repr(failure)
    chain = list(chained(failure))

    assert [secret for secret in ("4242", "ada@", objects.PAYMENT_SECRET, KEY.reveal()) if secret in shown] == []
    assert [each for each in chain if isinstance(each, sdk.StripeError)] == []
    assert failure.__cause__ is not None
    assert (failure.request_id, failure.call) == (REQUEST_ID, "confirm_payment")


def chained(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

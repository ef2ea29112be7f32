"""
Calls are made outside transactions, so many at a time, each told in one line.
"""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from structlog.testing import capture_logs

from rsolv.kernel.outside import CalledOutInsideTransaction, transaction_open
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import GatewayMisused, GatewayUnavailable, OutcomeUnknown, StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.stripe_gateway.turns import Limits
from stripe_gateway import objects
from stripe_gateway.conftest import KEY
from stripe_gateway.stand_in import REQUEST_ID, StandIn


async def test_a_call_inside_a_transaction_is_refused(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    By name, and before anything is sent.
    """
    with transaction_open(), pytest.raises(CalledOutInsideTransaction, match=r"^stripe\.read_payment$"):
        await gateway.read_payment("pi_1")

    assert stripe.asked == []


async def test_a_list_is_not_continued_inside_a_transaction(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    The first page may be worked on in one; the next is not asked for from it.
    """
    stripe.answer(objects.listed(objects.event(), has_more=True), objects.listed(objects.event(id="evt_2")))
    events = gateway.list_events(created_since=datetime(2026, 9, 21, tzinfo=UTC))

    assert (await anext(events)).id == "evt_1"
    with transaction_open(), pytest.raises(CalledOutInsideTransaction):
        await anext(events)
    assert len(stripe.asked) == 1


async def test_so_many_calls_are_under_way_at_once(stripe: StandIn) -> None:
    """
    The others wait for their turn, and all are answered.
    """
    stripe.answer(objects.payment())
    stripe.may_answer.clear()
    options = GatewayOptions(api_key=KEY, limits=Limits(at_once=3))

    async with open_gateway(options, httpx.ASGITransport(stripe)) as gateway:
        calls = [asyncio.create_task(gateway.read_payment("pi_1")) for _ in range(10)]
        for _ in range(3):
            await stripe.arrived.get()
        stripe.may_answer.set()
        await asyncio.gather(*calls)

    assert (stripe.most_under_way, len(stripe.asked)) == (3, 10)


async def test_a_call_that_got_no_turn_did_nothing(stripe: StandIn) -> None:
    """
    While the one before it, cut off at its limit, may have happened.
    """
    stripe.answer(objects.payment())
    stripe.may_answer.clear()
    options = GatewayOptions(api_key=KEY, limits=Limits(at_once=1), total_seconds=0.2)

    async with open_gateway(options, httpx.ASGITransport(stripe)) as gateway:
        cut_off = asyncio.create_task(gateway.cancel_payment("pi_1", key="first"))
        await stripe.arrived.get()
        async with asyncio.TaskGroup() as together:
            waiting = [together.create_task(outcome(gateway, key)) for key in ("second", "third")]
        (first,) = await asyncio.gather(cut_off, return_exceptions=True)

    assert type(first) is OutcomeUnknown
    assert GatewayUnavailable in {await each for each in waiting}


async def outcome(gateway: StripeGateway, key: str) -> type[Exception] | None:
    try:
        await gateway.cancel_payment("pi_1", key=key)
    except (GatewayUnavailable, OutcomeUnknown) as failure:
        return type(failure)
    return None


async def test_a_call_is_told_in_one_line(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    What was called, for which attempt, how it ended, and Stripe's id of it.
    """
    stripe.answer(objects.payment())

    with capture_logs() as lines:
        await gateway.cancel_payment("pi_1", key="ci:11:cancel")

    (line,) = lines
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "stripe_called",
        "log_level": "info",
        "call": "cancel_payment",
        "outcome": "ok",
        "status": 200,
        "code": None,
        "stripe_request_id": REQUEST_ID,
        "idempotency_key": "ci:11:cancel",
    }


async def test_a_failed_call_is_told_in_one_line_too(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    With our name of the failure and Stripe's code, and no more of what Stripe said.
    """
    stripe.answer(objects.error(code="resource_missing"), status=404)

    with capture_logs() as lines, pytest.raises(GatewayMisused):
        await gateway.read_payment("pi_1")

    (line,) = lines
    assert (line["outcome"], line["status"], line["code"]) == ("GatewayMisused", 404, "resource_missing")
    assert (line["log_level"], line["stripe_request_id"], line["idempotency_key"]) == ("warning", REQUEST_ID, None)
    assert "4242" not in repr(line)


async def test_an_interrupted_call_is_told_too(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    A worker that is stopped leaves a line about the call which it left.
    """
    stripe.answer(objects.payment())
    stripe.may_answer.clear()

    with capture_logs() as lines:
        call = asyncio.create_task(gateway.read_payment("pi_1"))
        await stripe.arrived.get()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    assert [line["outcome"] for line in lines] == ["interrupted"]


async def test_every_value_carries_the_request_id(stripe: StandIn, gateway: StripeGateway) -> None:
    """
    To be stored with the attempt.
    """
    stripe.answer(objects.payment())

    assert (await gateway.read_payment("pi_1")).request_id == REQUEST_ID


async def test_a_live_key_is_sent_to_nobody_but_stripe() -> None:
    """
    A stand-in's address beside a live key is refused before anything is opened.
    """
    live = Secret(f"sk_{'live'}_0123456789")
    options = GatewayOptions(api_key=live, base_url="http://127.0.0.1:1")

    with pytest.raises(ValueError, match="nobody but Stripe") as caught:
        await open_gateway(options).__aenter__()

    assert live.reveal() not in str(caught.value)

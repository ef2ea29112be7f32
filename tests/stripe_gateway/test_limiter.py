"""
Waiting for a turn: who is let go, who gives up, who is cancelled, and what Stripe's "too often" changes.
"""

import asyncio

import httpx
import pytest

from rsolv.stripe_gateway import GatewayUnavailable
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.stripe_gateway.limiter import Limiter, NoTurn, endpoint_of, rest_seconds
from rsolv.stripe_gateway.turns import UNLIMITED, Limits
from stripe_gateway import objects
from stripe_gateway.conftest import KEY
from stripe_gateway.hand_clock import HandClock
from stripe_gateway.stand_in import StandIn
from stripe_twin.contract import installed_contract

CREATE, READ = "POST /v1/payment_intents", "GET /v1/payment_intents/{id}"
PATIENCE_SECONDS = 10.0


class Queue:
    """
    Callers that wait for turns at two a second, by a clock of ours.
    """

    def __init__(self, **limits: float) -> None:
        self.clock = HandClock()
        self.limiter = Limiter(Limits(**{"per_second_per_endpoint": 2, **limits}), self.clock)
        self.gone: list[str] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def call(self, name: str, endpoint: str = CREATE) -> None:
        async with self.limiter.turn(endpoint, patience_seconds=PATIENCE_SECONDS):
            self.gone.append(name)
            await self.may_end.wait()

    async def waiting(self, *names: str, endpoint: str = CREATE) -> list[asyncio.Task[None]]:
        """
        Have callers queue up, and those go whose turn it is.
        """
        tasks = [asyncio.create_task(self.call(name, endpoint)) for name in names]
        await self.settled()
        return tasks

    async def advance(self, seconds: float, *, steps: int = 1) -> None:
        """
        Let time pass, and everybody notice at each step.
        """
        for _ in range(steps):
            self.clock.advance(seconds / steps)
            await self.settled()

    async def settled(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_turns_come_one_by_one() -> None:
    """
    At two a second the third comes after a second.
    """
    queue = Queue()
    tasks = await queue.waiting("first", "second", "third")

    assert queue.gone == ["first"]
    await queue.advance(0.5)
    assert queue.gone == ["first", "second"]
    await queue.advance(0.5)
    assert queue.gone == ["first", "second", "third"]
    await asyncio.gather(*tasks)


async def test_other_endpoints_are_not_waited_for() -> None:
    """
    A read goes at once beside creations that wait.
    """
    queue = Queue()
    tasks = await queue.waiting("first", "second") + await queue.waiting("read", endpoint=READ)

    assert queue.gone == ["first", "read"]
    await queue.advance(1)
    await asyncio.gather(*tasks)


async def test_a_place_that_is_given_up_is_free() -> None:
    """
    Who is cancelled while waiting leaves no gap: the next one goes in its stead.
    """
    queue = Queue()
    _, second, _ = await queue.waiting("first", "second", "third")

    second.cancel()
    await queue.advance(0.5)

    assert queue.gone == ["first", "third"]
    assert second.cancelled()


async def test_who_is_cancelled_in_the_moment_of_its_turn_gives_it_back() -> None:
    """
    Both before it has noticed the turn and before the queue has noticed that it left.
    """
    queue = Queue(at_once=1)
    queue.may_end.clear()
    first, second, third, fourth = await queue.waiting("first", "second", "third", "fourth")

    queue.may_end.set()
    await queue.advance(0)
    queue.may_end.clear()
    queue.clock.advance(0.5)  # the second's turn has come, and it has not run since
    second.cancel()
    third.cancel()
    await queue.advance(1)

    assert queue.gone == ["first", "fourth"]
    queue.may_end.set()
    await asyncio.gather(first, second, third, fourth, return_exceptions=True)
    assert (second.cancelled(), third.cancelled()) == (True, True)


async def test_the_turn_of_a_cancelled_call_is_over() -> None:
    """
    A worker that is stopped in the middle of a call does not keep others from theirs.
    """
    queue = Queue(at_once=1)
    queue.may_end.clear()
    first, second = await queue.waiting("first", "second")

    first.cancel()
    await queue.advance(0.5)

    assert queue.gone == ["first", "second"]
    queue.may_end.set()
    await second


async def test_a_queue_that_is_too_long_is_not_joined() -> None:
    """
    Who would wait longer than its patience is told at once, and when to come again.
    """
    queue = Queue()
    waiting = await queue.waiting(*(f"{number}" for number in range(21)))

    with pytest.raises(NoTurn) as caught:
        await queue.call("too many")

    assert caught.value.retry_after_seconds == pytest.approx(10.5, abs=0.1)
    await queue.advance(10, steps=20)
    await asyncio.gather(*waiting)
    assert len(queue.gone) == 21


async def test_who_has_waited_long_enough_gives_up() -> None:
    """
    When calls do not end the queue does not move, and nobody knew before.
    """
    queue = Queue(at_once=1)
    queue.may_end.clear()
    first, second, third = await queue.waiting("first", "second", "third")

    await queue.advance(PATIENCE_SECONDS)
    queue.may_end.set()
    ends = await asyncio.gather(first, second, third, return_exceptions=True)

    assert [type(end) for end in ends] == [type(None), NoTurn, NoTurn]
    assert queue.gone == ["first"]


async def test_who_gives_up_and_is_cancelled_at_once_takes_nobodys_turn() -> None:
    """
    The count of calls under way stays right.
    """
    queue = Queue(at_once=1)
    queue.may_end.clear()
    first, second = await queue.waiting("first", "second")

    queue.clock.advance(PATIENCE_SECONDS)
    second.cancel()
    await queue.settled()
    [third, fourth] = await queue.waiting("third", "fourth")
    assert queue.gone == ["first"]

    queue.may_end.set()
    await queue.advance(0)
    await queue.advance(1)
    await asyncio.gather(first, third, fourth)
    assert queue.gone == ["first", "third", "fourth"]


@pytest.mark.parametrize(
    ("headers", "at_once", "later"),
    [
        pytest.param({}, ["read"], ["read", "create"], id="no word"),
        pytest.param({"stripe-rate-limited-reason": "endpoint-rate"}, ["read"], ["read", "create"], id="the endpoint"),
        pytest.param({"stripe-rate-limited-reason": "global-rate"}, [], ["create", "read"], id="the account"),
        pytest.param(
            {"stripe-rate-limited-reason": "resource-specific"}, ["create", "read"], ["create", "read"], id="the object"
        ),
    ],
)
async def test_what_stripe_says_is_learnt_for_all_who_wait(
    headers: dict[str, str], at_once: list[str], later: list[str]
) -> None:
    """
    After a 429 the endpoint rests, or the account, or nobody: by the reason that Stripe gives.
    """
    queue = Queue()
    queue.limiter.learn(CREATE, 429, headers)

    tasks = await queue.waiting("create") + await queue.waiting("read", endpoint=READ)

    assert queue.gone == at_once
    await queue.advance(1)
    assert queue.gone == later
    await asyncio.gather(*tasks)


async def test_other_answers_teach_nothing() -> None:
    """
    Neither a success, nor an error of another kind, nor an object that another call holds.
    """
    queue = Queue()
    queue.limiter.learn(CREATE, 200, {})
    queue.limiter.learn(CREATE, 503, {"retry-after": "30"})
    queue.limiter.learn(CREATE, 429, {"retry-after": "30"}, is_of_object=True)

    await asyncio.gather(*await queue.waiting("create"))

    assert queue.gone == ["create"]


@pytest.mark.parametrize(
    ("said", "seconds"), [("3", 3), ("0.5", 0.5), ("0", 0.1), ("86400", 60), ("nan", 1), ("-5", 1), ("soon", 1)]
)
def test_a_rest_is_as_long_as_stripe_asks_within_reason(said: str, seconds: float) -> None:
    """
    Nothing that is said makes an endpoint rest for ever.
    """
    assert rest_seconds({"retry-after": said}, otherwise=1) == seconds


def test_without_a_word_a_rest_is_a_second() -> None:
    """
    Stripe counts by the second; who speaks to a stand-in alone has nothing to wait for.
    """
    assert (rest_seconds({}, otherwise=Limits().rest_seconds), UNLIMITED.rest_seconds) == (1, 0)


@pytest.mark.parametrize(("code", "told", "sent"), [("rate_limit", "no_turn", 1), ("lock_timeout", "lock_timeout", 2)])
async def test_a_busy_endpoint_is_left_alone_by_the_next_call(stripe: StandIn, code: str, told: str, sent: int) -> None:
    """
    Through the whole gateway: after a 429 nothing is sent before the endpoint has rested, and the caller is told when.
    """
    stripe.answer(objects.error(code=code), status=429, **{"retry-after": "60"})

    async with open_gateway(GatewayOptions(api_key=KEY), httpx.ASGITransport(stripe)) as gateway:
        with pytest.raises(GatewayUnavailable):
            await gateway.read_payment("pi_1")
        with pytest.raises(GatewayUnavailable) as caught:
            await gateway.read_payment("pi_2")

    assert (caught.value.code, len(stripe.asked)) == (told, sent)


def test_endpoints_are_named_as_stripe_counts() -> None:
    """
    Every operation that Stripe's library has is one endpoint, whatever ids are in its path.
    """
    templates = [
        (route.method, route.template) for route in installed_contract().routes if route.template.startswith("/v1/")
    ]

    named = {endpoint_of(method, f"https://api.test{filled(template)}?limit=1") for method, template in templates}

    assert named == {f"{method} {anonymous(template)}" for method, template in templates}


def filled(template: str) -> str:
    return "/".join("pi_3Mtw" if part.startswith("{") else part for part in template.split("/"))


def anonymous(template: str) -> str:
    return "/".join("{id}" if part.startswith("{") else part for part in template.split("/"))

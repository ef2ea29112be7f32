"""
The bus: rooms hear of each other's events in one transaction, in order.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus, PublishedOutsideTransaction


@dataclass(frozen=True)
class LampLit:
    """
    An event.
    """

    lamp: int


@dataclass(frozen=True)
class BrightLampLit(LampLit):
    """
    Another, made of the first.
    """


def answering(*answer: object) -> Callable[[Connection, LampLit], Awaitable[object | None]]:
    async def subscriber(_connection: Connection, event: LampLit) -> object | None:
        return (*answer, event.lamp) if answer else None

    return subscriber


async def test_subscribers_run_in_the_order_they_subscribed(connection: Connection) -> None:
    """
    What they answer comes back in that order; who answers nothing is left out.
    """
    bus = EventBus()
    for subscriber in (answering("first"), answering(), answering("second"), answering("first")):
        bus.subscribe(LampLit, subscriber)

    answers = await bus.publish(connection, LampLit(7))

    assert answers == [("first", 7), ("second", 7), ("first", 7)]


async def test_an_event_reaches_subscribers_of_exactly_its_type(connection: Connection) -> None:
    """
    Neither its parents' nor others' subscribers are told, and an event that nobody wants is fine.
    """
    bus = EventBus()
    bus.subscribe(LampLit, answering("lamp"))

    assert await bus.publish(connection, BrightLampLit(7)) == []


async def test_an_event_outside_a_transaction_is_refused_before_anybody_is_told(database: Database) -> None:
    """
    It could be lost between two commits.
    """
    bus = EventBus()
    told: list[object] = []

    async def note(_connection: Connection, event: LampLit) -> None:
        told.append(event)

    bus.subscribe(LampLit, note)

    async with database.reading() as connection:
        with pytest.raises(PublishedOutsideTransaction, match="LampLit"):
            await bus.publish(connection, LampLit(7))

    assert told == []


async def test_what_a_subscriber_raises_undoes_what_all_wrote(database: Database) -> None:
    """
    Publisher and subscribers commit together or not at all.
    """
    bus = EventBus()

    async def write(connection: Connection, _event: LampLit) -> None:
        await connection.execute(
            "INSERT INTO audit_entries (actor, action, subject, facts) VALUES ('system', 'lamp:lit', 'lamp 7', '{}')"
        )

    async def fail(_connection: Connection, _event: LampLit) -> None:
        raise ZeroDivisionError

    bus.subscribe(LampLit, write)
    bus.subscribe(LampLit, fail)

    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await bus.publish(connection, LampLit(7))

    async with database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM audit_entries WHERE action = 'lamp:lit'") == 0

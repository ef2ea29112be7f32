"""
The in-process bus by which one room tells others what happened, without knowing them.

Wiring is done in the entry points (docs/decisions/0006-events.md). A subscriber runs in the
publisher's transaction: it may write there or enqueue a job there, and what it raises rolls all back.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol


class OpenTransaction(Protocol):
    """
    What the bus needs to know of a connection.
    """

    def is_in_transaction(self) -> bool: ...


class PublishedOutsideTransaction(AssertionError):
    """
    Our own mistake: an event outside a transaction could be lost between two commits.
    """


Subscriber = Callable[[Any, Any], Awaitable[object | None]]


class EventBus:
    """
    Deliver each published event to the subscribers of its type, in the order they subscribed.
    """

    def __init__(self) -> None:
        self._subscribers: defaultdict[type, list[Subscriber]] = defaultdict(list)

    def subscribe(self, event_type: type, subscriber: Subscriber) -> None:
        """
        Call *subscriber* with the publisher's connection and the event, for each event of exactly this type.
        """
        self._subscribers[event_type].append(subscriber)

    async def publish(self, connection: OpenTransaction, event: object) -> list[object]:
        """
        Run every subscriber of the event in the caller's transaction and return what they answered.

        Raises:
            PublishedOutsideTransaction: *connection* has no open transaction; nobody was told.
        """
        if not connection.is_in_transaction():
            raise PublishedOutsideTransaction(type(event).__name__)
        answers = [await subscriber(connection, event) for subscriber in self._subscribers[type(event)]]
        return [answer for answer in answers if answer is not None]

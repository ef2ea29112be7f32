"""
What a scenario may use: Stripe's own client, names of its own, Stripe's test clocks, and nature where there is one.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import stripe

Found = TypeVar("Found")
POLL_SECONDS = 1.0


class Nature(Protocol):
    """
    What customers, banks and card networks do by themselves: the twin can have it done, Stripe's API cannot.
    """

    def authenticate(self, intent_id: str, *, succeeded: bool) -> None:
        """
        Finish the 3-D Secure of a payment or setup intent.
        """

    def complete_checkout(self, session_id: str, *, number: str) -> None:
        """
        Type a card into the hosted page of a Checkout Session.
        """

    def renew_card(self, payment_method_id: str) -> None:
        """
        Have the card's network renew a saved card.
        """

    def wait(self, seconds: int) -> None:
        """
        Let time pass, with what becomes due.
        """


class ClockStuck(TimeoutError):
    """
    A test clock was not ready in time.
    """


@dataclass
class Stage:
    """
    Where scenarios and questions are played: the twin, or a real test account when there is no *nature*.

    *patience_seconds* is how long what does not come at once is waited for, *run* makes names unique among all runs,
    *clocks* are the test clocks made so far.
    """

    sdk: stripe.StripeClient
    run: str
    nature: Nature | None = None
    patience_seconds: float = 0.0
    clocks: list[str] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def unique(self, name: str) -> str:
        """
        Make a name that no other call in this account has.
        """
        return f"{name}-{self.run}-{next(self._numbers)}"

    def by_nature(self) -> Nature:
        """
        Return nature, for what is marked as needing it.
        """
        assert self.nature is not None, "what needs nature is skipped where there is none"
        return self.nature

    def wait(self, seconds: int) -> None:
        """
        Let what Stripe does by itself within so many seconds happen; a real account is waited for by `awaited`.
        """
        if self.nature is not None:
            self.nature.wait(seconds)

    async def awaited(self, look: Callable[[], Awaitable[Found | None]]) -> Found | None:
        """
        Look until there is something to be seen, but no longer than patience lasts.
        """
        for _ in range(int(self.patience_seconds / POLL_SECONDS)):
            if (found := await look()) is not None:
                return found
            await asyncio.sleep(POLL_SECONDS)
        return await look()

    async def clock(self, at: int) -> str:
        """
        Create one of Stripe's test clocks (docs.stripe.com/billing/testing/test-clocks).
        """
        made = await self.sdk.v1.test_helpers.test_clocks.create_async({"frozen_time": at})
        self.clocks.append(made.id)
        return made.id

    async def advance(self, test_clock_id: str, to: int) -> None:
        """
        Move a test clock and wait until all that became due is done.

        Raises:
            ClockStuck: it is not ready in time.
        """
        clocks = self.sdk.v1.test_helpers.test_clocks
        await clocks.advance_async(test_clock_id, {"frozen_time": to})

        async def ready() -> bool | None:
            return (await clocks.retrieve_async(test_clock_id)).status == "ready" or None

        if await self.awaited(ready) is None:
            raise ClockStuck(test_clock_id)

    async def strike(self) -> None:
        """
        Delete the test clocks made so far, and their customers with them.
        """
        while self.clocks:
            await self.sdk.v1.test_helpers.test_clocks.delete_async(self.clocks.pop())

    async def latest_event_id(self) -> str | None:
        """
        Return the id of the account's newest event.
        """
        newest = (await self.sdk.v1.events.list_async({"limit": 1})).data
        return newest[0].id if newest else None

    async def events_since(self, event_id: str | None) -> list[stripe.Event]:
        """
        Return the events after one, or all if there was none, oldest first.
        """
        params: Any = {"limit": 100, **({"ending_before": event_id} if event_id else {})}
        listed = await self.sdk.v1.events.list_async(params)
        events = [event async for event in listed.auto_paging_iter()]
        # Before a cursor the client goes from old to new by itself.
        return events if event_id else events[::-1]

    async def event_since(self, event_id: str | None, event_type: str, about: str) -> stripe.Event | None:
        """
        Find the newest event of a type about an object.
        """
        for event in reversed(await self.events_since(event_id)):
            if event.type == event_type and event.data.object["id"] == about:
                return event
        return None

"""
Which scenario ends in which event, and how one is played.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import stripe

from stripe_twin.scenarios.stage import Stage

Script = Callable[[Stage], Awaitable[str]]
"""
Plays a scenario and returns the id of the object that the event is about.
"""


class NoScenario(LookupError):
    """
    No scenario has this name; the message lists those there are.
    """


class EventMissing(AssertionError):
    """
    A scenario was played and its event did not come; the message lists those that did.
    """


@dataclass(frozen=True)
class Scenario:
    """
    A script and the event it ends in. *needs* says what only nature does, where it is needed.
    """

    name: str
    script: Script
    needs: str | None = None

    @property
    def event_type(self) -> str:
        """
        The type of the event: the name without its variant.
        """
        return self.name.partition(":")[0]


class Scenarios:
    """
    Scenarios by name: the type of the event, with a variant behind a colon where one type has several.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Scenario] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """
        All names, in alphabetical order.
        """
        return tuple(sorted(self._by_name))

    def __iter__(self) -> Iterator[Scenario]:
        return (self._by_name[name] for name in self.names)

    def ends_in(self, *names: str, needs: str | None = None) -> Callable[[Script], Script]:
        """
        Register a script under the events that it ends in, all about the object whose id it returns.
        """

        def registered(script: Script) -> Script:
            for name in names:
                assert name not in self._by_name, f"two scenarios for {name}"
                self._by_name[name] = Scenario(name, script, needs)
            return script

        return registered

    def include(self, other: "Scenarios") -> None:
        """
        Take in the scenarios of another file.
        """
        for scenario in other:
            self.ends_in(scenario.name, needs=scenario.needs)(scenario.script)

    def find(self, name: str) -> Scenario:
        """
        Return the scenario of this name.

        Raises:
            NoScenario: there is none.
        """
        if name not in self._by_name:
            raise NoScenario(f"No scenario ends in {name}; these do: {', '.join(self.names)}.")
        return self._by_name[name]


async def play(scenario: Scenario, stage: Stage) -> stripe.Event:
    """
    Play a scenario and find the event it ends in: of its type, about its object, newer than the beginning.

    Raises:
        EventMissing: it did not come in time.
    """
    before = await stage.latest_event_id()
    about = await scenario.script(stage)
    event = await stage.awaited(lambda: stage.event_since(before, scenario.event_type, about))
    if event is None:
        came = ", ".join(sorted({event.type for event in await stage.events_since(before)})) or "none"
        raise EventMissing(f"{scenario.name} did not come about {about}; these events did: {came}.")
    return event

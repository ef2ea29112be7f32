"""
What else goes wrong while processes are killed.
"""

import random
from collections.abc import Mapping, Sequence
from typing import ClassVar

from crashes.yard import Yard
from stripe_twin.core.faults import KINDS, FaultKind

SHORT_PATIENCE_SECONDS = 0.2
SKIPPED_MAX = 4
SLOW_SECONDS = 0.02
HOURS_LATER = 25
FAULTS_PLANNED = 100_000


class Weather:
    """
    Nothing else goes wrong.

    `begin` is called before processes are killed, `turn` before others go on, `clear` after so many `rounds` of those.
    """

    rounds = 0
    struck = 0
    has_to_strike: ClassVar[bool] = False

    async def begin(self, yard: Yard) -> None:
        """
        Let it begin.
        """

    async def turn(self, yard: Yard) -> None:
        """
        Let it change.
        """

    async def clear(self, yard: Yard) -> None:
        """
        Let it end.
        """


class KeysForgotten(Weather):
    """
    Stripe executes every repeat anew.
    """

    rounds = 10

    async def begin(self, yard: Yard) -> None:
        await yard.control("POST", "idempotency", {"on": False})


class ADayLater(Weather):
    """
    Others go on 25 hours later: Stripe has forgotten the keys, and we may not repeat by them.
    """

    async def turn(self, yard: Yard) -> None:
        await yard.control("POST", "clock", {"advance_seconds": HOURS_LATER * 3600})
        yard.hours_later += HOURS_LATER


class Storm(Weather):
    """
    Calls to Stripe fail, each in one of the ways that there are, about two in five once all have begun.
    """

    rounds = 8
    has_to_strike: ClassVar[bool] = True
    kinds: ClassVar[Sequence[FaultKind]] = KINDS
    probability_max: ClassVar[float] = 0.1

    def __init__(self, seed: int = 11) -> None:
        self._chance = random.Random(seed)  # noqa: S311 -- chance that can be repeated

    async def begin(self, yard: Yard) -> None:
        # The twin's own chance begins anew whenever faults are cleared, so each beginning has other odds.
        faults = [
            {
                "kind": kind,
                "times": FAULTS_PLANNED,
                "skip": self._chance.randrange(SKIPPED_MAX),
                "probability": self._chance.uniform(0, self.probability_max),
                "seconds": SLOW_SECONDS,
            }
            for kind in self._chance.sample(self.kinds, len(self.kinds))
        ]
        await yard.control("DELETE", "faults")
        await yard.control("POST", "faults", faults)
        yard.patience_seconds = SHORT_PATIENCE_SECONDS

    async def clear(self, yard: Yard) -> None:
        """
        Count how often it struck.
        """
        planned = (await yard.control("GET", "faults"))["faults"]
        self.struck += sum(FAULTS_PLANNED - fault["times"] for fault in planned)


class Timeouts(Storm):
    """
    Calls to Stripe are not answered; half of those were executed.
    """

    kinds: ClassVar[Sequence[FaultKind]] = ("timeout_before", "timeout_after")
    probability_max: ClassVar[float] = 0.6


CALM = Weather()
WEATHERS: Mapping[str, Weather] = {
    "calm": CALM,
    "keys forgotten": KeysForgotten(),
    "a day later": ADayLater(),
    "storm": Storm(),
}

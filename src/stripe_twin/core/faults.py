"""
What goes wrong on purpose: drawn by chance from a seed, or queued for the next calls.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

FaultKind = Literal[
    "refused",  # the connection is refused: nothing happens
    "timeout_before",  # no answer, and nothing happened
    "timeout_after",  # no answer, but it was done
    "cut_body",  # done, and half of the answer arrives
    "rate_limited",  # 429 without a word on retrying
    "rate_limited_retry",  # 429 with stripe-should-retry: true
    "rate_limited_stop",  # 429 with stripe-should-retry: false
    "locked",  # 429 lock_timeout: another call holds the object
    "conflict",  # 409: another call is using this key
    "error_stored",  # 500 after execution began: stored under the key and replayed
    "error_not_stored",  # 500 before execution began
    "slow",  # answered after a real pause
]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass
class Fault:
    """
    One planned fault: where (None: any call), how often still (None: for ever), and with what probability.
    """

    kind: FaultKind
    method: str | None = None
    template: str | None = None
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seconds: float = 0.0

    def concerns(self, method: str, template: str) -> bool:
        """
        Tell whether a call is of the kind this fault waits for.
        """
        return self.method in (None, method) and self.template in (None, template) and self.times != 0


class Faults:
    """
    The faults of one twin. `latency_seconds` is a real pause before every call is executed.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self.planned: list[Fault] = []
        self.latency_seconds = 0.0
        self._chance = random.Random(seed)

    def plan(self, faults: Iterable[Fault]) -> None:
        """
        Add faults behind those already planned.
        """
        self.planned += faults

    def clear(self) -> None:
        """
        Let everything work again; chance begins anew.
        """
        self.planned.clear()
        self.latency_seconds = 0.0
        self._chance = random.Random(self._seed)

    def strike(self, method: str, template: str) -> Fault | None:
        """
        Return the fault that hits this call, if one does. The first planned fault that hits wins.
        """
        for fault in self.planned:
            if not fault.concerns(method, template):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.probability >= 1 or self._chance.random() < fault.probability:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

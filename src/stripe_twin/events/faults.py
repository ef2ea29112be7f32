"""
What goes wrong with webhooks on purpose: drawn by chance from a seed, or planned for the next deliveries.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from stripe_twin.events.types import matches

WebhookFaultKind = Literal[
    "duplicated",  # the same event arrives twice
    "reordered",  # it arrives after the next one; after a minute when there is none
    "delayed",  # it arrives `seconds` later on the twin's clock, signed when it is sent
    "stale",  # it arrives now, signed `seconds` ago: the first try is past the receiver's tolerance
    "dropped",  # it never arrives; only listing the events finds it
    "badly_signed",  # the first try is signed with another secret
    "old_version",  # its api_version is an older one; the object in it is not rewritten
    "unknown_type",  # its type is one that Stripe has not
    "burst",  # it is held until all that are held are released together
]
WEBHOOK_FAULT_KINDS: tuple[WebhookFaultKind, ...] = get_args(WebhookFaultKind)
SECONDS_DEFAULT = 600


@dataclass
class WebhookFault:
    """
    One planned fault: which events (None: any; `*` is a wildcard), how often still (None: for ever), how probably.
    """

    kind: WebhookFaultKind
    event_type: str | None = None
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seconds: int = SECONDS_DEFAULT

    def concerns(self, event_type: str) -> bool:
        """
        Tell whether an event is of the type this fault waits for.
        """
        return self.times != 0 and (self.event_type is None or matches(event_type, self.event_type))


class WebhookFaults:
    """
    The webhook faults of one twin. Each delivery meets them once, when it is first about to be sent.
    """

    def __init__(self, seed: str) -> None:
        self._seed = f"webhooks of {seed}"
        self.planned: list[WebhookFault] = []
        self._chance = random.Random(self._seed)

    def plan(self, faults: Iterable[WebhookFault]) -> None:
        """
        Add faults behind those already planned.
        """
        self.planned += faults

    def clear(self) -> None:
        """
        Let everything arrive again; chance begins anew.
        """
        self.planned.clear()
        self._chance = random.Random(self._seed)

    def strike(self, event_type: str) -> WebhookFault | None:
        """
        Return the fault that hits this delivery, if one does. The first planned fault that hits wins.
        """
        for fault in self.planned:
            if not fault.concerns(event_type):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.probability >= 1 or self._chance.random() < fault.probability:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

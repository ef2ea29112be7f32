"""
One Stripe account: its records, its clocks, what is due on them, and the events it emits.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stripe_twin.contract import Contract
from stripe_twin.core.errors import resource_missing
from stripe_twin.core.records import Record, changed_attributes, copied
from stripe_twin.core.store import Store
from stripe_twin.core.tasks import MAIN_CLOCK, Agenda, TaskHandlers

API_VERSION = "2026-10-28.endive"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_COUNTER = ("_counter", "ids")
_CLOCK = ("_clock", MAIN_CLOCK)


class ShapeBroken(AssertionError):
    """
    The twin was about to say something that Stripe's own types do not allow: a mistake of the twin.
    """


@dataclass(frozen=True)
class Call:
    """
    One call of the API: its decoded parameters, the ids in its path, and how it will be known.
    """

    params: Record = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    idempotency_key: str | None = None
    base_url: str = "http://127.0.0.1"


class Account:
    """
    The state of one account and the few verbs that all its parts share.

    It never reads the machine's clock: `advance` is the only way its time passes. Tasks speak of its pages as being at
    *base_url*, calls as being where they came to.
    """

    def __init__(
        self,
        store: Store,
        *,
        seed: str,
        starts_at: int,
        contract: Contract,
        task_handlers: TaskHandlers,
        base_url: str = "http://127.0.0.1",
    ) -> None:
        self.store = store
        self.base_url = base_url
        self.contract = contract
        self.agenda = Agenda(store)
        self.call = Call()
        self.listeners: list[Callable[[Account, Record], None]] = []
        self._seed = seed
        self._task_handlers = task_handlers
        self._clock = MAIN_CLOCK
        self._afterwards: list[Callable[[], None]] = []
        if store.find(*_CLOCK) is None:
            with store.unit():
                store.add(_CLOCK[0], {"id": _CLOCK[1], "now": starts_at})
                store.add(_COUNTER[0], {"id": _COUNTER[1], "value": 0})

    # --- time

    @property
    def now(self) -> int:
        """
        The time of the clock in use: a test clock's while one of its tasks or customers is worked on.
        """
        return self.now_on(self._clock)

    def now_on(self, clock: str) -> int:
        """
        Return a clock's time, in seconds of the Unix epoch.
        """
        if clock == MAIN_CLOCK:
            return int(self._main_clock()["now"])
        return int(self.get("test_helpers.test_clock", clock)["frozen_time"])

    def use_clock_of(self, customer: Record | None) -> None:
        """
        Take the time from the customer's test clock for the rest of this call, if the customer has one.
        """
        self._clock = (customer or {}).get("test_clock") or MAIN_CLOCK

    def schedule(self, name: str, about: Mapping[str, Any], *, at: int) -> None:
        """
        Have a task done when the clock in use shows *at*.
        """
        task_id = self.new_id("task")
        order = self.store.edit(*_COUNTER)["value"]
        self.agenda.add(
            {"id": task_id, "at": at, "order": order, "clock": self._clock, "name": name, "about": dict(about)}
        )

    def advance(self, until: int, *, clock: str = MAIN_CLOCK) -> None:
        """
        Let a clock's time pass up to *until*, doing what becomes due, in order, each at its own second.
        """
        while (task := self.agenda.next_due(clock, until)) is not None:
            with self.store.unit():
                self._begin(Call(base_url=self.base_url), clock)
                self._set_clock(clock, max(task["at"], self.now_on(clock)))
                self.agenda.done(task)
                self._task_handlers[task["name"]](self, task["about"])
        with self.store.unit():
            self._set_clock(clock, max(until, self.now_on(clock)))

    def begin(self, call: Call) -> None:
        """
        Start a call: on the account's main clock until a customer with a test clock is met.
        """
        self._begin(call, MAIN_CLOCK)

    def do_afterwards(self, act: Callable[[], None]) -> None:
        """
        Have something done once the call's changes are kept; forgotten when they are undone.
        """
        self._afterwards.append(act)

    def run_afterwards(self) -> None:
        """
        Do what was put off until the call's changes were kept.
        """
        acts, self._afterwards = self._afterwards, []
        for act in acts:
            act()

    # --- records

    def new_id(self, prefix: str, length: int = 24) -> str:
        """
        Make an id; the same seed gives the same ids in the same order.
        """
        counter = self.store.edit(*_COUNTER)
        counter["value"] += 1
        number = int.from_bytes(hashlib.sha256(f"{self._seed}:{counter['value']}".encode()).digest(), "big")
        letters = []
        for _ in range(length):
            number, digit = divmod(number, 62)
            letters.append(_BASE62[digit])
        return f"{prefix}_{''.join(letters)}"

    def get(self, kind: str, record_id: str, *, param: str = "id", what: str | None = None) -> Record:
        """
        Return a record to read.

        Raises:
            StripeError: `resource_missing`, as *param* names it.
        """
        record = self.store.find(kind, record_id)
        if record is None:
            raise resource_missing(what or kind.replace("_", " "), record_id, param=param)
        return record

    def edit(self, kind: str, record_id: str, *, param: str = "id", what: str | None = None) -> Record:
        """
        Return a record to change in place.

        Raises:
            StripeError: `resource_missing`, as *param* names it.
        """
        self.get(kind, record_id, param=param, what=what)
        return self.store.edit(kind, record_id)

    # --- events

    def emit(self, event_type: str, record: Record, *, kind: str | None = None) -> Record:
        """
        Emit an event with a snapshot of the record; an `updated` event says what the values were before.

        Raises:
            ShapeBroken: the event is not of a shape that Stripe has.
        """
        data: Record = {"object": copied(record)}
        before = self.store.state_before(kind or record["object"], record["id"])
        if event_type.endswith(".updated") and before is not None:
            data["previous_attributes"] = changed_attributes(before, record)
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.call.request_id, "idempotency_key": self.call.idempotency_key},
            "type": event_type,
        }
        self.require_shape(self.contract.event_problems(event), event_type)
        self.store.note_emitted(kind or record["object"], record)
        self.store.add("event", event)
        for listener in self.listeners:
            listener(self, event)
        return event

    def require_shape(self, problems: Iterable[object], what: str) -> None:
        """
        Insist that the contract found nothing.

        Raises:
            ShapeBroken: with every problem.
        """
        found = [str(problem) for problem in problems]
        if found:
            raise ShapeBroken(f"{what}: {'; '.join(found)}")

    def _begin(self, call: Call, clock: str) -> None:
        self.call = call
        self._clock = clock
        self._afterwards.clear()

    def _main_clock(self) -> Record:
        clock = self.store.find(*_CLOCK)
        assert clock is not None, "every account has a clock"
        return clock

    def _set_clock(self, clock: str, now: int) -> None:
        if clock == MAIN_CLOCK:
            self.store.edit(*_CLOCK)["now"] = now
        else:
            self.store.edit("test_helpers.test_clock", clock)["frozen_time"] = now

"""
Work that becomes due on a clock: a renewal, a retry, an expiry.
"""

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

from stripe_twin.core.records import Record
from stripe_twin.core.store import Store

if TYPE_CHECKING:
    from stripe_twin.core.account import Account

MAIN_CLOCK = "main"
TASK = "_task"

TaskHandler = Callable[["Account", Record], None]
TaskHandlers = dict[str, TaskHandler]
"""
What does the work, by the task's name. A handler looks whether its work is still wanted: tasks are never called off.
"""


class Agenda:
    """
    The tasks of all clocks, each in order of time and then of making.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._due: dict[str, list[tuple[int, int, str]]] = {}
        for task in store.all(TASK):
            self._push(task)

    def add(self, task: Record) -> None:
        """
        Take in a task: `id`, `at` in seconds, `order` of making, `clock`, `name` and what it is `about`.
        """
        self._push(self._store.add(TASK, task))

    def next_due(self, clock: str, until: int) -> Record | None:
        """
        Return the clock's first task that is due by *until*, still on the agenda.
        """
        due = self._due.get(clock, [])
        while due and due[0][0] <= until:
            task = self._store.find(TASK, due[0][2])
            if task is not None:
                return task
            heapq.heappop(due)  # done, or undone together with the call that made it
        return None

    def done(self, task: Record) -> None:
        """
        Take a task off the agenda.
        """
        self._store.remove(TASK, task["id"])

    def next_at(self, clock: str) -> int | None:
        """
        Return when the clock's first task is due.
        """
        task = self.next_due(clock, 2**62)
        return task["at"] if task else None

    def _push(self, task: Record) -> None:
        heapq.heappush(self._due.setdefault(task["clock"], []), (task["at"], task["order"], task["id"]))

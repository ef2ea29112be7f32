"""
Count what happens.
"""

from collections.abc import Iterable

import prometheus_client

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # has no types
REGISTRY = prometheus_client.CollectorRegistry()
_counters: list["Counter"] = []


class Counter:
    """
    A number per value of one label, that only rises. Every value is named beforehand, and shown as 0 from the start.

    A value is a word of ours, never a caller's: each one is a series of its own for as long as Prometheus remembers.
    """

    def __init__(self, name: str, meaning: str, *, label: str, values: Iterable[str]) -> None:
        self.name = name
        self.meaning = meaning
        self.label = label
        metric = prometheus_client.Counter(name, meaning, [label], registry=REGISTRY)
        self._children = {value: metric.labels(value) for value in values}
        _counters.append(self)

    @property
    def values(self) -> tuple[str, ...]:
        """
        Return the values of the label.
        """
        return tuple(self._children)

    def count(self, value: str) -> None:
        """
        Count one more of a value.

        Raises:
            KeyError: it was not named beforehand.
        """
        self._children[value].inc()


def list_counters() -> list[Counter]:
    """
    Return every counter that was declared, in the order of their names.
    """
    return sorted(_counters, key=lambda counter: counter.name)

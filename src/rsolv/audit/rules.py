"""
Who can act.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Somebody who acts: a customer (by id), an operator (by name), or the system itself.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


SYSTEM = Actor("system")

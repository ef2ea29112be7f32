"""
Ids replaced by the objects they name, where a call asks for it (docs.stripe.com/api/expanding_objects).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stripe_twin.core.account import Account
from stripe_twin.core.errors import StripeError, invalid_request
from stripe_twin.core.records import Record

DEPTH_MAX = 4

Includable = Callable[[Account, Record], Record | None]
Includables = dict[tuple[str, str], Includable]
"""
Fields that an answer has only when asked for, by object and field: `invoice`'s `payments`.
"""


@dataclass(frozen=True)
class Expansion:
    """
    What an account's objects can be expanded with.
    """

    account: Account
    includables: Includables

    def of(self, answer: Record, paths: Sequence[str]) -> Record:
        """
        Return the answer with every path expanded; the stored records stay as they are.

        Raises:
            StripeError: a path is too deep or names what cannot be expanded.
        """
        for path in paths:
            steps = path.split(".")
            if len(steps) - (answer.get("object") == "list") > DEPTH_MAX:
                raise invalid_request(
                    f"You cannot expand more than {DEPTH_MAX} levels of a property. Property: {path}", param="expand"
                )
            answer = self._at(answer, steps, path)
        return answer

    def _at(self, value: Record, steps: list[str], path: str) -> Record:
        name, *rest = steps
        child = self._child(value, name, path)
        if rest and isinstance(child, list):
            child = [self._at(item, rest, path) for item in child]
        elif rest and isinstance(child, dict):
            child = self._at(child, rest, path)
        return {**value, name: child}

    def _child(self, value: Record, name: str, path: str) -> Any:
        child = value.get(name)
        include = self.includables.get((str(value.get("object")), name))
        if child is None and include is not None:
            child = include(self.account, value)
        elif name not in value or name == "id":
            raise not_expandable(path)
        if child is None or isinstance(child, dict | list):
            return child
        record = self.account.store.lookup(str(child))
        if record is None:
            raise not_expandable(path)
        return record


def not_expandable(path: str) -> StripeError:
    """
    Return the refusal to expand what is no id, or always stays one.
    """
    return invalid_request(f"This property cannot be expanded ({path}).", param="expand")

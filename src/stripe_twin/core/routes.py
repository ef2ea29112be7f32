"""
Which function answers which call: written beside the functions, gathered by the twin.
"""

from collections.abc import Callable

from stripe_twin.core.account import Account, Call
from stripe_twin.core.records import Record

Answerer = Callable[[Account, Call], Record]


class Routes:
    """
    Answerers by method and Stripe's own path template, as in `/v1/customers/{customer}`.
    """

    def __init__(self) -> None:
        self.table: dict[tuple[str, str], Answerer] = {}

    def get(self, template: str) -> Callable[[Answerer], Answerer]:
        """
        Answer GET of a template.
        """
        return self._register("GET", template)

    def post(self, template: str) -> Callable[[Answerer], Answerer]:
        """
        Answer POST of a template.
        """
        return self._register("POST", template)

    def delete(self, template: str) -> Callable[[Answerer], Answerer]:
        """
        Answer DELETE of a template.
        """
        return self._register("DELETE", template)

    def include(self, other: "Routes") -> None:
        """
        Take in another table; one call has one answerer.
        """
        twice = self.table.keys() & other.table.keys()
        assert not twice, f"answered twice: {twice}"
        self.table |= other.table

    def _register(self, method: str, template: str) -> Callable[[Answerer], Answerer]:
        def registered(answerer: Answerer) -> Answerer:
            assert (method, template) not in self.table, f"answered twice: {method} {template}"
            self.table[method, template] = answerer
            return answerer

        return registered

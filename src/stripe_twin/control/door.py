"""
How a call of the control is answered: method and path, a checked JSON body, a JSON answer.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from stripe_twin.core.exchange import Request

if TYPE_CHECKING:
    from stripe_twin.twin import Twin

Body = TypeVar("Body")


class Refused(Exception):
    """
    A call that the control does not do; the message is a sentence for a person.
    """

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        self.status = status
        super().__init__(sentence)


@dataclass(frozen=True)
class Ask:
    """
    One call of the control: who is asked, with which ids in the path, for what.
    """

    twin: "Twin"
    request: Request
    ids: dict[str, str] = field(default_factory=dict)

    def body(self, wanted: type[Body]) -> Body:
        """
        Read the body as a checked value.

        Raises:
            Refused: it is no JSON, or not of this shape.
        """
        try:
            return msgspec.json.decode(self.request.body or b"{}", type=wanted)
        except msgspec.DecodeError as error:
            raise Refused(f"The body is not as it should be: {error}.") from error

    def query(self, name: str) -> str | None:
        """
        Return a parameter of the query, if it is there.
        """
        return parse_qs(self.request.query).get(name, [None])[0]


Answer = Callable[[Ask], Any | Awaitable[Any]]
Answerer = TypeVar("Answerer", bound=Answer)


@dataclass(frozen=True)
class _Route:
    method: str
    template: str
    pattern: re.Pattern[str]


class Controls:
    """
    Answers by method and path template, as in `POST /_twin/refunds/{id}/fail`.
    """

    def __init__(self) -> None:
        self.table: dict[_Route, Answer] = {}

    def on(self, method: str, template: str) -> Callable[[Answerer], Answerer]:
        """
        Answer a method of a template.
        """
        route = _Route(method, template, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)))

        def registered(answer: Answerer) -> Answerer:
            self.table[route] = answer
            return answer

        return registered

    def include(self, other: "Controls") -> None:
        """
        Take in another table.
        """
        self.table |= other.table

    def find(self, method: str, path: str) -> tuple[Answer, dict[str, str]]:
        """
        Return who answers a call, and the ids in its path.

        Raises:
            Refused: nobody does.
        """
        fitting = {route.method: route for route in self.table if route.pattern.fullmatch(path)}
        if not fitting:
            raise Refused(f"The control has no {path}: GET /_twin/ lists what it has.", status=404)
        if method not in fitting:
            raise Refused(f"{path} takes {', '.join(fitting)}, not {method}.", status=405)
        route = fitting[method]
        found = route.pattern.fullmatch(path)
        return self.table[route], found.groupdict() if found else {}

    def listed(self) -> list[str]:
        """
        Return all methods and templates.
        """
        return sorted(f"{route.method} {route.template}" for route in self.table)

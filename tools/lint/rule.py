"""
What a rule is. Its docstring is what it teaches: first what to do, then why.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.lint.places import Place
from tools.lint.source import Source

Found = tuple[int, str]
"""
A line, and what stands there.
"""
Search = Callable[[Source], Iterator[Found]]


@dataclass(frozen=True)
class Rule:
    """
    One house rule: what to look for, in which files, and what to say.
    """

    name: str
    place: Place
    search: Search
    lesson: str


RULES: dict[str, Rule] = {}


def rule(place: Place) -> Callable[[Search], Search]:
    """
    Make a search a rule for the files of *place*, named after the function.
    """

    def register(search: Search) -> Search:
        name = search.__name__.replace("_", "-")
        RULES[name] = Rule(name, place, search, " ".join((search.__doc__ or "").split()))
        return search

    return register

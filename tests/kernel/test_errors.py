"""
Errors are facts: each has a kind, a code of its own and a sentence, and knows no HTTP.
"""

import importlib
import pkgutil
import re
import string
from collections import Counter
from collections.abc import Iterator

import pytest

import rsolv
from rsolv.kernel.errors import KINDS, Conflict, DomainError, Invalid, NotFound


class ShelfEmpty(Conflict):
    """
    A shelf has nothing left.
    """

    code = "shelf_empty"
    sentence = "Shelf {shelf} is empty."


def concrete(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for below in kind.__subclasses__():
        yield from concrete(below)
        if below not in KINDS and below.__module__.startswith("rsolv."):
            yield below


def every_error() -> list[type[DomainError]]:
    for module in pkgutil.walk_packages(rsolv.__path__, "rsolv."):
        if module.name != "rsolv.__main__":
            importlib.import_module(module.name)
    return sorted(concrete(), key=lambda error: error.__qualname__)


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__qualname__)
def test_every_error_is_of_one_kind_and_says_what_is_the_matter(error: type[DomainError]) -> None:
    """
    Its code is stable snake case and its sentence a sentence, so that every surface can render it.
    """
    kinds = [kind for kind in KINDS if issubclass(error, kind)]

    assert len(kinds) == 1
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", error.code)
    assert error.sentence[0].isupper() or error.sentence[0] == "{"


def test_no_two_errors_share_a_code() -> None:
    """
    A caller who branches on the code meets one fact; the one exception is a shape that is wrong, whoever found it.
    """
    counted = Counter(error.code for error in every_error())

    assert {code for code, count in counted.items() if count > 1} <= {"validation_failed"}


def test_an_error_builds_its_sentence_from_its_facts() -> None:
    """
    The facts stay at hand for logs and for answers.
    """
    error = ShelfEmpty(shelf=7)

    assert str(error) == "Shelf 7 is empty."
    assert error.facts == {"shelf": 7}


def test_an_error_without_its_facts_cannot_be_raised() -> None:
    """
    A sentence with a hole in it never reaches a caller.
    """
    with pytest.raises(KeyError):
        ShelfEmpty()


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__qualname__)
def test_a_sentence_takes_named_facts_only(error: type[DomainError]) -> None:
    """
    Nothing is filled in by position or looked up inside a fact.
    """
    names = [name for _, name, _, _ in string.Formatter().parse(error.sentence) if name is not None]

    assert [name for name in names if not name.isidentifier()] == []


def test_an_invalid_thing_says_which_fields_are_wrong() -> None:
    """
    Who raises it without fields blames none.
    """

    class Crooked(Invalid):
        code = "crooked"
        sentence = "The {thing} is crooked."

    assert Crooked(fields={"edge": ["must be straight"]}, thing="table").fields == {"edge": ["must be straight"]}
    assert Crooked(thing="table").fields == {}


def test_kinds_know_no_http() -> None:
    """
    The kernel holds no status: a table in api/errors.py has them all.
    """
    assert [kind for kind in KINDS if hasattr(kind, "status") or hasattr(kind, "status_code")] == []
    assert NotFound in KINDS

"""
Every expected error of the product: one kind, one code of its own, one status, a sentence that can be said.
"""

import importlib
import inspect
import pkgutil
import re
import string
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

import rsolv
from rsolv.api.errors import STATUS_OF_KIND, reply_to_error
from rsolv.kernel.errors import KINDS, Conflict, DomainError, Invalid, NotFound, Refused


def every_error(base: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    """
    Yield what inherits from the base, in the whole product.
    """
    for subclass in base.__subclasses__():
        yield subclass
        yield from every_error(subclass)


for _module in pkgutil.walk_packages(rsolv.__path__, "rsolv."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

ERRORS = sorted(
    {error for error in every_error() if error.__module__.startswith("rsolv.") and error not in KINDS},
    key=lambda error: error.__qualname__,
)

EACH = pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)


def complaints(errors: list[type[DomainError]]) -> list[str]:
    """
    Say which errors have not exactly one kind, or share a code.
    """
    codes = Counter(error.code for error in errors)
    unkind = [error.__name__ for error in errors if sum(issubclass(error, kind) for kind in KINDS) != 1]
    return unkind + [error.__name__ for error in errors if codes[error.code] > 1]


def raised(error: type[DomainError]) -> DomainError:
    """
    Raise an error with a fact for each of its placeholders.
    """
    facts = {name: f"<{name}>" for _, name, _, _ in string.Formatter().parse(error.sentence) if name}
    return error(**facts)


def test_the_errors_of_the_product_are_found() -> None:
    """
    The walk sees every room that has errors, so that none escapes the table.
    """
    rooms = {error.__module__.split(".")[1] for error in ERRORS}

    assert {"api_keys", "catalog", "customers", "fixes", "idempotency", "ledger"} <= rooms


def test_every_kind_has_a_status_of_its_own() -> None:
    """
    The one table maps each kind to a status of the client's side, and no two to the same.
    """
    statuses = [int(STATUS_OF_KIND[kind]) for kind in KINDS]

    assert set(STATUS_OF_KIND) == set(KINDS)
    assert len(set(statuses)) == len(KINDS)
    assert all(400 <= status < 500 for status in statuses)


def test_every_error_has_one_kind_and_a_code_of_its_own() -> None:
    """
    A caller can tell errors apart by their codes for ever.
    """
    assert complaints(ERRORS) == []


def test_the_check_of_errors_notices_two_kinds_and_a_shared_code() -> None:
    """
    Planted: an error of two kinds, and two with one code, are named.
    """
    two_kinds = type("TwoKinds", (NotFound, Conflict), {"code": "a", "sentence": ""})
    first = type("First", (Refused,), {"code": "b", "sentence": ""})
    second = type("Second", (Refused,), {"code": "b", "sentence": ""})

    assert complaints([two_kinds, first, second]) == ["TwoKinds", "First", "Second"]


@EACH
def test_a_code_is_stable_words(error: type[DomainError]) -> None:
    """
    A code is lower-case words, and belongs to the class itself.
    """
    assert "code" in vars(error)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)


@EACH
def test_an_error_states_a_fact(error: type[DomainError]) -> None:
    """
    It has a docstring and a sentence of its own that begins like one.
    """
    assert inspect.getdoc(error)
    assert "sentence" in vars(error)
    assert error.sentence[0].isupper() or error.sentence[0] == "{"


@EACH
def test_an_error_becomes_one_body(error: type[DomainError]) -> None:
    """
    Over the wire it is its kind's status, its sentence, its code and the request's id; only a 422 speaks of fields.
    """
    problem = raised(error)

    reply = reply_to_error(problem, "f00d")

    assert reply is not None
    body = msgspec.json.decode(reply.content)
    assert reply.status == next(status for kind, status in STATUS_OF_KIND.items() if issubclass(error, kind))
    assert {name: body[name] for name in ("error", "code", "request_id")} == {
        "error": str(problem),
        "code": error.code,
        "request_id": "f00d",
    }
    assert ("errors" in body) is issubclass(error, Invalid)


@EACH
def test_what_passes_by_itself_says_when_to_come_again(error: type[DomainError]) -> None:
    """
    Retry-After is there exactly when waiting helps.
    """
    reply = reply_to_error(raised(error), "f00d")

    assert reply is not None
    assert (b"retry-after" in dict(reply.headers)) is error.passes_by_itself


def test_what_is_no_expected_error_is_a_bug_of_ours() -> None:
    """
    Any other exception has no answer in the table, so that it is logged as a crash.
    """
    assert reply_to_error(ValueError("secret"), "f00d") is None

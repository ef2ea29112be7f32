"""
Shapes: what Stripe's objects look like, so that nothing else is answered or sent.

Every kind becomes a closure from a value to the problems found in it; a clean value costs one call per field and
builds nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from stripe_twin.contract.kinds import ANYTHING, NULL, TEXT, ClassName, Field, Kind, Scalar
from stripe_twin.contract.problems import Problem
from stripe_twin.contract.sdk import Sdk

_DELETED = frozenset({"id", "object", "deleted"})


Problems: TypeAlias = Sequence[Problem]
Check: TypeAlias = Callable[[Any], Problems]

CLEAN: Problems = ()


class Shapes:
    """
    The checks of one SDK's objects, each built once.
    """

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self._records: dict[ClassName, Check] = {}
        self._named: dict[str, Check] = {}

    def problems(self, value: Any) -> Problems:
        """
        Check an object by the name it gives itself; a page by the names of the objects on it.
        """
        if type(value) is not dict:
            return [Problem("", f"is {_described(value)}, no object")]
        word = value.get("object", "v2" if "data" in value else None)
        check = self._named.get(word) if type(word) is str else None
        if check is None:
            if type(word) is not str or (check := self._by_name(word)) is None:
                return [Problem("object", f"is {_described(word)}, no object that Stripe has")]
            self._named[word] = check
        return check(value)

    def _by_name(self, word: str) -> Check | None:
        if word in _PAGE_FIELDS:
            return self._page(word, self.problems)
        name = self._sdk.object_classes.get(word)
        return self.record(name) if name is not None else None

    def check(self, kind: Kind) -> Check:
        """
        Build the check of a kind.
        """
        if "any" in kind.scalars:
            return _anything
        leaf, hashed = _leaf(kind), self._hash(kind)
        listed = _list(self.check(kind.items[0])) if kind.items else None
        if hashed is None and listed is None:
            return leaf

        def check(value: Any) -> Problems:
            if type(value) is dict and hashed is not None:
                return hashed(value)
            if type(value) is list and listed is not None:
                return listed(value)
            return leaf(value)

        return check

    def _hash(self, kind: Kind) -> Check | None:
        if kind.pages:
            page = kind.pages[0]
            return self._page(page.style, self.check(page.item))
        if kind.values:
            value = self.check(kind.values[0])
            return lambda values: [problem.within(key) for key, one in values.items() for problem in value(one)]
        if len(kind.records) > 1:
            return self._variants(kind.records)
        return self.record(kind.records[0]) if kind.records else None

    def _page(self, style: str, item: Check) -> Check:
        fields = _PAGE_FIELDS[style]
        checks = {word: self.check(field.kind) for word, field in fields.items()}
        required = frozenset(word for word, field in fields.items() if field.required)
        items, no_list = _list(item), _leaf(Kind(items=(ANYTHING,)))
        checks["data"] = lambda values: items(values) if type(values) is list else no_list(values)
        return _record(checks, required | {"data"})

    def _variants(self, names: Sequence[ClassName]) -> Check:
        """
        Check an object that may be of several classes, by the name it gives itself.
        """
        words = {name: self._sdk.fields(name)["object"].kind.words for name in names}
        checks = {str(word): self.record(name) for name in names for word in words[name]}

        def check(value: Any) -> Problems:
            word = value.get("object")
            chosen = checks.get(word) if type(word) is str else None
            if chosen is None:
                return [Problem("object", f"is {_described(word)}, must be {_choice(tuple(checks))}")]
            return chosen(value)

        return check

    def record(self, name: ClassName) -> Check:
        """
        Build the check of a class; its fields are read when the first value comes.
        """
        if name not in self._records:
            built: list[Check] = []

            def check(value: Any) -> Problems:
                if not built:
                    fields = self._sdk.fields(name)
                    checks = {word: self.check(field.kind) for word, field in fields.items()}
                    built.append(_record(checks, frozenset(word for word, field in fields.items() if field.required)))
                return built[0](value)

            self._records[name] = check
        return self._records[name]


def _list(item: Check) -> Check:
    return lambda values: [
        problem.within(f"[{position}]") for position, value in enumerate(values) for problem in item(value)
    ]


def _record(checks: Mapping[str, Check], required: frozenset[str]) -> Check:
    known = checks.get

    def check(value: Any) -> Problems:
        found: list[Problem] | None = None
        for word, one in value.items():
            field = known(word)
            problems = field(one) if field is not None else _UNKNOWN
            if problems:
                found = [*(found or ()), *(problem.within(word) for problem in problems)]
        if not required <= value.keys():
            if "deleted" in checks and value.keys() == _DELETED and value["deleted"] is True:
                return found or CLEAN
            found = [*(found or ()), *(Problem(word, "is missing") for word in sorted(required - value.keys()))]
        return found or CLEAN

    return check


def _leaf(kind: Kind) -> Check:
    types = frozenset(one for scalar in kind.scalars for one in _TYPES.get(scalar, ()))
    patterns = [_PATTERNS[scalar] for scalar in kind.scalars if scalar in _PATTERNS]
    words = frozenset((type(word), word) for word in kind.words)

    def check(value: Any) -> Problems:
        kind_of_value = type(value)
        if kind_of_value in types or (value is None and kind.nullable):
            return CLEAN
        if kind_of_value in _WORD_TYPES and (kind_of_value, value) in words:
            return CLEAN
        if kind_of_value is str and any(pattern.fullmatch(value) for pattern in patterns):
            return CLEAN
        return [Problem("", f"is {_described(value)}, must be {_wanted(kind)}")]

    return check


def _anything(_value: Any) -> Problems:
    return CLEAN


def _described(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value)


def _wanted(kind: Kind) -> str:
    names = [*kind.words, *sorted(kind.scalars)]
    names += ["a list"] if kind.items else []
    names += ["an object"] if kind.records or kind.values or kind.pages else []
    names += ["null"] if kind.nullable else []
    return _choice(tuple(str(name) for name in names))


def _choice(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


_BOOLEAN = Kind(scalars=frozenset({"bool"}))
_PAGE_FIELDS: dict[str, dict[str, Field]] = {
    "list": {
        "object": Field(Kind(words=("list",))),
        "has_more": Field(_BOOLEAN),
        "url": Field(TEXT),
    },
    "search_result": {
        "object": Field(Kind(words=("search_result",))),
        "has_more": Field(_BOOLEAN),
        "url": Field(TEXT),
        "next_page": Field(TEXT | NULL, required=False),
        "total_count": Field(Kind(scalars=frozenset({"int"})), required=False),
    },
    "v2": {
        "next_page_url": Field(TEXT | NULL, required=False),
        "previous_page_url": Field(TEXT | NULL, required=False),
    },
}
_UNKNOWN: Problems = (Problem("", "is unknown"),)
_WORD_TYPES = frozenset({str, bool, int})
_TYPES: dict[Scalar, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float), "str": (str,)}
_PATTERNS: dict[Scalar, re.Pattern[str]] = {
    "decimal": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
    "int64": re.compile(r"-?[0-9]+"),
}

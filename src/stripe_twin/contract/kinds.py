"""
What a value may be: one normal form for every annotation of the SDK, of parameters and of objects alike.

A union is simply a kind that allows more: kinds merge, they do not nest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Literal, TypeAlias

Word: TypeAlias = str | bool | int
Scalar: TypeAlias = Literal["any", "bool", "int", "int64", "float", "decimal", "str"]


@dataclass(frozen=True, slots=True)
class ClassName:
    """
    A class of the SDK: its module, and its name with the classes around it, as in `Charge.BillingDetails`.
    """

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Page:
    """
    A page of a list; its style is `list` or `search_result` in v1, and `v2`, where pages have no name.
    """

    style: str
    item: "Kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    Everything one value may be; nothing given is nothing allowed.

    `items` are the kinds of a list's items, `values` those of a hash with free keys; at most one of each.
    `int64` is an integer written as text, as v2 does.
    """

    words: tuple[Word, ...] = ()
    scalars: frozenset[Scalar] = frozenset()
    items: tuple["Kind", ...] = ()
    values: tuple["Kind", ...] = ()
    pages: tuple[Page, ...] = ()
    records: tuple[ClassName, ...] = ()
    nullable: bool = False

    def __or__(self, other: "Kind") -> "Kind":
        """
        Allow what either allows.

        Words beside a plain string close the list again: the SDK opens every list so that its callers survive the
        words of tomorrow; today's API refuses them. The empty word alone closes nothing, it empties.
        """
        words = tuple(dict.fromkeys(self.words + other.words))
        scalars = self.scalars | other.scalars
        return Kind(
            words=words,
            scalars=scalars - {"str"} if any(words) else scalars,
            items=self.items or other.items,
            values=self.values or other.values,
            pages=self.pages or other.pages,
            records=tuple(dict.fromkeys(self.records + other.records)),
            nullable=self.nullable or other.nullable,
        )


@dataclass(frozen=True, slots=True)
class Field:
    """
    One parameter, or one field of an object: its kind, and whether it must be there.
    """

    kind: Kind
    required: bool = True


def sum_of(kinds: Iterable[Kind]) -> Kind:
    """
    Allow what any of them allows.
    """
    return reduce(or_, kinds, Kind())


NULL = Kind(nullable=True)
ANYTHING = Kind(scalars=frozenset({"any"}))
TEXT = Kind(scalars=frozenset({"str"}))

"""
What all of Stripe's objects share on the wire: expandable links, lists, moments, metadata.

The structs of this package name only the fields that we use; msgspec checks their types and passes over the rest,
so that what Stripe adds later does not disturb us.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

Body = dict[str, Any]
"""
An object of Stripe's as plain data: what JSON can say.
"""

Seconds = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)]
"""
A moment as Stripe writes it: seconds since 1970, within the years that there are.
"""

Item = TypeVar("Item")
Word = TypeVar("Word", bound=str)


class Linked(msgspec.Struct):
    """
    An object that was expanded in place of its id.
    """

    id: str


Expandable = str | Linked | None
"""
A link to another object: its id, or the object itself, by how Stripe was asked.
"""


class Listed(msgspec.Struct, Generic[Item]):
    """
    One page of a list, the newest first.
    """

    data: list[Item]
    has_more: bool = False


def id_of(link: str | Linked | None) -> str | None:
    """
    Return the id behind a link, expanded or not.
    """
    return link.id if isinstance(link, Linked) else link


def moment(seconds: int) -> datetime:
    """
    Read Stripe's seconds since 1970 as an aware moment in UTC.
    """
    return datetime.fromtimestamp(seconds, tz=UTC)


def moment_or_none(seconds: int | None) -> datetime | None:
    """
    Read a moment that may be missing.
    """
    return None if seconds is None else moment(seconds)


def known(word: str | None, words: Mapping[str, Word], otherwise: Word) -> Word:
    """
    Turn Stripe's word into ours, and one that we do not know into *otherwise*.
    """
    return words.get(word or "", otherwise)

"""
The form body and the query string: pairs with brackets in their names become hashes in hashes.

Lists stay hashes, by position, because only the parameter's kind tells `list[0]` from `hash[0]`.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias

from stripe_twin.contract.refusals import RequestRefused

Raw: TypeAlias = "str | dict[str, Raw]"

_NAME = re.compile(r"[^\[\]]+(\[[^\[\]]*\])+")


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Raw]:
    """
    Nest pairs by the brackets in their names; of a name given twice the last value counts.

    Raises:
        RequestRefused: brackets do not match, or a name is a value here and a hash there.
    """
    tree: dict[str, Raw] = {}
    for name, value in pairs:
        if "[" not in name and "]" not in name:
            _put(tree, name, value, name)
            continue
        if not _NAME.fullmatch(name):
            raise RequestRefused(f"Invalid parameter name: {name}", param=name)
        *outer, last = name.replace("]", "").split("[")
        place = tree
        for segment, following in zip(outer, [*outer[1:], last], strict=True):
            place = _inner(place, segment, following, name)
        _put(place, last or str(len(place)), value, name)
    return tree


def _put(place: dict[str, Raw], key: str, value: str, name: str) -> None:
    if isinstance(place.get(key), dict):
        raise RequestRefused(f"Invalid parameter: {name} is both a value and a hash", param=name)
    place[key] = value


def _inner(place: dict[str, Raw], segment: str, following: str, name: str) -> dict[str, Raw]:
    if not segment:  # name[][key]: the item under way, or the next when that has the key
        last = place.get(str(len(place) - 1))
        complete = not isinstance(last, dict) or following in last
        segment = str(len(place) - (0 if complete else 1))
    inner = place.setdefault(segment, {})
    if not isinstance(inner, dict):
        raise RequestRefused(f"Invalid parameter: {name} is both a value and a hash", param=name)
    return inner

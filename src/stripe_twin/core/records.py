"""
Records: JSON objects as the API shows them, and what of them changed.
"""

from typing import Any, TypeAlias

import msgspec

Record: TypeAlias = dict[str, Any]
"""
An object of the API, whole; or, under a kind that begins with an underscore, a fact the API does not show.
"""


def encoded(value: object) -> bytes:
    """
    Write a value as JSON.
    """
    return msgspec.json.encode(value)


def copied(record: Record) -> Record:
    """
    Return a copy that shares nothing with the original.
    """
    copy: Record = msgspec.json.decode(msgspec.json.encode(record))
    return copy


def changed_attributes(before: Record, after: Record) -> Record:
    """
    Return the earlier values of what changed, as an event's `previous_attributes` has them.

    Hashes are compared key by key, lists whole; a key that is new had the value null
    (docs.stripe.com/api/events/object).
    """
    previous: Record = {}
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            old = changed_attributes(old, new)
        previous[key] = old
    return previous

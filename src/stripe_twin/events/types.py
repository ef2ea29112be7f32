"""
Event types and groups of them: `customer.*`, `*.created`, `*` (docs.stripe.com/api/events/list).
"""

import re
from functools import lru_cache


def matches(event_type: str, wanted: str) -> bool:
    """
    Tell whether an event's type is the one wanted, or of the group that its `*` names.
    """
    return event_type == wanted or ("*" in wanted and _group(wanted).fullmatch(event_type) is not None)


@lru_cache(maxsize=256)
def _group(wanted: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in wanted.split("*")))

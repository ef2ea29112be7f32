"""
Lists by cursor, newest first (docs.stripe.com/api/pagination).
"""

from collections.abc import Iterable

from stripe_twin.core.account import Call
from stripe_twin.core.errors import invalid_request
from stripe_twin.core.records import Record

LIMIT_DEFAULT, LIMIT_MAX = 10, 100
_COMPARISONS = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}


def page(call: Call, records: Iterable[Record], *, url: str, matching: tuple[str, ...] = ()) -> Record:
    """
    Return the page a call asks for of records given newest first.

    *matching* names parameters that filter by equality of the field of the same name; `created` filters always. A
    cursor need not pass the filter.

    Raises:
        StripeError: a bad limit, both cursors at once, or a cursor that names nothing of this list.
    """
    params = call.params
    limit = _limit(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid_request("You cannot specify both starting_after and ending_before.")
    standing = list(records)
    if before:
        standing = standing[: _position(standing, before, "ending_before")]
    elif after:
        standing = standing[_position(standing, after, "starting_after") + 1 :]
    wanted = [record for record in standing if _matches(record, params, matching)]
    # Before a cursor stands what is next to it, still newest first.
    found = wanted[-limit:] if before else wanted[:limit]
    return {"object": "list", "data": found, "has_more": len(wanted) > limit, "url": url}


def whole_list(records: Iterable[Record], *, url: str) -> Record:
    """
    Return a list that is part of another object and shows all there is.
    """
    return {"object": "list", "data": list(records), "has_more": False, "url": url}


def _limit(params: Record) -> int:
    limit = int(params.get("limit", LIMIT_DEFAULT))
    if limit < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="limit"
        )
    if limit > LIMIT_MAX:
        raise invalid_request(
            f"This value must be less than or equal to {LIMIT_MAX} (it currently is '{limit}').",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def _matches(record: Record, params: Record, matching: tuple[str, ...]) -> bool:
    if any(name in params and record.get(name) != params[name] for name in matching):
        return False
    created = params.get("created")
    if isinstance(created, dict):
        return all(_COMPARISONS[name](record["created"], int(bound)) for name, bound in created.items())
    return created is None or record["created"] == int(created)


def _position(records: list[Record], record_id: str, param: str) -> int:
    for position, record in enumerate(records):
        if record["id"] == record_id:
            return position
    raise invalid_request(f"No such object: '{record_id}'", code="resource_missing", param=param)

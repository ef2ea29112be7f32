"""
What all routes of payments do with parameters and ids: merge, look up, and refuse what the twin does not do.
"""

from collections.abc import Iterable
from typing import Any

from stripe_twin.core import Account, Call, Record, invalid_request, not_done, resource_missing

ALWAYS_DONE = frozenset({"created", "ending_before", "expand", "limit", "metadata", "starting_after"})


def require_done(call: Call, done: Iterable[str], route: str) -> None:
    """
    Refuse a parameter that Stripe takes and the twin does not act on: silence would be a lie.

    Raises:
        StripeError: 501, naming it.
    """
    left = call.params.keys() - ALWAYS_DONE - set(done)
    if left:
        raise not_done(f"`{min(left)}` on {route}")


def merged_metadata(current: Record, change: Any) -> Record:
    """
    Merge metadata: keys are added or replaced, an empty text takes one away, or all (docs.stripe.com/api/metadata).
    """
    if change is None:
        return current
    if change == "":
        return {}
    return {key: value for key, value in {**current, **change}.items() if value != ""}


def emptied(value: Any) -> Any:
    """
    Return null for the empty text, by which a call takes a value away.
    """
    return None if value == "" else value


def address_of(given: Any, current: Record | None = None) -> Record | None:
    """
    Return an address with all its fields, the given ones changed; an empty text takes the whole away.
    """
    if given == "":
        return None
    fields = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
    return {**fields, **(current or {}), **{name: emptied(value) for name, value in (given or {}).items()}}


def shipping_of(given: Any, current: Record | None = None) -> Record | None:
    """
    Return a shipping hash with all its fields, the given ones changed; an empty text takes the whole away.
    """
    if given == "":
        return None
    fields = {"carrier": None, "name": None, "phone": None, "tracking_number": None}
    values = {name: emptied(value) for name, value in given.items() if name != "address"}
    address = address_of(given.get("address"), (current or {}).get("address"))
    return {**fields, **(current or {}), **values, "address": address}


def named_in_path(account: Account, kind: str, record_id: str, *, what: str, param: str = "id") -> Record:
    """
    Return the record that a path names, to read, and take the time from its customer's clock.

    Raises:
        StripeError: 404 `resource_missing`.
    """
    record = account.store.find(kind, record_id)
    if record is None:
        raise invalid_request(f"No such {what}: '{record_id}'", code="resource_missing", param=param, status=404)
    keep_time_of(account, record.get("customer"))
    return record


def keep_time_of(account: Account, customer_id: str | None) -> None:
    """
    Take the time from a customer's test clock, if there is one.
    """
    if customer_id is not None:
        account.use_clock_of(account.store.find("customer", customer_id))


def living_customer(account: Account, customer_id: str, param: str = "customer") -> Record:
    """
    Return the customer that a parameter names, and take the time from its clock.

    Raises:
        StripeError: 400 `resource_missing` when there is none, or when it was deleted.
    """
    customer = account.get("customer", customer_id, param=param)
    if "deleted" in customer:
        raise resource_missing("customer", customer_id, param=param)
    keep_time_of(account, customer_id)
    return customer

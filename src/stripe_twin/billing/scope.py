"""
What calls have in common: parameters that the twin leaves undone, metadata, and the customer whose clock counts.
"""

from collections.abc import Collection

from stripe_twin.core import Account, Record, invalid_request, not_done, resource_missing


def only_done(params: Record, done: Collection[str], where: str) -> None:
    """
    Insist that a call asks for nothing that would be ignored.

    Raises:
        StripeError: 501, naming the parameter.
    """
    for name in params:
        if name not in done and name != "expand":
            raise not_done(f"{name} on {where}")


def required(params: Record, name: str, where: str = "") -> object:
    """
    Return a parameter that the types leave optional and the call cannot do without.

    Raises:
        StripeError: `parameter_missing`.
    """
    if params.get(name) in (None, "", []):
        raise invalid_request(f"Missing required param: {where}{name}.", code="parameter_missing", param=where + name)
    return params[name]


def merged(metadata: Record | None, change: Record | str | None) -> Record:
    """
    Return metadata after a change: keys are merged, an empty value deletes its key, an empty string all.

    docs.stripe.com/api/metadata
    """
    if change == "":
        return {}
    both = {**(metadata or {}), **(change if isinstance(change, dict) else {})}
    return {key: value for key, value in both.items() if value != ""}


def emit_if_changed(account: Account, event_type: str, record: Record) -> None:
    """
    Emit an event of an edited record, unless it is as it was.
    """
    before = account.store.state_before(record["object"], record["id"])
    if record != before:
        if "updated" in record:
            record["updated"] = account.now
        account.emit(event_type, record)


def customer_of(account: Account, customer_id: str, param: str = "customer") -> Record:
    """
    Return a customer who is still there, and take the time from their clock.

    Raises:
        StripeError: `resource_missing`.
    """
    customer = account.get("customer", customer_id, param=param)
    if customer.get("deleted"):
        raise resource_missing("customer", customer_id, param=param)
    account.use_clock_of(customer)
    return customer


def from_path(account: Account, kind: str, record_id: str, param: str = "id") -> Record:
    """
    Return the record that a call's path names, and take the time from its customer's clock.

    Raises:
        StripeError: 404 `resource_missing`.
    """
    record = account.store.find(kind, record_id)
    if record is None:
        what = kind.replace("_", " ")
        raise invalid_request(f"No such {what}: '{record_id}'", code="resource_missing", param=param, status=404)
    use_clock(account, record)
    return record


def use_clock(account: Account, record: Record) -> None:
    """
    Take the time from the clock of a record's customer.
    """
    account.use_clock_of(account.store.find("customer", str(record.get("customer"))))

"""
Test clocks: a time of their own for the customers made on them (docs.stripe.com/api/test_clocks).
"""

from stripe_twin.billing.periods import DAY, boundary
from stripe_twin.billing.scope import only_done
from stripe_twin.billing.subscription_object import ENDED, period_of, recurring_of
from stripe_twin.core import Account, Call, Record, Routes, invalid_request, page, resource_missing

routes = Routes()

KIND = "test_helpers.test_clock"
_CLOCKS, _CLOCK = "/v1/test_helpers/test_clocks", "/v1/test_helpers/test_clocks/{test_clock}"
_KEPT_SECONDS = 30 * DAY
_ADVANCE_SECONDS_MAX = 730 * DAY
_REMOVED = ("customer", "subscription", "invoice", "invoiceitem", "payment_method", "payment_intent", "setup_intent")


@routes.post(_CLOCKS)
def create(account: Account, call: Call) -> Record:
    """
    Make a clock; emits test_helpers.test_clock.created.
    """
    only_done(call.params, {"frozen_time", "name"}, f"POST {_CLOCKS}")
    clock = {
        "id": account.new_id("clock"),
        "object": KIND,
        "created": account.now,
        "deletes_after": account.now + _KEPT_SECONDS,
        "frozen_time": call.params["frozen_time"],
        "livemode": False,
        "name": call.params.get("name"),
        "status": "ready",
        "status_details": {},
    }
    account.store.add(KIND, clock)
    account.emit(f"{KIND}.created", clock)
    return clock


@routes.get(_CLOCK)
def retrieve(account: Account, call: Call) -> Record:
    """
    Return a clock.
    """
    return _named(account, call)


@routes.get(_CLOCKS)
def list_all(account: Account, call: Call) -> Record:
    """
    List the clocks.
    """
    return page(call, account.store.all(KIND), url=_CLOCKS)


@routes.post(f"{_CLOCK}/advance")
def advance(account: Account, call: Call) -> Record:
    """
    Begin to advance a clock; emits test_helpers.test_clock.advancing, and .ready when all that became due is done.
    """
    clock_id, target = _named(account, call)["id"], call.params["frozen_time"]
    _require_reachable(account, clock_id, target)
    clock = account.edit(KIND, clock_id)
    clock.update(status="advancing", status_details={"advancing": {"target_frozen_time": target}})
    account.emit(f"{KIND}.advancing", clock)
    account.do_afterwards(lambda: _pass_time(account, clock_id, target))
    return clock


@routes.delete(_CLOCK)
def delete(account: Account, call: Call) -> Record:
    """
    Delete a clock and everything of its customers; emits test_helpers.test_clock.deleted.
    """
    clock = _named(account, call)
    customers = {one["id"] for one in account.store.all("customer") if one.get("test_clock") == clock["id"]}
    for kind in _REMOVED:
        for record in account.store.all(kind):
            if record["id"] in customers or record.get("customer") in customers:
                account.store.remove(kind, record["id"])
    account.store.remove(KIND, clock["id"])
    account.emit(f"{KIND}.deleted", clock)
    return {"id": clock["id"], "object": KIND, "deleted": True}


def _pass_time(account: Account, clock_id: str, target: int) -> None:
    account.advance(target, clock=clock_id)
    with account.store.unit():
        account.use_clock_of({"test_clock": clock_id})
        clock = account.edit(KIND, clock_id)
        clock.update(status="ready", status_details={})
        account.emit(f"{KIND}.ready", clock)


def _named(account: Account, call: Call) -> Record:
    clock = account.store.find(KIND, call.ids["test_clock"])
    if clock is None:
        raise resource_missing("billing clock", call.ids["test_clock"])
    return clock


def _require_reachable(account: Account, clock_id: str, target: int) -> None:
    """
    Insist on a later time, no further than two periods of the clock's shortest subscription, or two years.

    A clock that is advancing between two calls was left so by a process that was killed: it may go on.

    Raises:
        StripeError: another time.
    """
    clock = account.get(KIND, clock_id)
    now = clock["frozen_time"]
    if target <= now:
        raise invalid_request("The new frozen time must be after the clock's current frozen time.", param="frozen_time")
    ends = [
        boundary(period_of(one)[0], recurring_of(one), 1) - period_of(one)[0]
        for one in account.store.all("subscription")
        if one["test_clock"] == clock_id and one["status"] not in ENDED
    ]
    furthest = now + min([2 * seconds for seconds in ends], default=_ADVANCE_SECONDS_MAX)
    if target > furthest + DAY:  # two months may be a little longer than twice this one
        raise invalid_request(
            "You can advance a test clock by at most two intervals of its shortest subscription.", param="frozen_time"
        )

"""
What Stripe's Dashboard sets for a whole account: when failed payments are retried, what happens after the last try.

docs.stripe.com/billing/revenue-recovery/smart-retries
"""

from stripe_twin.billing.periods import DAY
from stripe_twin.core import Account, Record

_KIND, _ID = "_billing_settings", "billing"
_ENDS = ("cancel", "unpaid", "past_due")

DEFAULTS: Record = {
    "id": _ID,
    # Eight tries within two weeks, as Stripe recommends; days after the first failure.
    "retry_after_days": [1, 2, 3, 5, 7, 9, 11, 14],
    "after_last_retry": "cancel",
    "upcoming_days": 7,
}


def settings(account: Account) -> Record:
    """
    Return `retry_after_days`, `after_last_retry` (cancel, unpaid or past_due) and `upcoming_days` (0: no event).
    """
    return account.store.find(_KIND, _ID) or DEFAULTS


def change_settings(account: Account, changes: Record) -> Record:
    """
    Change some of the settings, inside the caller's unit.

    Raises:
        ValueError: a name or value that no setting has.
    """
    unknown = changes.keys() - DEFAULTS.keys() | changes.keys() & {"id"}
    if unknown:
        raise ValueError(f"No such billing setting: {', '.join(sorted(unknown))}")
    changed = {**settings(account), **changes}
    days = changed["retry_after_days"]
    if changed["after_last_retry"] not in _ENDS:
        raise ValueError(f"after_last_retry is one of {', '.join(_ENDS)}")
    if not isinstance(days, list) or any(type(day) is not int or day < 1 for day in days) or days != sorted(set(days)):
        raise ValueError("retry_after_days are whole days, ascending")
    if type(changed["upcoming_days"]) is not int or changed["upcoming_days"] < 0:
        raise ValueError("upcoming_days is a whole number of days, or 0")
    if account.store.find(_KIND, _ID) is None:
        return account.store.add(_KIND, changed)
    kept = account.store.edit(_KIND, _ID)
    kept.update(changed)
    return kept


def retry_at(account: Account, first_failed_at: int, tries: int) -> int | None:
    """
    Return when the next retry is due after so many attempts in all; None after the last.
    """
    days = settings(account)["retry_after_days"]
    return first_failed_at + days[tries - 1] * DAY if tries <= len(days) else None

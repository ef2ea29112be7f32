"""
Acts that are no call of the API: a customer's on a page, nature's by the control.
"""

from collections.abc import Callable
from typing import TypeVar

from stripe_twin.core import Account, Call, StripeError

Result = TypeVar("Result")


def act(account: Account, work: Callable[[], Result], *, base_url: str) -> Result:
    """
    Do some work in one unit, as a call of the API is done.

    Raises:
        StripeError: as the work does; what a decline changed stays, all else is undone.
    """
    with account.store.unit():
        account.begin(Call(base_url=base_url))
        try:
            result: Result | StripeError = work()
        except StripeError as error:
            if not error.keeps_changes:
                raise
            result = error
    account.run_afterwards()
    if isinstance(result, StripeError):
        raise result
    return result

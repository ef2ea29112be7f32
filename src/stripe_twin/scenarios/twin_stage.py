"""
The stage in a twin of this process, whose nature does as it is told.
"""

from typing import TYPE_CHECKING

import stripe

from stripe_twin import checkout, payments
from stripe_twin.acts import act
from stripe_twin.core.tasks import MAIN_CLOCK
from stripe_twin.embedded import InProcessClient
from stripe_twin.scenarios.stage import Stage

if TYPE_CHECKING:
    from stripe_twin.twin import Twin

_API_KEY = "sk_test_scenarios"
_EXPIRES = (12, 2040)
_CVC = "123"


class TwinNature:
    """
    Nature, as far as the twin has it.
    """

    def __init__(self, twin: "Twin") -> None:
        self._twin = twin

    def authenticate(self, intent_id: str, *, succeeded: bool) -> None:
        """
        Finish the 3-D Secure of a payment or setup intent.
        """
        account = self._twin.account
        act(
            account,
            lambda: payments.finish_authentication(account, intent_id, succeeded=succeeded),
            base_url=account.base_url,
        )

    def complete_checkout(self, session_id: str, *, number: str) -> None:
        """
        Type a card into the hosted page of a Checkout Session.
        """
        account = self._twin.account
        exp_month, exp_year = _EXPIRES
        card = checkout.Card(number, exp_month, exp_year, _CVC, name="A Customer", email="customer@example.com")
        act(account, lambda: checkout.complete(account, session_id, card), base_url=account.base_url)

    def renew_card(self, payment_method_id: str) -> None:
        """
        Have the card's network renew a saved card.
        """
        account = self._twin.account
        act(account, lambda: payments.renew_card(account, payment_method_id), base_url=account.base_url)

    def wait(self, seconds: int) -> None:
        """
        Let time pass on the twin's main clock.
        """
        account = self._twin.account
        account.advance(account.now_on(MAIN_CLOCK) + seconds)


def twin_stage(twin: "Twin", http_client: stripe.HTTPClient | None = None) -> Stage:
    """
    Return the stage in this twin; *http_client* may watch what is said.
    """
    sdk = stripe.StripeClient(
        _API_KEY,
        http_client=http_client or InProcessClient(twin),
        base_addresses={"api": twin.account.base_url},
        max_network_retries=0,
    )
    run = f"{twin.account.now_on(MAIN_CLOCK)}-{twin.store.count('event')}"
    return Stage(sdk, run, TwinNature(twin))

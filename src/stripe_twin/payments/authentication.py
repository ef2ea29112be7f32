"""
The end of 3-D Secure, for payment and setup intents alike (docs.stripe.com/payments/3d-secure).
"""

from stripe_twin.core import Account, Record, resource_missing
from stripe_twin.payments import intents, paying, setup_intents
from stripe_twin.payments.parameters import keep_time_of


def finish_authentication(account: Account, intent_id: str, *, succeeded: bool) -> Record:
    """
    Go on with an intent whose customer has been to the bank: the verb of the page that `next_action` leads to.

    Raises:
        StripeError: there is no such intent, or it does not wait for its customer.
    """
    found = account.store.lookup(intent_id)
    if found is None or found["object"] not in intents.NAMES:
        raise resource_missing("intent", intent_id)
    if found["status"] != "requires_action":
        raise intents.unexpected_state(found, f"This intent has a status of {found['status']}: nothing is to be done.")
    keep_time_of(account, found["customer"])
    intent = account.edit(found["object"], intent_id)
    if intent["object"] == "payment_intent":
        return paying.finish_payment(account, intent, authenticated=succeeded)
    method = account.get("payment_method", intent["payment_method"])
    return setup_intents.finish_setup(account, intent, method, authenticated=succeeded)

"""
Mandates: the record of a customer's consent to later charges (docs.stripe.com/api/mandates).

Made only of a setup intent confirmed with `mandate_data`; a card needs none.
"""

from stripe_twin.core import Account, Call, Record, Routes
from stripe_twin.payments.parameters import named_in_path

routes = Routes()


@routes.get("/v1/mandates/{mandate}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a mandate.
    """
    return named_in_path(account, "mandate", call.ids["mandate"], what="mandate", param="mandate")


def add_mandate(account: Account, payment_method_id: str, acceptance: Record) -> Record:
    """
    Add a mandate, pending until its setup succeeds.
    """
    given: Record = {"accepted_at": account.now, **acceptance}
    return account.store.add(
        "mandate",
        {
            "id": account.new_id("mandate"),
            "object": "mandate",
            "customer_acceptance": given,
            "livemode": False,
            "multi_use": {},
            "payment_method": payment_method_id,
            "payment_method_details": {"card": {}, "type": "card"},
            "status": "pending",
            "type": "multi_use",
        },
    )


def activate(account: Account, mandate_id: str) -> None:
    """
    Make a mandate count.
    """
    account.edit("mandate", mandate_id)["status"] = "active"

"""
Consent over the wire: withdrawing it. It is given with a payment method.
"""

from rsolv import payment_methods
from rsolv.api.caller import declaration_of
from rsolv.api.operation import Access, Call, Operation, Reply, Shape


class WithdrawnAnswer(Shape):
    """
    How many consents were withdrawn just now; 0 when none stood.
    """

    withdrawn: int


async def withdraw_consent(call: Call) -> Reply:
    """
    Withdraw every consent to be charged. Payment methods stay; nothing is charged until there is another consent.
    """
    async with call.parts.database.transaction() as connection:
        withdrawn = await payment_methods.withdraw_consent(
            connection, call.parts.bus, declaration_of(call), customer_id=call.customer_id
        )
    return Reply(WithdrawnAnswer(withdrawn=withdrawn))


OPERATIONS = (
    Operation(
        method="DELETE",
        path="/api/v1/billing/consent",
        summary="Withdraw the consent to be charged",
        access=Access.API_KEY,
        handler=withdraw_consent,
        answer=WithdrawnAnswer,
        refusals=(401, 503),
        tag="Billing",
    ),
)

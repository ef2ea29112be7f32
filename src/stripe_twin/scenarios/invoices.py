"""
Scenarios of invoices: nearly all by the first one of a subscription, which is finalised and charged at once.
"""

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()

STARTS_AT = 1_800_000_000
"""
Where the test clocks of scenarios begin; what year it is matters to nobody.
"""
_MONTH_AND_A_BIT_SECONDS = 32 * 24 * 3600


async def _first(stage: Stage, card: str) -> str:
    customer = await props.paying_customer(stage, card)
    return props.latest_invoice_id(await props.subscription(stage, customer.id))


@scenarios.ends_in("invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded")
async def paid(stage: Stage) -> str:
    """
    Open a subscription that is paid at once.
    """
    return await _first(stage, "pm_card_visa")


@scenarios.ends_in("invoice.paid:renewal")
async def renewed(stage: Stage) -> str:
    """
    Let a month pass on a test clock: the renewal is drafted, finalised after an hour and paid.
    """
    clock = await stage.clock(STARTS_AT)
    customer = await props.paying_customer(stage, test_clock=clock)
    made = await props.subscription(stage, customer.id)
    await stage.advance(clock, STARTS_AT + _MONTH_AND_A_BIT_SECONDS)
    return props.latest_invoice_id(await stage.sdk.v1.subscriptions.retrieve_async(made.id))


@scenarios.ends_in("invoice.payment_failed")
async def declined(stage: Stage) -> str:
    """
    Open a subscription with a card that can be saved but not charged.
    """
    return await _first(stage, "pm_card_chargeCustomerFail")


@scenarios.ends_in("invoice.payment_action_required")
async def asked(stage: Stage) -> str:
    """
    Open a subscription with a card whose bank wants the customer's word.
    """
    return await _first(stage, "pm_card_authenticationRequired")


@scenarios.ends_in("invoice.finalization_failed")
async def not_finalized(stage: Stage) -> str:
    """
    Renew a taxed subscription of a customer who has no location any more (docs.stripe.com/tax/customer-locations).
    """
    clock = await stage.clock(STARTS_AT)
    address = {"country": "US", "line1": "354 Oyster Point Blvd", "postal_code": "94080", "state": "CA"}
    customer = await props.paying_customer(stage, test_clock=clock, address=address)
    made = await props.subscription(stage, customer.id, automatic_tax={"enabled": True})
    await stage.sdk.v1.customers.update_async(customer.id, {"address": ""})
    await stage.advance(clock, STARTS_AT + _MONTH_AND_A_BIT_SECONDS)
    return props.latest_invoice_id(await stage.sdk.v1.subscriptions.retrieve_async(made.id))

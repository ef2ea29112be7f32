"""
Questions about setup intents: cards saved for later.
"""

from stripe_twin.conformance.questions import Facts, Questions, plain, refusal
from stripe_twin.scenarios import Stage, props

questions = Questions()

_SAVE = "docs.stripe.com/payments/save-and-reuse"
_3DS_NEEDED = "pm_card_authenticationRequiredOnSetup"


@questions.on(_SAVE, status="succeeded", attached=True, default=None)
async def setting_up_attaches_the_card(stage: Stage) -> Facts:
    """
    To the intent's customer; it does not become the default.
    """
    intent = await props.setup(stage, "pm_card_visa")
    customer_id, method_id = props.id_of(intent.customer), props.id_of(intent.payment_method)
    method = await stage.sdk.v1.payment_methods.retrieve_async(method_id)
    customer = plain(await stage.sdk.v1.customers.retrieve_async(customer_id))
    return {
        "status": intent.status,
        "attached": method.customer == customer_id,
        "default": customer["invoice_settings"]["default_payment_method"],
    }


@questions.on(_SAVE, status=402, code="card_declined", decline_code="generic_decline", shown="requires_payment_method")
async def a_card_that_declines_cannot_be_set_up(stage: Stage) -> Facts:
    """
    The error shows the setup intent, which wants another card.
    """
    told = await refusal(props.setup(stage, "pm_card_visa_chargeDeclined"), "decline_code", "setup_intent")
    shown = (told["setup_intent"] or {}).get("status")
    return {**{name: told[name] for name in ("status", "code", "decline_code")}, "shown": shown}


@questions.refused("[K]", code="setup_intent_unexpected_state")
async def a_succeeded_setup_cannot_be_confirmed_again(stage: Stage) -> None:
    """
    It is done.
    """
    intent = await props.setup(stage, "pm_card_visa")
    await stage.sdk.v1.setup_intents.confirm_async(intent.id)


@questions.on("docs.stripe.com/api/mandates", status="active", type="multi_use", same_card=True)
async def a_setup_with_consent_makes_a_mandate(stage: Stage) -> Facts:
    """
    Of `mandate_data`: the record of the customer's word.
    """
    acceptance = {"type": "online", "online": {"ip_address": "203.0.113.7", "user_agent": "A Browser"}}
    intent = await props.setup(stage, "pm_card_visa", mandate_data={"customer_acceptance": acceptance})
    mandate = await stage.sdk.v1.mandates.retrieve_async(props.id_of(intent.mandate))
    return {
        "status": mandate.status,
        "type": mandate.type,
        "same_card": props.id_of(mandate.payment_method) == props.id_of(intent.payment_method),
    }


@questions.on(
    "docs.stripe.com/testing#regulatory-cards",
    needs="a customer finishes 3-D Secure",
    setup="succeeded",
    later="succeeded",
)
async def a_card_set_up_once_is_charged_without_asking(stage: Stage) -> Facts:
    """
    The card 3155: asked when it is set up, not when the customer is away later.
    """
    intent = await props.setup(stage, _3DS_NEEDED)
    stage.by_nature().authenticate(intent.id, succeeded=True)
    done = await stage.sdk.v1.setup_intents.retrieve_async(intent.id)
    method_id, customer_id = props.id_of(done.payment_method), props.id_of(done.customer)
    payment = await props.payment(stage, method_id, customer=customer_id, off_session=True)
    return {"setup": done.status, "later": payment.status}


@questions.on(
    "docs.stripe.com/testing#regulatory-cards",
    needs="a customer fails 3-D Secure",
    status="requires_payment_method",
    code="setup_intent_authentication_failure",
    cards=0,
)
async def a_failed_authentication_saves_nothing(stage: Stage) -> Facts:
    """
    With an error of its own.
    """
    intent = await props.setup(stage, _3DS_NEEDED)
    stage.by_nature().authenticate(intent.id, succeeded=False)
    left = plain(await stage.sdk.v1.setup_intents.retrieve_async(intent.id))
    cards = await stage.sdk.v1.customers.payment_methods.list_async(left["customer"])
    return {"status": left["status"], "code": left["last_setup_error"]["code"], "cards": len(cards.data)}

"""
Questions about cards: what each test card does, who may use a saved one.
"""

from stripe_twin.conformance.questions import Facts, Question, Questions, plain, refusal
from stripe_twin.scenarios import Stage, props

questions = Questions()

_TESTING = "docs.stripe.com/testing"
_ATTACH = "docs.stripe.com/api/payment_methods/attach"
_DEFAULTS = "docs.stripe.com/billing/subscriptions/payment-methods-setting"

_DECLINES: dict[str, tuple[str, str | None, str | None]] = {
    "chargeDeclined": ("card_declined", "generic_decline", "try_again_later"),
    "chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds", "try_again_later"),
    "chargeDeclinedLostCard": ("card_declined", "lost_card", "do_not_try_again"),
    "chargeDeclinedStolenCard": ("card_declined", "stolen_card", "do_not_try_again"),
    "chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded", "try_again_later"),
    "chargeDeclinedExpiredCard": ("expired_card", None, "confirm_card_data"),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", None, "confirm_card_data"),
    "chargeDeclinedProcessingError": ("processing_error", None, "try_again_later"),
}
"""
Error code and decline code by docs.stripe.com/testing, and the advice code [K].
"""


def _decline_question(name: str, code: str, decline_code: str | None, advice_code: str | None) -> Question:
    async def ask(stage: Stage) -> Facts:
        return await refusal(props.payment(stage, f"pm_card_visa_{name}"), "decline_code", "advice_code")

    believes = {
        "status": 402,
        "type": "card_error",
        "code": code,
        "param": None,
        "decline_code": decline_code,
        "advice_code": advice_code,
    }
    return Question(f"{name} is declined", "With these codes; advice and no `param` are [K].", _TESTING, believes, ask)


for _name, _codes in _DECLINES.items():
    questions.add(_decline_question(_name, *_codes))


@questions.on("[K]", status=402, code="card_declined", methods=0)
async def a_card_that_declines_cannot_be_attached(stage: Stage) -> Facts:
    """
    The bank is asked when a card is saved.
    """
    customer = await props.customer(stage)
    refused = await refusal(props.attached(stage, customer.id, "pm_card_chargeDeclined"))
    methods = await stage.sdk.v1.customers.payment_methods.list_async(customer.id)
    return {"status": refused["status"], "code": refused["code"], "methods": len(methods.data)}


@questions.on(_TESTING, attached=True, status=402, code="card_declined", decline_code="generic_decline")
async def the_card_0341_is_saved_and_then_declines(stage: Stage) -> Facts:
    """
    Attaching it succeeds, charging it does not.
    """
    customer = await props.customer(stage)
    method = await props.attached(stage, customer.id, "pm_card_chargeCustomerFail")
    told = await refusal(props.payment(stage, method.id, customer=customer.id, off_session=True), "decline_code")
    return {
        "attached": method.customer == customer.id,
        **{name: told[name] for name in ("status", "code", "decline_code")},
    }


@questions.on("[K]", same_id=False, same_fingerprint=True)
async def a_test_name_makes_a_new_payment_method_each_time(stage: Stage) -> Facts:
    """
    Of the same card: the fingerprint is that of the number.
    """
    customer = await props.customer(stage)
    first, second = [await props.attached(stage, customer.id) for _ in range(2)]
    assert first.card is not None, "a card"
    assert second.card is not None, "a card"
    return {
        "same_id": first.id == second.id,
        "same_fingerprint": first.card.fingerprint == second.card.fingerprint,
    }


@questions.on("docs.stripe.com/payments/payment-methods", first="succeeded", then=400)
async def a_card_that_nobody_keeps_is_used_up_by_a_payment(stage: Stage) -> Facts:
    """
    To be charged again it must have been attached before.
    """
    method = await stage.sdk.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    first = await props.payment(stage, method.id)
    then = await refusal(props.payment(stage, method.id))
    return {"first": first.status, "then": then["status"]}


@questions.on("docs.stripe.com/api/payment_methods/detach", customer=None, default=None, again=400)
async def a_detached_card_is_gone_for_good(stage: Stage) -> Facts:
    """
    It is nobody's default any more, and cannot be attached again.
    """
    customer = await props.paying_customer(stage)
    methods = await stage.sdk.v1.customers.payment_methods.list_async(customer.id)
    gone = await stage.sdk.v1.payment_methods.detach_async(methods.data[0].id)
    kept = plain(await stage.sdk.v1.customers.retrieve_async(customer.id))
    again = await refusal(props.attached(stage, customer.id, gone.id))
    default = kept["invoice_settings"]["default_payment_method"]
    return {"customer": gone.customer, "default": default, "again": again["status"]}


@questions.refused("[K]", param="payment_method")
async def a_card_of_another_customer_is_refused(stage: Stage) -> None:
    """
    A payment takes the cards of its own customer only.
    """
    owner, other = await props.customer(stage), await props.customer(stage)
    method = await props.attached(stage, owner.id)
    await props.payment(stage, method.id, customer=other.id)


@questions.refused("[K]", param="payment_method")
async def a_saved_card_needs_its_customer(stage: Stage) -> None:
    """
    A payment without a customer cannot take a customer's card.
    """
    method = await props.attached(stage, (await props.customer(stage)).id)
    await props.payment(stage, method.id)


@questions.refused("[K]", param="payment_method")
async def a_card_cannot_be_attached_to_a_second_customer(stage: Stage) -> None:
    """
    It is one customer's.
    """
    first, second = await props.customer(stage), await props.customer(stage)
    method = await props.attached(stage, first.id)
    await props.attached(stage, second.id, method.id)


@questions.refused(_DEFAULTS, code="resource_missing", param="invoice_settings[default_payment_method]")
async def a_default_must_be_attached(stage: Stage) -> None:
    """
    A customer's default is one of the customer's own cards.
    """
    customer = await props.customer(stage)
    method = await stage.sdk.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    await stage.sdk.v1.customers.update_async(customer.id, {"invoice_settings": {"default_payment_method": method.id}})


@questions.on(_ATTACH, default=None)
async def an_attached_card_is_nobodys_default(stage: Stage) -> Facts:
    """
    Attaching does not make it the one that invoices are charged to.
    """
    customer = await props.customer(stage)
    await props.attached(stage, customer.id)
    kept = plain(await stage.sdk.v1.customers.retrieve_async(customer.id))
    return {"default": kept["invoice_settings"]["default_payment_method"]}

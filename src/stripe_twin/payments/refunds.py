"""
Refunds, also those that take their time or fail in the end (docs.stripe.com/api/refunds, docs.stripe.com/refunds).
"""

from stripe_twin.core import Account, Call, Record, Routes, StripeError, TaskHandlers, invalid_request, page
from stripe_twin.payments import disputes
from stripe_twin.payments.amounts import shown
from stripe_twin.payments.charges import add_balance_transaction
from stripe_twin.payments.parameters import keep_time_of, merged_metadata, named_in_path, require_done
from stripe_twin.payments.wallet import card_behind

routes = Routes()

_ROUTE = "POST /v1/refunds"
_DECIDED_AFTER_SECONDS = 60
_FAILURE = "expired_or_canceled_card"


@routes.post("/v1/refunds")
def create(account: Account, call: Call) -> Record:
    """
    Give back all or some of a charge (docs.stripe.com/api/refunds/create). Emits refund.created, charge.refunded.

    Raises:
        StripeError: nothing to refund, more than is left, or the charge is disputed.
    """
    require_done(call, ("amount", "charge", "payment_intent", "reason"), _ROUTE)
    params = call.params
    charge = account.store.edit("charge", _charge_to_refund(account, params)["id"])
    _require_refundable(account, charge)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if left == 0:
        raise invalid_request(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        currency = charge["currency"]
        raise invalid_request(
            f"Refund amount ({shown(amount, currency)}) is greater than unrefunded amount on charge "
            f"({shown(left, currency)})",
            param="amount",
        )
    course = card_behind(account, charge["payment_method"]).refunds
    refund = _add_refund(account, charge, amount, params, pending=course == "pending_first")
    _move(charge, amount)
    account.emit("refund.created", refund)
    account.emit("charge.refunded", charge)
    if course != "at_once":
        task = "refund_arrives" if course == "pending_first" else "refund_fails"
        account.schedule(task, {"refund": refund["id"]}, at=account.now + _DECIDED_AFTER_SECONDS)
    return refund


@routes.get("/v1/refunds/{refund}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a refund.
    """
    return named_in_path(account, "refund", call.ids["refund"], what="refund", param="refund")


@routes.get("/v1/refunds")
def list_refunds(account: Account, call: Call) -> Record:
    """
    List refunds: of a charge, of a payment intent.
    """
    return page(call, account.store.all("refund"), url="/v1/refunds", matching=("charge", "payment_intent"))


@routes.post("/v1/refunds/{refund}")
def update(account: Account, call: Call) -> Record:
    """
    Change a refund's metadata, all that can be changed. Emits refund.updated.
    """
    refund = account.store.edit("refund", retrieve(account, call)["id"])
    refund["metadata"] = merged_metadata(refund["metadata"], call.params.get("metadata"))
    account.emit("refund.updated", refund)
    return refund


@routes.post("/v1/refunds/{refund}/cancel")
def cancel(account: Account, call: Call) -> Record:
    """
    Refuse: the refund of a card cannot be canceled (docs.stripe.com/api/refunds/cancel).
    """
    retrieve(account, call)
    raise invalid_request("Canceling this refund is unsupported.")


def fail_refund(account: Account, refund_id: str) -> Record:
    """
    Have a refund fail after all (docs.stripe.com/refunds#failed-refunds): the charge's amounts are as before it.

    Emits refund.failed, refund.updated. A refund that has failed stays as it is.
    """
    refund = account.edit("refund", refund_id)
    if refund["status"] == "failed":
        return refund
    charge = account.edit("charge", refund["charge"])
    keep_time_of(account, charge["customer"])
    _move(charge, -refund["amount"])
    refund["status"] = "failed"
    refund["failure_reason"] = _FAILURE
    refund["failure_balance_transaction"] = add_balance_transaction(
        account,
        amount=refund["amount"],
        currency=refund["currency"],
        source=refund["id"],
        kind="refund_failure",
    )["id"]
    account.emit("charge.updated", charge)
    account.emit("refund.updated", refund)
    account.emit("refund.failed", refund)
    return refund


def _fail(account: Account, about: Record) -> None:
    fail_refund(account, about["refund"])


def _arrive(account: Account, about: Record) -> None:
    refund = account.edit("refund", about["refund"])
    if refund["status"] == "pending":
        refund["status"] = "succeeded"
        del refund["pending_reason"]
        account.emit("refund.updated", refund)


TASKS: TaskHandlers = {"refund_fails": _fail, "refund_arrives": _arrive}


def _move(charge: Record, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _charge_to_refund(account: Account, params: Record) -> Record:
    if "payment_intent" in params:
        intent = account.get("payment_intent", params["payment_intent"], param="payment_intent")
        keep_time_of(account, intent["customer"])
        charge = account.store.find("charge", intent["latest_charge"] or "")
        if charge is None or not charge["paid"]:
            raise _unpaid(intent["id"])
    elif "charge" in params:
        charge = named_in_path(account, "charge", params["charge"], what="charge")
        if not charge["paid"]:
            raise _unpaid(charge["payment_intent"])
    else:
        raise invalid_request(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if params.get("charge", charge["id"]) != charge["id"]:
        raise invalid_request("The charge and the payment_intent do not belong together.", param="charge")
    return charge


def _unpaid(intent_id: str) -> StripeError:
    return invalid_request(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")


def _require_refundable(account: Account, charge: Record) -> None:
    dispute = disputes.dispute_of(account, charge)
    if dispute is not None and not dispute["is_charge_refundable"]:
        raise invalid_request(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )


def _add_refund(account: Account, charge: Record, amount: int, params: Record, *, pending: bool) -> Record:
    refund_id = account.new_id("re")
    transaction = add_balance_transaction(
        account, amount=-amount, currency=charge["currency"], source=refund_id, kind="refund"
    )
    return account.store.add(
        "refund",
        {
            "id": refund_id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": transaction["id"],
            "charge": charge["id"],
            "created": account.now,
            "currency": charge["currency"],
            "customer": charge["customer"],
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "pending" if pending else "refund",
                },
                "type": "card",
            },
            "metadata": merged_metadata({}, params.get("metadata")),
            "payment_intent": charge["payment_intent"],
            "payment_method": charge["payment_method"],
            "reason": params.get("reason"),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "pending" if pending else "succeeded",
            "transfer_reversal": None,
            **({"pending_reason": "processing"} if pending else {}),
        },
    )

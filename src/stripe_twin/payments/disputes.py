"""
Disputes: a customer's bank asks for the money back (docs.stripe.com/disputes, docs.stripe.com/testing#disputes).

A test card is disputed with its payment. Evidence with one of the documented words is judged some seconds later; any
other stays under review until the control API decides.
"""

from stripe_twin.core import Account, Call, Record, Routes, StripeError, TaskHandlers, invalid_request, not_done, page
from stripe_twin.payments.cards import DisputeKind
from stripe_twin.payments.charges import add_balance_transaction
from stripe_twin.payments.parameters import keep_time_of, merged_metadata, named_in_path, require_done

routes = Routes()

_FEE = 1500
_DAY_SECONDS = 24 * 3600
_DUE_AFTER_DAYS = 9
_JUDGED_AFTER_SECONDS = 5
_CLOSED = {"won", "lost", "warning_closed"}
_VERDICTS = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence")
_NETWORK_REASONS: dict[DisputeKind, str] = {"fraudulent": "10.4", "product_not_received": "13.1", "inquiry": "10"}
_EVIDENCE_FIELDS = """
access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation shipping_address
shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text
"""
_EVIDENCE = tuple(_EVIDENCE_FIELDS.split())


@routes.get("/v1/disputes/{dispute}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a dispute.
    """
    return _named(account, call.ids["dispute"])


@routes.get("/v1/disputes")
def list_disputes(account: Account, call: Call) -> Record:
    """
    List disputes: of a charge, of a payment intent.
    """
    return page(call, account.store.all("dispute"), url="/v1/disputes", matching=("charge", "payment_intent"))


@routes.post("/v1/disputes/{dispute}")
def update(account: Account, call: Call) -> Record:
    """
    Submit evidence, or only stage it with `submit=false` (docs.stripe.com/api/disputes/update).

    Emits charge.dispute.updated.
    """
    require_done(call, ("evidence", "submit"), "POST /v1/disputes/{dispute}")
    dispute = _to_change(account, call)
    params = call.params
    evidence = params.get("evidence", {})
    if evidence.keys() - set(_EVIDENCE):
        raise not_done(f"`evidence[{min(evidence.keys() - set(_EVIDENCE))}]` on POST /v1/disputes/{{dispute}}")
    dispute["metadata"] = merged_metadata(dispute["metadata"], params.get("metadata"))
    dispute["evidence"].update({name: value or None for name, value in evidence.items()})
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"][name] is not None for name in _EVIDENCE)
    if details["has_evidence"] and params.get("submit", "evidence" in params):
        details["submission_count"] += 1
        details["submission_method"] = "manual"
        dispute["status"] = "warning_under_review" if _is_inquiry(dispute) else "under_review"
        verdict = dispute["evidence"]["uncategorized_text"]
        if verdict in _VERDICTS:
            about = {"dispute": dispute["id"], "verdict": verdict}
            account.schedule("dispute_is_judged", about, at=account.now + _JUDGED_AFTER_SECONDS)
    account.emit("charge.dispute.updated", dispute)
    return dispute


@routes.post("/v1/disputes/{dispute}/close")
def close(account: Account, call: Call) -> Record:
    """
    Give in: the dispute is lost (docs.stripe.com/api/disputes/close). Emits charge.dispute.closed.
    """
    dispute = _to_change(account, call)
    if _is_inquiry(dispute):
        raise not_done("POST /v1/disputes/{dispute}/close for an inquiry")
    return _ended(account, dispute, "lost")


def open_dispute(account: Account, charge: Record, kind: DisputeKind, *, amount: int | None = None) -> Record:
    """
    Have a charge disputed; only an inquiry leaves the money where it is (docs.stripe.com/disputes/how-disputes-work).

    All of it, unless *amount* says how much: a bank may dispute a part.

    Emits charge.dispute.created, charge.dispute.funds_withdrawn.
    """
    account.store.edit("charge", charge["id"])["disputed"] = True
    dispute = account.store.add(
        "dispute", _dispute(account, charge, kind) | ({} if amount is None else {"amount": amount})
    )
    if kind != "inquiry":
        _withdraw(account, dispute)
        due_at = dispute["evidence_details"]["due_by"]
        account.schedule("dispute_is_due", {"dispute": dispute["id"]}, at=due_at)
    account.emit("charge.dispute.created", dispute)
    if kind != "inquiry":
        account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def dispute_of(account: Account, charge: Record) -> Record | None:
    """
    Return a charge's dispute, if it has one.
    """
    if not charge["disputed"]:
        return None
    return next(dispute for dispute in account.store.all("dispute") if dispute["charge"] == charge["id"])


def decide_dispute(account: Account, dispute_id: str, *, won: bool) -> Record:
    """
    Decide a dispute: won, the money comes back; lost, it stays away.

    An inquiry is closed (won) or becomes a chargeback (lost), which then needs a response of its own.

    Emits charge.dispute.funds_reinstated, charge.dispute.closed; or updated and funds_withdrawn for the chargeback.
    """
    dispute = account.edit("dispute", dispute_id)
    _require_unfinished(dispute)
    keep_time_of(account, account.get("charge", dispute["charge"])["customer"])
    if _is_inquiry(dispute):
        return _ended(account, dispute, "warning_closed") if won else _escalated(account, dispute)
    if not won:
        return _ended(account, dispute, "lost")
    dispute["balance_transactions"].append(_adjustment(account, dispute, dispute["amount"], -_FEE))
    dispute["is_charge_refundable"] = True
    dispute["status"] = "won"
    account.emit("charge.dispute.funds_reinstated", dispute)
    return _ended(account, dispute, "won")


def _judge(account: Account, about: Record) -> None:
    dispute = account.edit("dispute", about["dispute"])
    if dispute["status"] not in {"under_review", "warning_under_review"}:
        return
    inquiry, verdict = _is_inquiry(dispute), about["verdict"]
    if verdict == "escalate_inquiry_evidence" and not inquiry:
        return
    # What loses a chargeback merely closes an inquiry: it does not become one.
    won = {"winning_evidence", "losing_evidence"} if inquiry else {"winning_evidence"}
    decide_dispute(account, dispute["id"], won=verdict in won)


def _expire(account: Account, about: Record) -> None:
    dispute = account.edit("dispute", about["dispute"])
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        _ended(account, dispute, "lost")


TASKS: TaskHandlers = {"dispute_is_judged": _judge, "dispute_is_due": _expire}


def _ended(account: Account, dispute: Record, status: str) -> Record:
    dispute["status"] = status
    account.emit("charge.dispute.closed", dispute)
    return dispute


def _escalated(account: Account, dispute: Record) -> Record:
    _withdraw(account, dispute)
    dispute["status"] = "needs_response"
    dispute["is_charge_refundable"] = False
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    account.emit("charge.dispute.updated", dispute)
    account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _withdraw(account: Account, dispute: Record) -> None:
    dispute["balance_transactions"].append(_adjustment(account, dispute, -dispute["amount"], _FEE))


def _adjustment(account: Account, dispute: Record, amount: int, fee: int) -> Record:
    return add_balance_transaction(
        account,
        amount=amount,
        currency=dispute["currency"],
        source=dispute["id"],
        kind="adjustment",
        fee=fee,
        category="dispute" if amount < 0 else "dispute_reversal",
    )


def _is_inquiry(dispute: Record) -> bool:
    return str(dispute["status"]).startswith("warning_")


def _named(account: Account, dispute_id: str) -> Record:
    dispute = named_in_path(account, "dispute", dispute_id, what="dispute", param="dispute")
    keep_time_of(account, account.get("charge", dispute["charge"])["customer"])
    return dispute


def _to_change(account: Account, call: Call) -> Record:
    dispute = account.store.edit("dispute", _named(account, call.ids["dispute"])["id"])
    _require_unfinished(dispute)
    return dispute


def _require_unfinished(dispute: Record) -> None:
    if dispute["status"] in _CLOSED:
        raise _closed()


def _closed() -> StripeError:
    return invalid_request("This dispute is already closed")


def _dispute(account: Account, charge: Record, kind: DisputeKind) -> Record:
    inquiry = kind == "inquiry"
    brand = charge["payment_method_details"]["card"]["brand"]
    today = account.now - account.now % _DAY_SECONDS
    return {
        "id": account.new_id("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": account.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": today + _DUE_AFTER_DAYS * _DAY_SECONDS - 1,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": _NETWORK_REASONS[kind],
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": brand,
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": brand,
                "network_reason_code": _NETWORK_REASONS[kind],
            },
            "type": "card",
        },
        "reason": "fraudulent" if inquiry else kind,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }

"""
What the page of a charge says, by how the charge stands.
"""

from http import HTTPStatus

from rsolv.api.charge_page import Message
from rsolv.charges import Charge, LinkedCharge
from rsolv.usage import money

_HOW_TO_ADD_A_CARD = ("How to add another card", "/api/docs#open_card_setup")
_NOTICES = {
    "billing_off": "We have paused all payments for a moment. Nothing was taken; please try again later.",
    "no_consent": "You have withdrawn your consent to be charged, so nothing was taken. Give it again to pay.",
    "spending_cap": "Your spending cap for this month is reached, so nothing was taken. Raise it to pay now.",
    "safety_cap": "Your account has been charged often in a short time, so nothing was taken. Please try again later.",
}
"""
Why nothing came of a try, by what the charge waits for since.
"""


def told(found: LinkedCharge) -> tuple[Message, HTTPStatus]:
    """
    Say to whoever has a charge's link how it stands, and what they can do.
    """
    state = found.charge.state
    if state in ("canceled", "uncollectible"):
        text = "This payment was dropped. Nothing was taken, and nothing will be."
        return Message(title="This link has expired", text=text), HTTPStatus.GONE
    if state == "succeeded":
        text = "Thank you. Nothing more is to be done; you can close this page."
        return Message(title="This is paid", text=text, facts=_facts(found, with_card=False)), HTTPStatus.OK
    if state == "requires_action":
        return _waiting(found), HTTPStatus.OK
    if state == "declined":
        return _declined(found), HTTPStatus.OK
    text = "We are asking your bank. This takes a moment; load this page again to see what came of it."
    return Message(title="One moment", text=text, facts=_facts(found, with_card=False)), HTTPStatus.OK


def _waiting(found: LinkedCharge) -> Message:
    if found.card is None:
        return _without_card(found)
    return Message(
        title="Confirm a payment",
        text="Your bank wants to hear from you before your card is charged. Nothing has been taken yet.",
        notice=_NOTICES.get(found.charge.parked_reason or "", ""),
        facts=_facts(found),
        button="Confirm with your bank",
        after="Your bank may ask you on a page of its own. From there you come back here.",
        link=_HOW_TO_ADD_A_CARD,
    )


def _declined(found: LinkedCharge) -> Message:
    if found.card is None:
        return _without_card(found)
    return Message(
        title="Your bank said no",
        text=_why(found.charge) + " Nothing was taken.",
        notice=_NOTICES.get(found.charge.parked_reason or "", ""),
        facts=_facts(found),
        button="Try again" if found.can_be_paid else "",
        after="You can also add another card to your account: it is then charged by itself.",
        link=_HOW_TO_ADD_A_CARD,
    )


def _without_card(found: LinkedCharge) -> Message:
    return Message(
        title="There is no card to pay with",
        text="Add a card to your account: it is then charged by itself. Nothing has been taken yet.",
        facts=_facts(found, with_card=False),
        link=_HOW_TO_ADD_A_CARD,
    )


def _why(charge: Charge) -> str:
    if charge.failure_code == "payment_intent_authentication_failure":
        return "It could not tell that it was you."
    if charge.decline_code == "insufficient_funds":
        return "There is not enough money on the card."
    return "It did not allow this payment; only your bank can say why."


def _facts(found: LinkedCharge, *, with_card: bool = True) -> tuple[tuple[str, str], ...]:
    facts = (
        ("For", f"Fix of issue {found.issue_number} in {found.repository}"),
        ("Amount", money(found.charge.amount_cents, found.charge.currency)),
    )
    if found.card is None or not with_card:
        return facts
    brand = found.card.brand.replace("_", " ").title()
    return (*facts, ("Card", f"{brand} ending in {found.card.last4}"))

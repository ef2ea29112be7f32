"""
A card as it is typed into a page: read, and refused beside its field.
"""

import re
from dataclasses import dataclass, field

from stripe_twin.checkout import Card
from stripe_twin.core import StripeError

TEST_CARDS = (
    ("4242 4242 4242 4242", "Succeeds"),
    ("4000 0025 0000 3155", "Asks for 3-D Secure once; later charges without the customer then succeed"),
    ("4000 0027 6000 3184", "Asks for 3-D Secure at every payment"),
    ("4000 0000 0000 0341", "Can be saved; charging it is declined"),
    ("4000 0000 0000 0002", "Is declined"),
    ("4000 0000 0000 9995", "Is declined for insufficient funds"),
    ("4000 0000 0000 0069", "Is declined as expired"),
    ("4000 0000 0000 0127", "Is declined for an incorrect CVC"),
)
"""
Some of Stripe's test cards (docs.stripe.com/testing).
"""
_MONTHS, _CENTURY = range(1, 13), 2000
FIELDS = ("email", "number", "expiry", "cvc", "name")
_FIELD_OF_PARAM = {"number": "number", "exp_month": "expiry", "exp_year": "expiry", "cvc": "cvc", "email": "email"}


@dataclass
class CardForm:
    """
    What was typed, and what is wrong with it, by field.
    """

    values: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, typed: dict[str, str]) -> "CardForm":
        """
        Take what was typed.
        """
        return cls({name: typed.get(name, "").strip() for name in FIELDS})

    def card(self, *, needs_email: bool = False) -> Card | None:
        """
        Return the card; None when it cannot be read, and `errors` says why.
        """
        number = re.sub(r"[\s-]", "", self.values["number"])
        expiry = re.fullmatch(r"(\d{1,2})\s*[/-]?\s*(\d{2}|20\d{2})", self.values["expiry"])
        if not re.fullmatch(r"\d{12,19}", number):
            self.errors["number"] = "Enter the card's number: 12 to 19 digits."
        if not expiry or int(expiry[1]) not in _MONTHS:
            self.errors["expiry"] = "Enter month and year, as in 12/34."
        if not re.fullmatch(r"\d{3,4}", self.values["cvc"]):
            self.errors["cvc"] = "Enter the 3 or 4 digits of the CVC."
        if needs_email and not re.fullmatch(r"[^@\s]+@[^@\s]+", self.values["email"]):
            self.errors["email"] = "Enter your e-mail address, as in ada@example.com."
        if self.errors or not expiry:
            return None
        return Card(
            number=number,
            exp_month=int(expiry[1]),
            exp_year=int(expiry[2][-2:]) + _CENTURY,
            cvc=self.values["cvc"],
            name=self.values["name"],
            email=self.values["email"],
        )

    def refuse(self, error: StripeError) -> None:
        """
        Say beside the field concerned why the card was refused.
        """
        param = str(error.fields.get("param") or "")
        concerned = next((at for word, at in _FIELD_OF_PARAM.items() if word in param), "number")
        self.errors[concerned] = str(error)

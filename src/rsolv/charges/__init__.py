"""
Charges: one debt, one payment, exactly once.

At most once is structural: a debt has one live charge, a charge has one payment at Stripe for life, and a payment
succeeds once. At least once is liveness: a charge that has not ended has a time at which it goes on, or a reason and
somebody who was told. Every way to the truth (worker, webhook, poll, reconciliation) ends in `settle`.
"""

from rsolv.charges.errors import (
    ChargeCannotEnd,
    ChargeNotPaid,
    DebtDiffers,
    PaymentOwed,
    TooManyTries,
    UnknownCharge,
    UnknownLink,
)
from rsolv.charges.jobs import Machine, look_by_link, pay_by_link
from rsolv.charges.queries.invariants import INVARIANTS
from rsolv.charges.queries.paid import PaidCharge
from rsolv.charges.queries.reads import ChargePosting, ConsentGiven
from rsolv.charges.queries.spending import Spent
from rsolv.charges.rules import (
    CHARGE_KEY,
    NONCE_KEY,
    NOT_COLLECTED,
    POINTS,
    RESTORED,
    Attempt,
    Charge,
    ChargePaidAfterEnd,
    ChargeSettled,
    ChargeState,
    DisputeState,
    Held,
    Intent,
    RefundState,
)
from rsolv.charges.service.arm import Cap, no_cap
from rsolv.charges.service.collect import collect_again
from rsolv.charges.service.end import cancel_debt, give_up
from rsolv.charges.service.link import LINK_PATH, Link, LinkedCharge, action_url, address_of, find_by_link
from rsolv.charges.service.open_debt import open_debt
from rsolv.charges.service.paid import find_owner_of_payment, lock_paid_charge, note_dispute, note_reversed
from rsolv.charges.service.read import ChargeExplained, explain_charge, get_charge, list_charges
from rsolv.charges.service.rebuild import Adopted, Written, adopt_payment, stand_in, written_on
from rsolv.charges.service.settle import Settled, settle
from rsolv.charges.service.spending import HELD_AT_A_TIME, count_held, retry_held, spent_since
from rsolv.charges.service.wake import (
    refuse_removal_while_owing,
    retry_charge,
    retry_with_new_card,
    retry_with_new_consent,
    wake_overdue,
)

__all__ = [
    "CHARGE_KEY",
    "HELD_AT_A_TIME",
    "INVARIANTS",
    "LINK_PATH",
    "NONCE_KEY",
    "NOT_COLLECTED",
    "POINTS",
    "RESTORED",
    "Adopted",
    "Attempt",
    "Cap",
    "Charge",
    "ChargeCannotEnd",
    "ChargeExplained",
    "ChargeNotPaid",
    "ChargePaidAfterEnd",
    "ChargePosting",
    "ChargeSettled",
    "ChargeState",
    "ConsentGiven",
    "DebtDiffers",
    "DisputeState",
    "Held",
    "Intent",
    "Link",
    "LinkedCharge",
    "Machine",
    "PaidCharge",
    "PaymentOwed",
    "RefundState",
    "Settled",
    "Spent",
    "TooManyTries",
    "UnknownCharge",
    "UnknownLink",
    "Written",
    "action_url",
    "address_of",
    "adopt_payment",
    "cancel_debt",
    "collect_again",
    "count_held",
    "explain_charge",
    "find_by_link",
    "find_owner_of_payment",
    "get_charge",
    "give_up",
    "list_charges",
    "lock_paid_charge",
    "look_by_link",
    "no_cap",
    "note_dispute",
    "note_reversed",
    "open_debt",
    "pay_by_link",
    "refuse_removal_while_owing",
    "retry_charge",
    "retry_held",
    "retry_with_new_card",
    "retry_with_new_consent",
    "settle",
    "spent_since",
    "stand_in",
    "wake_overdue",
    "written_on",
]

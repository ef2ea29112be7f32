"""
The ledger: the only code that moves a balance.

Double-entry, whole credits, append-only. Every verb runs in the caller's transaction, takes the lock of the
customer's available credits first, and posts at most once per cause, for ever: a repeat changes nothing and
answers what the first call answered. The database itself keeps the books and refuses what does not balance
(docs/decisions/0003-ledger.md).
"""

from rsolv.ledger.errors import (
    AlreadyReversed,
    CauseReused,
    CustomerHasNoLedger,
    InsufficientCredits,
    UnknownPosting,
)
from rsolv.ledger.queries.script import write_script
from rsolv.ledger.rules import (
    Account,
    Basis,
    Cause,
    CreditTransaction,
    Finding,
    Invariant,
    MoneyPosted,
    Posted,
    Reversed,
    TakenBack,
    breached,
)
from rsolv.ledger.service.adjust import adjust
from rsolv.ledger.service.consume import consume
from rsolv.ledger.service.grant import grant
from rsolv.ledger.service.locking import lock_available
from rsolv.ledger.service.open_accounts import open_accounts
from rsolv.ledger.service.post_money import money_balances, post_money
from rsolv.ledger.service.read import (
    balance,
    balance_as_of,
    list_accounts,
    list_credit_transactions,
)
from rsolv.ledger.service.reverse import reverse
from rsolv.ledger.service.take_back import get_remaining, give_back, take_back
from rsolv.ledger.service.verify import INVARIANTS, verify

__all__ = [
    "INVARIANTS",
    "Account",
    "AlreadyReversed",
    "Basis",
    "Cause",
    "CauseReused",
    "CreditTransaction",
    "CustomerHasNoLedger",
    "Finding",
    "InsufficientCredits",
    "Invariant",
    "MoneyPosted",
    "Posted",
    "Reversed",
    "TakenBack",
    "UnknownPosting",
    "adjust",
    "balance",
    "balance_as_of",
    "breached",
    "consume",
    "get_remaining",
    "give_back",
    "grant",
    "list_accounts",
    "list_credit_transactions",
    "lock_available",
    "money_balances",
    "open_accounts",
    "post_money",
    "reverse",
    "take_back",
    "verify",
    "write_script",
]

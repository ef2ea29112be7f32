"""
Billing over the wire: what a customer has, and how it came about.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from rsolv import ledger, spending_caps, standing, usage
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.api.parsing import parse_cursor

PAGE_MAX = 100
_OLDER = {"deprecated": True}  # for callers of the first billing interface (spec-facts 2.4: the union of both)


class TransactionShape(Shape):
    """
    One move of the credits. `amount` is signed; `balance_after` is the balance it left.
    """

    id: str
    amount: int
    balance_after: int
    source: str
    metadata: dict[str, Any]
    inserted_at: datetime


class WarningShape(Shape):
    """
    Something the customer should know. Levels: notice, warning, critical.
    """

    level: str
    code: str
    message: str


class PricingShape(Shape):
    """
    The prices of the catalogue version the customer agreed to, in cents; null where nothing of the kind is sold.
    """

    currency: str
    next_fix_cents: Annotated[int, msgspec.Meta(description="What a fix costs this customer once credits are gone.")]
    payg_cents: int
    pro_cents: int | None
    pro_included: int | None
    pro_extra_cents: int | None


class StandingShape(Shape):
    """
    Whether new scans are taken: good; grace, until it ends; or refused. Otherwise what is owed, and since when.
    """

    state: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["good", "grace", "refused"]})]
    owed_cents: int
    currency: str | None
    since: datetime | None
    grace_ends_at: datetime | None
    pay_url: Annotated[str | None, msgspec.Meta(description="Where a bank waits to hear from the customer.")]


class WaitingShape(Shape):
    """
    Charges that wait, how much they come to, and for what: `spending_cap`.
    """

    count: int
    amount_cents: int
    currency: str
    reason: str


def waiting_shape(waiting: spending_caps.Waiting | None) -> WaitingShape | None:
    """
    Shape what waits, if anything does.
    """
    if waiting is None:
        return None
    return WaitingShape(
        count=waiting.count, amount_cents=waiting.amount_cents, currency=waiting.currency, reason=waiting.reason
    )


class UsageAnswer(Shape):
    """
    The customer at a glance.
    """

    stripe_customer_id: Annotated[str | None, msgspec.Meta(description="Null until the customer is known to Stripe.")]
    credit_balance: int
    subscription_type: str
    subscription_state: str | None
    subscription_status: Annotated[
        str | None, msgspec.Meta(description="`subscription_state`, as its older name.", extra_json_schema=_OLDER)
    ]
    has_payment_method: bool
    can_use_service: bool
    warnings: list[WarningShape]
    pricing: PricingShape
    fixes_this_period: int
    current_usage: Annotated[
        int, msgspec.Meta(description="`fixes_this_period`, as its older name.", extra_json_schema=_OLDER)
    ]
    first_scan_at: Annotated[datetime | None, msgspec.Meta(description="Null until the first scan is stored.")]
    standing: StandingShape
    waiting: WaitingShape | None
    recent_transactions: list[TransactionShape]


class TransactionsRequest(Shape, forbid_unknown_fields=True):
    """
    Which page of the transactions.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 20
    cursor: Annotated[str, msgspec.Meta(max_length=40, description="`next_cursor` of the page before.")] | None = None


class TransactionsAnswer(Shape):
    """
    A page of transactions, newest first.
    """

    transactions: list[TransactionShape]
    next_cursor: str | None


async def show_usage(call: Call) -> Reply:
    """
    Show the balance, the prices, what to be warned of, and the newest transactions.
    """
    async with call.parts.database.transaction() as connection:
        summary = await usage.summarise(connection, customer_id=call.customer_id, now=call.now)
    return Reply(
        UsageAnswer(
            stripe_customer_id=summary.stripe_customer_id,
            credit_balance=summary.credit_balance,
            subscription_type=summary.customer.subscription_type,
            subscription_state=summary.customer.subscription_state,
            subscription_status=summary.customer.subscription_state,
            has_payment_method=summary.has_payment_method,
            can_use_service=summary.can_use_service,
            warnings=[
                WarningShape(level=warning.level, code=warning.code, message=warning.message)
                for warning in summary.warnings
            ],
            pricing=PricingShape(
                currency=summary.pricing.currency,
                next_fix_cents=summary.pricing.next_fix_cents,
                payg_cents=summary.pricing.payg_cents,
                pro_cents=summary.pricing.pro_cents,
                pro_included=summary.pricing.pro_included,
                pro_extra_cents=summary.pricing.pro_extra_cents,
            ),
            fixes_this_period=summary.fixes_this_period,
            current_usage=summary.fixes_this_period,
            first_scan_at=summary.customer.first_scan_at,
            standing=_standing_shape(summary.standing, public_url=call.parts.public_url),
            waiting=waiting_shape(summary.waiting),
            recent_transactions=[_shape(transaction) for transaction in summary.recent_transactions],
        )
    )


async def list_transactions(call: Call) -> Reply:
    """
    List the moves of the credits, newest first, a page at a time.
    """
    request: TransactionsRequest = call.query
    async with call.parts.database.reading() as connection:
        found = await ledger.list_credit_transactions(
            connection, customer_id=call.customer_id, limit=request.limit + 1, before_seq=parse_cursor(request.cursor)
        )
    page = found[: request.limit]
    return Reply(
        TransactionsAnswer(
            transactions=[_shape(transaction) for transaction in page],
            next_cursor=str(page[-1].seq) if len(found) > request.limit else None,
        )
    )


def _standing_shape(stands: standing.Standing, *, public_url: str) -> StandingShape:
    return StandingShape(
        state=stands.state,
        owed_cents=stands.owed_cents,
        currency=stands.currency,
        since=stands.since,
        grace_ends_at=stands.grace_ends_at,
        pay_url=stands.pay_path and public_url + stands.pay_path,
    )


def _shape(transaction: ledger.CreditTransaction) -> TransactionShape:
    return TransactionShape(
        id=str(transaction.id),
        amount=transaction.amount,
        balance_after=transaction.balance_after,
        source=transaction.source,
        metadata=transaction.metadata,
        inserted_at=transaction.inserted_at,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/billing/usage",
        summary="Show usage",
        access=Access.API_KEY,
        handler=show_usage,
        answer=UsageAnswer,
        refusals=(401, 503),
        tag="Billing",
    ),
    Operation(
        method="GET",
        path="/api/v1/billing/transactions",
        summary="List credit transactions",
        access=Access.API_KEY,
        handler=list_transactions,
        query=TransactionsRequest,
        answer=TransactionsAnswer,
        refusals=(400, 401, 422, 503),
        tag="Billing",
    ),
)

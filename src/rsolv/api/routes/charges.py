"""
Charges over the wire: what was charged, and why each charge happened.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from rsolv import charges, reversals
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.api.parsing import parse_cursor

PATH = "/api/v1/billing/charges"
PAGE_MAX = 100
ID_MAX = 2**63 - 1


class ChargeShape(Shape):
    """
    One charge. `waits_for` says why it does not go on by itself, `continues_at` when it does.

    `action_url` is there while the state is requires_action: our page on which the customer confirms with their bank.
    Whoever has it can pay this one charge, and nothing else.
    `refund_state` is none, partly_refunded or refunded; `dispute_state` is none, inquiry, disputed, won or lost.
    `rebuilt_at` is there when we had lost the charge and made it anew from its payment.

    States: created, preparing, prepared, confirming, succeeded, requires_action, declined, unknown, canceled and
    uncollectible.
    """

    id: str
    state: str
    amount_cents: int
    currency: str
    plan: str
    fix: str
    description: str
    waits_for: str | None
    continues_at: datetime | None
    declines: int
    decline_code: str | None
    action_url: str | None
    created_at: datetime
    settled_at: datetime | None
    amount_refunded_cents: int
    refund_state: str
    dispute_state: str
    rebuilt_at: datetime | None


class ChargesRequest(Shape, forbid_unknown_fields=True):
    """
    Which page of the charges.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 20
    cursor: Annotated[str, msgspec.Meta(max_length=40, description="`next_cursor` of the page before.")] | None = None


class ChargesAnswer(Shape):
    """
    A page of charges, newest first.
    """

    charges: list[ChargeShape]
    next_cursor: str | None


class ChargeId(Shape):
    """
    Which charge.
    """

    id: Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[1])]


class FixedShape(Shape):
    """
    What was fixed, as the action reported it.
    """

    repository: str
    issue_number: int
    pull_request_url: str | None
    commit_sha: str
    phase_result_id: str
    phase_result: Any


class AgreedShape(Shape):
    """
    The consent under which it was charged.
    """

    id: str
    text_version: str
    given_at: datetime


class AttemptShape(Shape):
    """
    One call that made or confirmed the payment, and what came of it.
    """

    kind: str
    number: int
    sent_at: datetime
    outcome: str | None
    stripe_request_id: str | None
    answered_at: datetime | None


class EntryShape(Shape):
    """
    What moved on one account; `asset` is a currency in minor units, or credit.
    """

    account: str
    asset: str
    amount: int


class PostingShape(Shape):
    """
    One posting in the books.
    """

    id: str
    source: str
    entries: list[EntryShape]


class ChargeExplanation(Shape):
    """
    All that is known about why a charge happened and what came of it.
    """

    charge: ChargeShape
    fixed: FixedShape
    catalog_version_id: Annotated[str, msgspec.Meta(description="The catalogue version that had the price.")]
    consent: AgreedShape | None
    stripe_payment_id: str | None
    attempts: list[AttemptShape]
    postings: list[PostingShape]


async def list_charges(call: Call) -> Reply:
    """
    List the charges, newest first, a page at a time.
    """
    request: ChargesRequest = call.query
    async with call.parts.database.reading() as connection:
        found = await charges.list_charges(
            connection, customer_id=call.customer_id, limit=request.limit + 1, before_id=parse_cursor(request.cursor)
        )
    page = found[: request.limit]
    return Reply(
        ChargesAnswer(
            charges=[_shape(charge, call) for charge in page],
            next_cursor=str(page[-1].id) if len(found) > request.limit else None,
        )
    )


async def explain_charge(call: Call) -> Reply:
    """
    Explain a charge: what was fixed, at which price, with whose consent, what was tried, posted and taken back.
    """
    async with call.parts.database.transaction() as connection:
        found = await charges.explain_charge(connection, customer_id=call.customer_id, charge_id=call.path.id)
        reversing = await reversals.list_postings(
            connection, customer_id=call.customer_id, paid=reversals.Paid("charge", call.path.id)
        )
    charge = found.charge
    return Reply(
        ChargeExplanation(
            charge=_shape(charge, call),
            fixed=FixedShape(
                repository=found.repository,
                issue_number=found.issue_number,
                pull_request_url=found.pull_request_url,
                commit_sha=found.commit_sha,
                phase_result_id=str(found.phase_result_id),
                phase_result=msgspec.Raw(found.phase_result.encode()),
            ),
            catalog_version_id=str(charge.catalog_version_id),
            consent=_consent(found.consent),
            stripe_payment_id=charge.stripe_payment_id,
            attempts=[_attempt(attempt) for attempt in found.attempts],
            postings=[_posting(posting) for posting in (*found.postings, *reversing)],
        )
    )


def _shape(charge: charges.Charge, call: Call) -> ChargeShape:
    return ChargeShape(
        id=str(charge.id),
        state=charge.state,
        amount_cents=charge.amount_cents,
        currency=charge.currency,
        plan=charge.plan,
        fix=str(charge.fix_id),
        description=charge.description,
        waits_for=charge.parked_reason,
        continues_at=charge.wake_at,
        declines=charge.declines,
        decline_code=charge.decline_code or charge.failure_code,
        action_url=charges.action_url(charge, customer_id=call.customer_id, public_url=call.parts.public_url),
        created_at=charge.created_at,
        settled_at=charge.settled_at,
        amount_refunded_cents=charge.amount_refunded_cents,
        refund_state=charge.refund_state,
        dispute_state=charge.dispute_state,
        rebuilt_at=charge.rebuilt_at,
    )


def _consent(consent: charges.ConsentGiven | None) -> AgreedShape | None:
    if consent is None:
        return None
    return AgreedShape(id=str(consent.id), text_version=consent.text_version, given_at=consent.given_at)


def _attempt(attempt: charges.Attempt) -> AttemptShape:
    return AttemptShape(
        kind=attempt.kind,
        number=attempt.number,
        sent_at=attempt.sent_at,
        outcome=attempt.outcome,
        stripe_request_id=attempt.stripe_request_id,
        answered_at=attempt.answered_at,
    )


def _posting(posting: charges.ChargePosting) -> PostingShape:
    entries = [EntryShape(account=account, asset=asset, amount=amount) for account, asset, amount in posting.entries]
    return PostingShape(id=str(posting.id), source=posting.source, entries=entries)


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        summary="List charges",
        access=Access.API_KEY,
        handler=list_charges,
        query=ChargesRequest,
        answer=ChargesAnswer,
        refusals=(400, 401, 422, 503),
        tag="Billing",
    ),
    Operation(
        method="GET",
        path=f"{PATH}/{{id}}",
        summary="Explain a charge",
        access=Access.API_KEY,
        handler=explain_charge,
        path_parameters=ChargeId,
        answer=ChargeExplanation,
        refusals=(401, 404, 503),
        tag="Billing",
    ),
)

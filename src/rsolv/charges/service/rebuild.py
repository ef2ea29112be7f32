"""
Give charges the payments that Stripe has for them and this database does not know.

It is a copy of an earlier time, or an answer was lost and who would have looked is not there.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from rsolv import customers
from rsolv.charges.errors import UnknownCharge
from rsolv.charges.queries import attempts, intents
from rsolv.charges.rules import CHARGE_KEY, FINAL, ORPHAN_PAID, Held, Intent, create_hash, is_of
from rsolv.charges.service.prepare import store_payment
from rsolv.charges.service.rest import go_on, note, rest
from rsolv.charges.service.settle import settle
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import CUSTOMER_KEY, Payment

Adopted = Literal["settled", "not_its_own", "has_another"]
"""
What came of it: the charge has the payment and is settled by it; the payment is not for it; it has another payment.
"""


_Id = Annotated[int, msgspec.Meta(gt=0, le=2**63 - 1)]
_Word = Annotated[str, msgspec.Meta(min_length=1)]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a payment at Stripe says that it is for, in words that we wrote there ourselves.
    """

    customer_id: _Id = msgspec.field(name=CUSTOMER_KEY)
    charge_id: _Id = msgspec.field(name=CHARGE_KEY)
    catalog_version_id: _Id = msgspec.field(name="rsolv_catalog_version")
    plan: _Word = msgspec.field(name="rsolv_plan")
    api_key_id: _Id = msgspec.field(name="rsolv_api_key_id")
    repository: Annotated[str, msgspec.Meta(pattern="^[^/]+/[^/]+$")] = msgspec.field(name="rsolv_repository")
    issue_number: _Id = msgspec.field(name="rsolv_issue_number")
    commit_sha: _Word = msgspec.field(name="rsolv_commit")


def written_on(payment: Payment) -> Written | None:
    """
    Read from a payment of ours what it was for; None when that is not all there, as on those of other origin.
    """
    try:
        return msgspec.convert(dict(payment.metadata), Written, strict=False)
    except msgspec.ValidationError:
        return None


async def adopt_payment(
    connection: Connection, bus: EventBus, payment: Payment, *, customer_id: int, charge_id: int, now: datetime
) -> Adopted:
    """
    Give a charge that has none the payment which was made for it, as its marks say, and settle by it.

    In the caller's transaction, under the charge's lock; whoever was about to create one loses the charge. A repeat
    changes nothing.

    Raises:
        UnknownCharge: the customer has no such charge.
    """
    intent = await _lock(connection, customer_id=customer_id, charge_id=charge_id)
    if not is_of(intent, payment):
        return "not_its_own"
    return await _adopt(connection, bus, intent, payment, now=now)


async def stand_in(
    connection: Connection, bus: EventBus, payment: Payment, *, customer_id: int, charge_id: int, now: datetime
) -> Adopted:
    """
    Have a charge stand for the lost one that a payment was made for, and settle by it: the fix is the same, the id not.

    To be called with the charge of the fix that stands on the payment. One that has a payment of its own is parked
    instead, so that the fix is not paid for twice, and somebody is told. In the caller's transaction; a repeat changes
    nothing.

    Raises:
        UnknownCharge: the customer has no such charge.
    """
    intent = await _lock(connection, customer_id=customer_id, charge_id=charge_id)
    is_free = intent.stripe_payment_id is None and intent.state not in FINAL
    if is_free and (intent.amount_cents, intent.currency) != (payment.amount_cents, payment.currency):
        return "not_its_own"
    if is_free and intent.rebuilt_at is None:
        intent = await intents.note_rebuilt(connection, intent, now=now)
        facts = {"payment": payment.id, "lost": dict(payment.metadata)}
        await note(connection, intent, "charge:rebuilt", **facts)
    return await _adopt(connection, bus, intent, payment, now=now)


async def _lock(connection: Connection, *, customer_id: int, charge_id: int) -> Intent:
    intent = await intents.lock_intent(connection, customer_id=customer_id, charge_id=charge_id)
    if intent is None:
        raise UnknownCharge(charge_id=charge_id)
    return intent


async def _adopt(connection: Connection, bus: EventBus, intent: Intent, payment: Payment, *, now: datetime) -> Adopted:
    if intent.stripe_payment_id == payment.id:
        await settle(connection, bus, payment, now=now)
        return "settled"
    stripe_customer_id = await customers.find_stripe_customer_id(connection, customer_id=intent.customer_id)
    if payment.stripe_customer_id is None or payment.stripe_customer_id != stripe_customer_id:
        return "not_its_own"
    if intent.stripe_payment_id is not None or intent.state in FINAL:
        await _keep_from_charging(connection, intent, now=now)
        return "has_another"
    intent = await intents.raise_fence(connection, intent)
    if intent.state == "created":
        intent = await go_on(connection, intent, state="preparing", lease=None, now=now)
        await attempts.insert_attempt(
            connection, intent, kind="create", number=1, parameter_hash=create_hash(intent), sent_at=now
        )
    await store_payment(connection, intent, payment, stripe_customer_id=stripe_customer_id, lease=timedelta(0), now=now)
    await settle(connection, bus, payment, now=now)
    return "settled"


async def _keep_from_charging(connection: Connection, intent: Intent, *, now: datetime) -> None:
    if intent.state not in FINAL and intent.parked_reason != ORPHAN_PAID:
        await rest(connection, await intents.raise_fence(connection, intent), Held(ORPHAN_PAID), now=now)

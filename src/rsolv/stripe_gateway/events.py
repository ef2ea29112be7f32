"""
Stripe's events, snapshot and thin, read by one parser, so that switching between them is configuration.

An event is a hint: what it says about money is read from Stripe by the object's id before it is believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from rsolv.stripe_gateway.wire import Seconds, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """
    Something that happened at Stripe.

    `type` is the snapshot's word for it ("invoice.paid") also where a thin event said "v1.invoice.paid". A thin one
    has no `api_version` and no customer, and its `raw` no object. `snapshot_event_id` is what a thin event is called
    as a snapshot, when both are delivered.
    """

    id: str
    type: str
    is_thin: bool
    created_at: datetime
    livemode: bool
    api_version: str | None
    object_id: str | None
    object_kind: str | None
    stripe_customer_id: str | None
    snapshot_event_id: str | None
    request_id: str | None
    request_idempotency_key: str | None
    raw: Mapping[str, Any]


class NotAnEvent(ValueError):
    """
    What was read has not the shape of an event. The message names a place in it, never a value.
    """


class _Request(msgspec.Struct):
    id: str | None = None
    idempotency_key: str | None = None


class _Reason(msgspec.Struct):
    request: _Request | None = None


class _Object(msgspec.Struct):
    # Anything at all: an event of a type that we do not know is recorded, not refused.
    object: Any = None
    id: Any = None
    customer: Any = None


class _Data(msgspec.Struct):
    object: _Object


class _Snapshot(msgspec.Struct, tag_field="object", tag="event"):
    id: str
    type: str
    created: Seconds
    livemode: bool
    data: _Data
    api_version: str | None = None
    request: _Request | None = None


class _RelatedObject(msgspec.Struct):
    type: str
    id: str | None = None


class _Thin(msgspec.Struct, tag_field="object", tag="v2.core.event"):
    id: str
    type: str
    created: datetime
    livemode: bool
    related_object: _RelatedObject | None = None
    reason: _Reason | None = None
    snapshot_event: str | None = None


def parse_event(raw: Mapping[str, Any]) -> StripeEvent:
    """
    Read an event of either form from its decoded JSON.

    Raises:
        NotAnEvent: it is neither a snapshot nor a thin event, or lacks a part that each has.
    """
    try:
        event = msgspec.convert(raw, _Snapshot | _Thin)
        return _from_thin(event, raw) if isinstance(event, _Thin) else _from_snapshot(event, raw)
    except (msgspec.ValidationError, ValueError) as error:
        raise NotAnEvent("not an event") from error


def _from_snapshot(event: _Snapshot, raw: Mapping[str, Any]) -> StripeEvent:
    subject, request = event.data.object, event.request or _Request()
    customer = subject.id if subject.object == "customer" else subject.customer
    return StripeEvent(
        id=event.id,
        type=event.type,
        is_thin=False,
        created_at=moment(event.created),
        livemode=event.livemode,
        api_version=event.api_version,
        object_id=_word(subject.id),
        object_kind=_word(subject.object),
        stripe_customer_id=_word(customer.get("id") if isinstance(customer, dict) else customer),
        snapshot_event_id=None,
        request_id=request.id,
        request_idempotency_key=request.idempotency_key,
        raw=raw,
    )


def _from_thin(event: _Thin, raw: Mapping[str, Any]) -> StripeEvent:
    request = (event.reason.request if event.reason else None) or _Request()
    if event.created.tzinfo is None:
        raise ValueError("a time without its zone")
    return StripeEvent(
        id=event.id,
        type=event.type.removeprefix("v1."),
        is_thin=True,
        created_at=event.created,
        livemode=event.livemode,
        api_version=None,
        object_id=event.related_object.id if event.related_object else None,
        object_kind=event.related_object.type if event.related_object else None,
        stripe_customer_id=None,
        snapshot_event_id=event.snapshot_event,
        request_id=request.id,
        request_idempotency_key=request.idempotency_key,
        raw=raw,
    )


def _word(found: object) -> str | None:
    return found if isinstance(found, str) else None

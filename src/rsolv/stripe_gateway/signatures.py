"""
Verify that a delivery comes from Stripe and is fresh: docs.stripe.com/webhooks#verify-manually, but stricter.

Stripe's own verifier takes any integer as the timestamp, any number of signatures, and a timestamp from the future;
this one takes nothing that Stripe would not send. It reads the raw bytes, before anything parses them, and tells a
refused sender nothing that depends on a secret.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.errors import DeliveryRefused
from rsolv.stripe_gateway.events import NotAnEvent, StripeEvent, parse_event

TOLERANCE_SECONDS = 300
REFUSAL_REASONS = (
    *("header_missing", "header_repeated", "header_malformed", "signature_wrong", "too_old", "too_new"),
    "not_an_event",
)
HEADER_BYTES_MAX = 1024
SIGNATURES_MAX = 5

_TIMESTAMP = re.compile(rb"[0-9]{10}")
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_OTHER_SCHEME = re.compile(rb"v[0-9]{1,3}=[0-9a-f]{1,128}")


def verify_delivery(
    body: bytes, header_values: Sequence[str], *, secrets: Sequence[Secret], now: datetime
) -> StripeEvent:
    """
    Return the event that *body* brings, if one of *secrets* signed it within 300 seconds of *now*, before or after.

    *header_values* are all values of the header `Stripe-Signature`: exactly one is accepted. Several secrets are for
    the time of a rotation. Every signature is held against every secret, in constant time, whichever matches.

    Raises:
        DeliveryRefused: "header_missing", "header_repeated", "header_malformed", "signature_wrong", "too_old",
            "too_new", or, rightly signed, "not_an_event".
    """
    timestamp, signatures = _parse_header(header_values)
    if not _is_signed(timestamp + b"." + body, signatures, secrets):
        raise DeliveryRefused("signature_wrong")
    age_seconds = now.timestamp() - int(timestamp)
    if age_seconds > TOLERANCE_SECONDS:
        raise DeliveryRefused("too_old")
    if age_seconds < -TOLERANCE_SECONDS:
        raise DeliveryRefused("too_new")
    return _read(body)


def _parse_header(values: Sequence[str]) -> tuple[bytes, list[bytes]]:
    if not values:
        raise DeliveryRefused("header_missing")
    if len(values) > 1:
        raise DeliveryRefused("header_repeated")
    header = values[0].encode("ascii", "replace")
    timestamps: list[bytes] = []
    signatures: list[bytes] = []
    is_grammatical = len(header) <= HEADER_BYTES_MAX
    for item in header.split(b",") if is_grammatical else ():
        scheme, _, value = item.partition(b"=")
        if scheme == b"t" and _TIMESTAMP.fullmatch(value):
            timestamps.append(value)
        elif scheme == b"v1" and _SIGNATURE.fullmatch(value):
            signatures.append(value)
        elif scheme in {b"t", b"v1"} or not _OTHER_SCHEME.fullmatch(item):
            is_grammatical = False
    if not is_grammatical or len(timestamps) != 1 or not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise DeliveryRefused("header_malformed")
    return timestamps[0], signatures


def _is_signed(payload: bytes, signatures: Sequence[bytes], secrets: Sequence[Secret]) -> bool:
    is_signed = False
    for secret in filter(Secret.reveal, secrets):  # with an empty one, anybody could sign
        digest = hmac.new(secret.reveal().encode(), payload, hashlib.sha256).hexdigest().encode()
        for signature in signatures:
            is_signed |= hmac.compare_digest(digest, signature)
    return is_signed


def _read(body: bytes) -> StripeEvent:
    try:
        return parse_event(msgspec.json.decode(body, type=dict[str, object]))
    except (msgspec.DecodeError, RecursionError, NotAnEvent) as error:
        raise DeliveryRefused("not_an_event") from error

"""
How Stripe signs what it sends (docs.stripe.com/webhooks, "Verify webhook signatures manually").
"""

import hashlib
import hmac
from collections.abc import Sequence

_FAKE_KEY = b"the v0 scheme is fake"


def signature_header(body: bytes, secrets: Sequence[str], *, signed_at: int) -> str:
    """
    Return the Stripe-Signature header: a v1 for each secret that is valid, and the fake v0 that test events have.
    """
    signed = f"{signed_at}.".encode() + body
    signatures = [f"v1={_hmac(secret.encode(), signed)}" for secret in secrets]
    return ",".join([f"t={signed_at}", *signatures, f"v0={_hmac(_FAKE_KEY, signed)}"])


def _hmac(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, hashlib.sha256).hexdigest()

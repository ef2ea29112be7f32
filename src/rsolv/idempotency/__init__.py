"""
Answers kept for a caller who repeats a request under the same `Idempotency-Key`.

The answer is written in the transaction of its effect and kept for 24 hours, sealed: only our master key together with
the caller's own key opens it, and of the latter we keep a digest. A thief of the database reads nothing.
Effects themselves stay unique for ever through natural keys.
"""

from rsolv.idempotency.errors import AnswerUnreadable, KeyInvalid, KeyReused, RequestInProgress
from rsolv.idempotency.rules import Answer, Repeatable, checked_key, fingerprint
from rsolv.idempotency.service import claim, keep, purge_expired

__all__ = [
    "Answer",
    "AnswerUnreadable",
    "KeyInvalid",
    "KeyReused",
    "Repeatable",
    "RequestInProgress",
    "checked_key",
    "claim",
    "fingerprint",
    "keep",
    "purge_expired",
]

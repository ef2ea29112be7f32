"""
The facts that can go wrong when a request is repeated.
"""

from rsolv.kernel.errors import Conflict, Invalid


class KeyInvalid(Invalid):
    """
    The header holds something other than 1 to 255 visible ASCII characters.
    """

    code = "idempotency_key_invalid"
    sentence = "Idempotency-Key must be 1 to 255 visible ASCII characters."


class KeyReused(Invalid):
    """
    The key was used before for another request.
    """

    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for a different request."


class AnswerUnreadable(Conflict):
    """
    The kept answer does not open: our master key has changed since, or somebody touched the row.
    """

    code = "answer_unreadable"
    sentence = "This request has been answered before, and its answer can no longer be read."


class RequestInProgress(Conflict):
    """
    The first request with this key is still running; its answer will be there in a moment.
    """

    code = "request_in_progress"
    passes_by_itself = True
    sentence = "The first request with this Idempotency-Key is still in progress; try again in a second."

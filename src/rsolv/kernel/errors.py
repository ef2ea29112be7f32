"""
The kinds of expected refusal, and the base they share.

An error states a fact and knows no HTTP: `api/errors.py` alone maps kinds to statuses
(docs/decisions/0007-error-body.md).
"""

from typing import ClassVar


class DomainError(Exception):
    """
    Say what is wrong in a sentence that may be shown to the caller.

    A concrete error inherits one kind below, has a unique stable `code`, and a `sentence` whose
    placeholders are filled from the keyword facts it is raised with. Neither may ever carry a
    secret or another customer's data. `passes_by_itself`: the same request may succeed a little later.
    """

    code: ClassVar[str]
    sentence: ClassVar[str]
    passes_by_itself: ClassVar[bool] = False

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.sentence.format(**facts))


class NotFound(DomainError):
    """
    The thing asked for does not exist, or not for this customer.
    """


class Conflict(DomainError):
    """
    The request contradicts what already is.
    """


class Refused(DomainError):
    """
    The caller is known and may not do this.
    """


class Unauthenticated(DomainError):
    """
    We do not know the caller.
    """


class Invalid(DomainError):
    """
    The request is well-formed but impossible.

    `fields` maps each field's name on the wire to sentences about it.
    """

    def __init__(self, fields: dict[str, list[str]] | None = None, **facts: object) -> None:
        self.fields = fields or {}
        super().__init__(**facts)


class PaymentNeeded(DomainError):
    """
    The customer has to pay, or to say how, before this can go on.

    `decline` has the bank's machine words where a bank said no, `owed` the figures where something is overdue.
    """

    def __init__(
        self, decline: dict[str, str] | None = None, owed: dict[str, object] | None = None, **facts: object
    ) -> None:
        self.decline = decline
        self.owed = owed
        super().__init__(**facts)


class TooMany(DomainError):
    """
    A limit is reached; waiting helps, for so long.
    """

    passes_by_itself = True

    def __init__(self, retry_after_seconds: int = 1, **facts: object) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(**facts)


KINDS: tuple[type[DomainError], ...] = (
    NotFound,
    Conflict,
    Refused,
    Unauthenticated,
    Invalid,
    PaymentNeeded,
    TooMany,
)

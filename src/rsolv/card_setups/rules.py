"""
What a card setup is, what it came to, and where people are sent.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from rsolv.card_setups.errors import CardSetupMixedUp, ReturnUrlRefused
from rsolv.jobs import Job
from rsolv.payment_methods import Evidence
from rsolv.stripe_gateway import CUSTOMER_KEY
from rsolv.stripe_gateway import CardSetup as StripeCardSetup

SETUP_KEY = "rsolv_card_setup_id"
"""
The metadata key under which our id of a card setup stands at Stripe.
"""

REPEATABLE_FOR = timedelta(hours=23)
"""
How long a setup may be asked for again under its key: a little less than Stripe remembers keys.
"""

PAGE_LIVES_FOR = timedelta(hours=24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=1)
_URL = re.compile(r"[\x21-\x7e]{1,2000}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

SetupState = Literal["open", "completed", "expired"]
Verdict = Literal["open", "added", "unusable", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSetup:
    """
    A hosted page on which a card is entered, as we sent a customer there. Without its URL it was never shown.
    """

    id: int
    customer_id: int
    state: SetupState
    key: str
    return_url: str | None
    stripe_customer_id: str
    evidence: Evidence
    consent_withdrawn_at: datetime | None
    stripe_card_setup_id: str | None
    url: str | None
    expires_at: datetime | None
    payment_method_id: int | None


def checked_return_url(url: str) -> str:
    """
    Accept an address to send people back to: https, or http on this very machine, and nothing in disguise.

    Raises:
        ReturnUrlRefused: it is anything else.
    """
    refused = ReturnUrlRefused(fields={"return_url": ["must be https://, or http:// on this machine"]})
    if not _URL.fullmatch(url) or "\\" in url:
        raise refused
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # the port is checked when it is read
    except ValueError:
        raise refused from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not host or not is_safe or "@" in parts.netloc:
        raise refused
    return url


def require_same(setup: CardSetup, theirs: StripeCardSetup) -> None:
    """
    Believe what Stripe says of a setup only if it is the one that we opened for this customer.

    Raises:
        CardSetupMixedUp: the customer or the ids on it are others.
    """
    marks = {CUSTOMER_KEY: str(setup.customer_id), SETUP_KEY: str(setup.id)}
    is_same = (
        theirs.id == setup.stripe_card_setup_id
        and theirs.stripe_customer_id == setup.stripe_customer_id
        and marks.items() <= theirs.metadata.items()
    )
    if not is_same:
        raise CardSetupMixedUp(f"card setup {setup.id} of customer {setup.customer_id}")


def verdict_on(theirs: StripeCardSetup) -> Verdict:
    """
    Say what came of a page. Only a setup that succeeded, with a card, may be charged later.
    """
    if theirs.state == "expired":
        return "expired"
    if theirs.state != "complete" or theirs.setup_state != "succeeded":
        return "open"
    return "added" if theirs.card is not None and theirs.payment_method_id is not None else "unusable"


def is_never_shown(setup: CardSetup, *, now: datetime) -> bool:
    """
    Say whether nobody can come from a setup's page any more: its address was never stored, and it has expired.
    """
    return setup.stripe_card_setup_id is None and now - setup.evidence.given_at >= PAGE_LIVES_FOR


def pause_before_look(age: timedelta) -> timedelta:
    """
    Return how long to wait before looking at an open setup of this age again: as long as it is old, within bounds.
    """
    return min(max(age, _FIRST_PAUSE), _LONGEST_PAUSE)


def look_job(customer_id: int, card_setup_id: int, *, look: int, pause: timedelta) -> Job:
    """
    Promise to look at a card setup after a pause, for the *look*th time.
    """
    return Job(
        kind="card_setup.look",
        ids={"customer_id": customer_id, "card_setup_id": card_setup_id, "look": look},
        run_after=pause,
        dedupe_key=f"card_setup.look:{customer_id}:{card_setup_id}:{look}",
    )

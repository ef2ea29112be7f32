"""
No forged delivery is accepted, and none makes us fail.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest

from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.stripe_gateway import DeliveryRefused, verify_delivery
from webhooks.sending import SECRET, Sent, caller_of, forgeries, plainly_bad, send, signed

MUTATED, SENT, PLAIN = 100_000, 2_000, 2_521


def refusal(sent: Sent) -> str:
    """
    Return why a delivery is refused; "" when it is accepted.
    """
    try:
        verify_delivery(sent.body, sent.signatures, secrets=(SECRET,), now=clock.now())
    except DeliveryRefused as refused:
        return refused.reason
    return ""


def test_of_a_hundred_thousand_changed_deliveries_none_is_accepted() -> None:
    """
    Each differs from a good one in one way, and none raises anything but the refusal.
    """
    reasons = {refusal(sent) for sent in forgeries(MUTATED)}

    assert reasons == {"signature_wrong", "header_malformed", "header_repeated"}
    assert refusal(signed()) == ""


def test_a_verifier_that_forgets_the_body_accepts_some() -> None:
    """
    The planted bug: one that only looks whether the header is well-formed and was made for the body it expects.
    """
    good = signed()
    accepted = [sent for sent in forgeries(1_000) if refusal(Sent(good.body, sent.signatures)) == ""]

    assert accepted != []


@pytest.mark.parametrize(("make", "count"), [(forgeries, SENT), (plainly_bad, PLAIN)], ids=["forged", "plainly bad"])
async def test_over_http_each_is_answered_with_401(
    closed_database: Database, make: Callable[[int], Iterator[Sent]], count: int
) -> None:
    """
    No other status, and nothing that would need the database.
    """
    async with caller_of(closed_database, SECRET) as caller:
        statuses = Counter([(await _sent(caller, sent)).status_code for sent in make(count)])

    assert statuses == {401: count}


async def _sent(caller: httpx.AsyncClient, sent: Sent) -> httpx.Response:
    printable = tuple("".join(each if " " <= each <= "~" else "?" for each in header) for header in sent.signatures)
    return await send(caller, Sent(sent.body, printable))

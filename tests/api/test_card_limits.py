"""
Who tries too many cards is answered with 429 and when to come again.
"""

import httpx
import pytest

from api.wire import METHODS, SETUP, caller
from rsolv.api import Parts
from rsolv.payment_methods import CardLimits

ONE = CardLimits(setups_per_hour_max=1, setups_per_day_max=1, attaches_per_hour_max=1)
CARD = {"stripe_payment_method_id": "pm_card_visa", "billing_consent": True}
ANOTHER = CARD | {"stripe_payment_method_id": "pm_card_amex"}


@pytest.mark.parametrize(
    ("path", "first", "second", "window_seconds"),
    [(METHODS, CARD, ANOTHER, 3_600), (SETUP, {"billing_consent": True}, {"billing_consent": True}, 3_600)],
    ids=["attach", "page"],
)
async def test_one_too_many_is_told_when_to_come_again(
    acme_client: httpx.AsyncClient,
    parts: Parts,
    path: str,
    first: dict[str, object],
    second: dict[str, object],
    window_seconds: int,
) -> None:
    """
    Within the hour, in whole seconds; without consent nothing is counted.
    """
    async with caller(parts, key=acme_client.headers["x-api-key"], card_limits=ONE) as client:
        assert (await client.post(path, json=first | {"billing_consent": False})).status_code == 422
        assert (await client.post(path, json=first)).status_code == httpx.codes.CREATED

        refused = await client.post(path, json=second)

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_cards")
    assert 0 < int(refused.headers["retry-after"]) <= window_seconds

"""
The benchmark of charges counts right: calls by the second, settlements by the posting, payments against postings.
"""

import json
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from bench.charging_evidence import Heard, heard, match, most_in_a_second, read_calls, settled_since
from charges.conftest import stage
from charges.stage import Stage
from rsolv.kernel import clock

__all__ = ["stage"]

SUCCEEDED = {"object": "payment_intent", "status": "succeeded"}


def line(heard_at: float, path: str = "/v1/payment_intents", *, status: int = 200, answer: object = None) -> str:
    """
    Write a call as the twin's log has it.
    """
    call = {"kind": "call", "heard_at": heard_at, "method": "POST", "path": path, "status": status}
    return json.dumps({**call, "answer": answer or {}}) + "\n"


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([0.0, 0.4, 0.8, 1.0], 3, id="a second later is another second"),
        pytest.param([0.0, 0.6, 0.9, 1.5, 1.55, 1.59, 3.0], 5, id="the fullest begins anywhere"),
    ],
)
def test_the_fullest_second_is_found_wherever_it_begins(moments: list[float], most: int) -> None:
    """
    Not only where the clock's seconds begin.
    """
    assert most_in_a_second(moments) == most


def test_calls_are_summed_up_by_endpoint_since_the_round_began(tmp_path: Path) -> None:
    """
    With those that the twin refused; events and what came before are left out.
    """
    log = tmp_path / "calls.jsonl"
    confirm = "/v1/payment_intents/pi_3Mtw/confirm"
    event = json.dumps({"kind": "event", "event": {}}) + "\n"
    log.write_text(line(1.0) + line(5.0) + event + line(5.5, confirm, status=429) + line(7.5, confirm))

    assert heard(read_calls(log, since=4.0)) == [
        Heard("POST /v1/payment_intents", 1, 1, 0),
        Heard("POST /v1/payment_intents/{id}/confirm", 2, 1, 1),
    ]


async def test_settlements_are_counted_with_their_latency(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    From the request that owed to the posting of the money; what is open is accepted and not settled.
    """
    owed_at = clock.now() - timedelta(seconds=100)
    paid, still_open = await stage.fix(at=owed_at), await stage.fix(at=owed_at)
    await stage.finish(paid)

    found = await settled_since(owner, first_charge_id=min(paid, still_open))

    assert (found.accepted, found.settled) == (2, 1)
    assert found.latency.p50_ms == pytest.approx(100_000, abs=60_000)
    assert found.per_second == pytest.approx(0.01, abs=0.01)


async def test_nothing_settled_is_no_rate(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    And no division by nothing.
    """
    await stage.fix()

    assert (await settled_since(owner, first_charge_id=0)).per_second == 0


@pytest.mark.parametrize(
    ("told", "unmatched", "is_exact"),
    [("the payment", 0, True), ("pi_unknown", 2, False)],
    ids=["each has the other", "the planted bug: another payment"],
)
async def test_payments_are_matched_with_postings(
    stage: Stage, owner: asyncpg.Connection, tmp_path: Path, told: str, unmatched: int, *, is_exact: bool
) -> None:
    """
    A payment without posting and a posting without payment both count.
    """
    charge_id = await stage.fix()
    charge = await stage.finish(charge_id)
    payment_id = told.replace("the payment", charge.stripe_payment_id)
    log = tmp_path / "calls.jsonl"
    log.write_text(line(1.0, answer={"id": payment_id, **SUCCEEDED}))

    found = await match(owner, read_calls(log, since=0))

    assert (found.payments, found.postings, found.unmatched, found.is_exact) == (1, 1, unmatched, is_exact)

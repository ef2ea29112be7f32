"""
The whole way, between processes: the twin delivers over a socket, the web stores, the worker handles.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from cli.programs import environment, running, serving
from cli.waiting import eventually
from rsolv.local.webhook_endpoint import ensure_endpoint
from test_worker import twin_process
from webhooks.sending import PATH, SECRET, signed

KEY = "sk_test_correcthorsebattery"
SUCCEEDED = "payment_intent.succeeded"
SET = {"STRIPE_WEBHOOK_SECRETS": SECRET.reveal()}


@pytest.fixture
def stripe_url(tmp_path: Path) -> Iterator[str]:
    """
    The address of a twin that runs as a process of its own.
    """
    with twin_process(tmp_path / "stripe") as url:
        yield url


async def test_what_the_twin_delivers_is_handled_by_the_worker(
    database_url: str, owner: asyncpg.Connection, stripe_url: str, tmp_path: Path
) -> None:
    """
    Here a payment of nobody we know.
    """
    file = tmp_path / "webhook_endpoint.json"
    stripe = {"STRIPE_API_KEY": KEY, "STRIPE_API_BASE": stripe_url}

    async def ended() -> bool:
        return await owner.fetchval("SELECT count(*) = 1 FROM billing_events WHERE reason = 'not_ours'")

    with running("worker", environ=environment(database_url, **stripe)):
        made = ensure_endpoint(stripe_url, api_key=KEY, base_url="http://127.0.0.1:1", file=file)
        with serving(database_url, **stripe, STRIPE_WEBHOOK_SECRETS=made.secret) as base_url:
            ensure_endpoint(stripe_url, api_key=KEY, base_url=base_url, file=file)
            await asyncio.to_thread(httpx.post, f"{stripe_url}/_twin/trigger", json={"event": SUCCEEDED})
            await eventually(ended, "the event was handled")

    [event] = await owner.fetch("SELECT type, outcome, source FROM billing_events WHERE reason = 'not_ours'")
    assert tuple(event) == (SUCCEEDED, "ignored", "webhook")


@pytest.mark.parametrize("path", [PATH, "/webhooks/stripe"])
async def test_the_web_process_takes_deliveries_beside_the_api(
    database_url: str, owner: asyncpg.Connection, path: str
) -> None:
    """
    On both paths; every other path is the API's.
    """
    sent = signed()
    with serving(database_url, **SET) as base_url:
        headers = {"stripe-signature": sent.signatures[0]}
        taken = await asyncio.to_thread(httpx.post, f"{base_url}{path}", content=sent.body, headers=headers)
        beside = await asyncio.to_thread(httpx.post, f"{base_url}{path}/", content=sent.body, headers=headers)

    assert (taken.status_code, taken.text) == (200, "OK")
    assert (beside.status_code, beside.json()["code"]) == (404, "unknown_path")
    assert await owner.fetchval("SELECT count(*) FROM billing_events") == 1

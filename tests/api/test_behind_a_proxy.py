"""
From which address somebody consented: who connected, or, past proxies we trust, whom the last of them saw.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from starlette.types import ASGIApp

from api.wire import METHODS
from rsolv.api import Parts, build_application
from rsolv.cli.serve import server_config

CARD = {"stripe_payment_method_id": "pm_card_visa", "billing_consent": True}
PEER, PROXY, OTHER_PROXY = "198.51.100.9", "10.0.0.1", "10.0.0.2"
CUSTOMER, SPOOFED = "203.0.113.7", "192.0.2.66"
TRUSTED = ("10.0.0.0/8",)


def served(parts: Parts, trusted_proxies: tuple[str, ...]) -> ASGIApp:
    """
    Return the application as the server wraps it.
    """
    config = server_config(1, trusted_proxies)
    config.app, config.factory = build_application(parts), False
    config.load()
    return config.loaded_app


@asynccontextmanager
async def connecting(parts: Parts, peer: str, trusted: tuple[str, ...]) -> AsyncIterator[httpx.AsyncClient]:
    """
    Lend a connection from an address.
    """
    transport = httpx.ASGITransport(app=served(parts, trusted), client=(peer, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield client


async def written_down(
    parts: Parts,
    owner: asyncpg.Connection,
    acme: httpx.AsyncClient,
    *,
    peer: str,
    lines: list[str],
    trusted: tuple[str, ...],
) -> str:
    """
    Consent from a peer that sends these lines of X-Forwarded-For, and return the address that is kept as evidence.
    """
    headers = [("x-api-key", acme.headers["x-api-key"]), *(("x-forwarded-for", line) for line in lines)]
    async with connecting(parts, peer, trusted) as client:
        answer = await client.post(METHODS, json=CARD, headers=headers)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return str(await owner.fetchval("SELECT ip FROM consents ORDER BY id DESC LIMIT 1"))


@pytest.mark.parametrize("peer", [PEER, "127.0.0.1", PROXY])
async def test_unless_told_otherwise_nobody_is_believed(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, peer: str
) -> None:
    """
    Not even this machine, which the server would trust by itself.
    """
    found = await written_down(parts, owner, acme_client, peer=peer, lines=[SPOOFED], trusted=())

    assert found == peer


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param([CUSTOMER], CUSTOMER, id="one-proxy"),
        pytest.param([f"{SPOOFED}, {CUSTOMER}"], CUSTOMER, id="the-caller-sent-one-of-their-own"),
        pytest.param([f"{SPOOFED}, {OTHER_PROXY}, {CUSTOMER}"], CUSTOMER, id="the-caller-named-a-proxy-of-ours"),
        pytest.param([f"{SPOOFED}, {CUSTOMER}, {OTHER_PROXY}"], CUSTOMER, id="two-proxies"),
        pytest.param([SPOOFED, CUSTOMER], CUSTOMER, id="each-in-a-line"),
        pytest.param([SPOOFED, CUSTOMER, OTHER_PROXY], CUSTOMER, id="two-proxies-each-in-a-line"),
        pytest.param([f"<script>, unknown, {CUSTOMER}"], CUSTOMER, id="nonsense-before-it"),
        pytest.param([f"{CUSTOMER}:51234"], CUSTOMER, id="with-a-port"),
        pytest.param(["[2001:db8::7]:51234"], "2001:db8::7", id="of-the-new-family"),
        pytest.param([], PROXY, id="the-proxy-itself"),
        pytest.param([""], PROXY, id="an-empty-line"),
    ],
)
async def test_past_trusted_proxies_the_last_address_is_the_callers(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, lines: list[str], found: str
) -> None:
    """
    Read from the right: what stands left of it is what the caller says, and is not believed.
    """
    assert await written_down(parts, owner, acme_client, peer=PROXY, lines=lines, trusted=TRUSTED) == found


async def test_who_does_not_come_through_a_proxy_is_not_believed(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    Whatever they say, also of a proxy of ours.
    """
    lines = [f"{SPOOFED}, {PROXY}"]

    assert await written_down(parts, owner, acme_client, peer=PEER, lines=lines, trusted=TRUSTED) == PEER


def test_the_servers_own_variable_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is trusted stands in one place.
    """
    monkeypatch.setitem(os.environ, "FORWARDED_ALLOW_IPS", "*")

    untold, told = server_config(1, ()), server_config(1, TRUSTED)

    assert (untold.proxy_headers, told.proxy_headers, told.forwarded_allow_ips) == (False, True, list(TRUSTED))


async def test_planted_bug_reading_from_the_left_believes_the_caller(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    A server that trusts everybody takes the first address, and the check above notices.
    """
    lines = [f"{SPOOFED}, {CUSTOMER}"]

    assert await written_down(parts, owner, acme_client, peer=PROXY, lines=lines, trusted=("*",)) == SPOOFED

"""
A thief of the database: what a whole dump of it gives away of keys and answers.
"""

import asyncio
import base64
import subprocess
import uuid
from urllib.parse import unquote

import asyncpg
import httpx
import pytest
from cryptography.exceptions import InvalidTag

from api.wire import ONBOARD, caller
from rsolv.api import Parts
from rsolv.idempotency.rules import unseal
from rsolv.kernel.secret import Secret
from rsolv.local.cluster import Cluster

ADA = {"email": "ada@example.com"}
CALLERS_KEY = "the-callers-own-key-0f8fad5b"


async def dump(cluster: Cluster, database_url: str) -> str:
    """
    Return all that is in the database as text, the way a backup has it.
    """
    command = [str(cluster.bin("pg_dump")), "--dbname", unquote(database_url), "--inserts"]
    taken = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    return taken.stdout


def found_in(stolen: str, secret: bytes) -> list[str]:
    """
    Say in which spellings a secret stands in what was stolen.
    """
    spellings = {
        "plain": secret.decode(),
        "hex": secret.hex(),
        "base64": base64.b64encode(secret).decode().rstrip("="),
    }
    return [name for name, text in spellings.items() if text.lower() in stolen.lower()]


@pytest.fixture
async def answer(client: httpx.AsyncClient) -> httpx.Response:
    """
    The answer to a sign-up that may be repeated.
    """
    return await client.post(ONBOARD, json=ADA, headers={"idempotency-key": CALLERS_KEY})


async def test_a_stolen_database_holds_no_key_and_no_answer(
    answer: httpx.Response, cluster: Cluster, database_url: str
) -> None:
    """
    In a whole dump stands neither the API key nor the stored answer nor the caller's own key, in any spelling.
    """
    stolen = await dump(cluster, database_url)

    assert "ada@example.com" in stolen
    assert "idempotent_answers" in stolen
    assert found_in(stolen, answer.json()["api_key"].encode()) == []
    assert found_in(stolen, answer.content) == []
    assert found_in(stolen, CALLERS_KEY.encode()) == []


@pytest.mark.parametrize(
    ("planting", "spelling"),
    [
        ("UPDATE idempotent_answers SET sealed_body = $1", "hex"),
        ("UPDATE idempotent_answers SET scope = encode($1::bytea, 'base64')", "base64"),
        ("UPDATE customers SET utm_content = convert_from($1::bytea, 'UTF8')", "plain"),
    ],
)
async def test_the_scan_notices_an_answer_that_is_not_sealed(
    answer: httpx.Response,
    cluster: Cluster,
    database_url: str,
    owner: asyncpg.Connection,
    planting: str,
    spelling: str,
) -> None:
    """
    Planted: the answer stored as it is, or its key in some column, is found by the same scan.
    """
    key = answer.json()["api_key"].encode()

    await owner.execute(planting, key)

    assert found_in(await dump(cluster, database_url), key) == [spelling]


async def test_what_is_stored_opens_only_with_all_three_keys(
    answer: httpx.Response, owner: asyncpg.Connection, parts: Parts
) -> None:
    """
    The stored row opens with master key, row and caller's key, and with any of them exchanged it does not.
    """
    row = await owner.fetchrow("SELECT id, key_hash, sealed_body FROM idempotent_answers")
    right = {"master_key": parts.master_key, "row_id": row["id"], "key": Secret(CALLERS_KEY)}

    assert unseal(row["sealed_body"], **right) == answer.content
    for wrong in (
        {"master_key": Secret("0" * 64)},
        {"row_id": uuid.UUID(int=1)},
        {"key": Secret(CALLERS_KEY + "x")},
        {"key": Secret(row["key_hash"].hex())},
    ):
        with pytest.raises(InvalidTag):
            unseal(row["sealed_body"], **(right | wrong))


async def test_a_row_put_under_another_key_does_not_open(
    answer: httpx.Response, client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Who can write to the database cannot have one caller's answer replayed to another.
    """
    await client.post(ONBOARD, json={"email": "eve@example.com"}, headers={"idempotency-key": "eves-key"})
    await owner.execute(
        """
        UPDATE idempotent_answers AS eve SET sealed_body = ada.sealed_body, id = ada.id
        FROM idempotent_answers AS ada WHERE eve.key_hash = sha256('eves-key') AND ada.key_hash <> eve.key_hash
        """
    )

    replay = await client.post(ONBOARD, json={"email": "eve@example.com"}, headers={"idempotency-key": "eves-key"})

    assert (replay.status_code, replay.json()["code"]) == (httpx.codes.CONFLICT, "answer_unreadable")
    assert answer.json()["api_key"] not in replay.text


async def test_after_a_change_of_the_master_key_a_repeat_is_told_so(answer: httpx.Response, parts: Parts) -> None:
    """
    An answer sealed with the old master key is a 409, not a crash that clients would repeat for a day.
    """
    async with caller(parts, master_key=Secret("fedcba9876543210" * 4)) as client:
        repeat = await client.post(ONBOARD, json=ADA, headers={"idempotency-key": CALLERS_KEY})

    assert (repeat.status_code, repeat.json()["code"]) == (httpx.codes.CONFLICT, "answer_unreadable")

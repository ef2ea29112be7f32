"""
A delivery is stored before it is acknowledged; what is not Stripe's is turned away at the door.
"""

import json
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from starlette.types import Message

from rsolv.db import Database
from rsolv.webhooks import PATHS, StripeDeliveries
from rsolv.webhooks.stripe_deliveries import BODY_BYTES_MAX
from stripe_gateway import objects
from webhooks.sending import BODY, OTHER_SECRET, PATH, SECRET, Sent, caller_of, send, signed

STORED = "SELECT array_agg(stripe_event_id ORDER BY id) FROM billing_events"


def test_both_paths_lead_here() -> None:
    """
    The second one is an alias.
    """
    assert {PATH, "/webhooks/stripe"} == PATHS


async def test_a_signed_delivery_is_stored_and_acknowledged(
    caller: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    With its exact text, and with the job that handles it.
    """
    answer = await send(caller, signed())

    assert (answer.status_code, answer.text) == (200, "OK")
    row = await owner.fetchrow("SELECT stripe_event_id, payload, source, outcome FROM billing_events")
    assert tuple(row) == ("evt_1", BODY.decode(), "webhook", "waiting")
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'billing_event.handle'") == 1


async def test_a_repeat_is_acknowledged_and_stored_once(caller: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Or Stripe would go on sending it.
    """
    answers = [await send(caller, signed()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert await owner.fetchval("SELECT count(*) FROM billing_events") == 1
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'billing_event.handle'") == 1


@pytest.mark.parametrize("age_seconds", [301, 100_000, -302, -100_000])
async def test_a_captured_delivery_cannot_be_sent_again_later(
    caller: httpx.AsyncClient, owner: asyncpg.Connection, age_seconds: int
) -> None:
    """
    Rightly signed, but not within five minutes, before or after.
    """
    answer = await send(caller, signed(age_seconds=age_seconds))

    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid signature"})
    assert await owner.fetchval(STORED) is None


async def test_a_bad_signature_is_refused_without_work_for_the_database(
    closed_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The answer says nothing more, and the log counts it, by a word of ours.
    """
    async with caller_of(closed_database, SECRET) as caller:
        refused = await send(caller, signed(secret=OTHER_SECRET))
        missing = await send(caller, Sent(BODY, ()))

    assert [(each.status_code, each.content) for each in (refused, missing)] == [
        (401, b'{"error":"Invalid signature"}')
    ] * 2
    printed = capsys.readouterr().out
    assert printed.count("webhook_refused") == 2
    assert "reason=signature_wrong" in printed
    assert SECRET.reveal() not in printed


async def test_while_a_secret_is_replaced_both_are_valid(database: Database, owner: asyncpg.Connection) -> None:
    """
    And the old one no longer once it is taken out of the settings.
    """
    second = json.dumps(objects.event(id="evt_2")).encode()

    async with caller_of(database, OTHER_SECRET, SECRET) as caller:
        both = [(await send(caller, each)).status_code for each in (signed(), signed(second, secret=OTHER_SECRET))]
    async with caller_of(database, OTHER_SECRET) as caller:
        old = await send(caller, signed())

    assert (both, old.status_code) == ([200, 200], 401)
    assert await owner.fetchval(STORED) == ["evt_1", "evt_2"]


@pytest.mark.parametrize("body", [b"{}", b"no json", b"[]", b'{"object": "event"}', b"\xff", b"[" * 100_000])
async def test_what_is_rightly_signed_and_no_event_is_refused_as_that(caller: httpx.AsyncClient, body: bytes) -> None:
    """
    Nothing is stored: there is no id under which it could be.
    """
    answer = await send(caller, signed(body))

    assert (answer.status_code, answer.json()) == (400, {"error": "Not an event"})


@pytest.mark.parametrize("wrong", [{"id": "evt_\0"}, {"id": "e" * 256}, {"type": "in voice"}])
async def test_an_event_with_an_impossible_name_is_no_event(caller: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    """
    The database would refuse it.
    """
    answer = await send(caller, signed(json.dumps(objects.event(**wrong)).encode()))

    assert answer.status_code == 400


async def test_an_event_with_odd_characters_in_its_text_is_stored(
    caller: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    As it came, NUL and all.
    """
    body = json.dumps(objects.event(data={"object": {"object": "any", "id": "a_1", "name": "\0é😀"}})).encode()

    answer = await send(caller, signed(body))

    assert answer.status_code == 200
    assert await owner.fetchval("SELECT payload FROM billing_events") == body.decode()


async def test_a_body_that_is_declared_too_large_is_not_read(closed_database: Database) -> None:
    """
    413 before the first byte.
    """

    async def never_read() -> AsyncIterator[bytes]:
        raise AssertionError("read")
        yield b""

    async with caller_of(closed_database, SECRET) as caller:
        answer = await caller.post(
            PATH, content=never_read(), headers={"content-length": str(BODY_BYTES_MAX + 1), "stripe-signature": "t=1"}
        )

    assert answer.status_code == 413


async def test_a_body_that_turns_out_too_large_is_read_no_further(closed_database: Database) -> None:
    """
    Whatever was declared.
    """

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(2):
            yield b" " * BODY_BYTES_MAX

    async with caller_of(closed_database, SECRET) as caller:
        pieces = await caller.post(PATH, content=in_pieces())
        largest = await send(caller, signed(b" " * BODY_BYTES_MAX))
        larger = await send(caller, signed(b" " * (BODY_BYTES_MAX + 1)))

    assert (largest.status_code, larger.status_code, pieces.status_code) == (400, 413, 413)


async def test_only_a_post_is_answered(caller: httpx.AsyncClient) -> None:
    """
    With the header that says so.
    """
    answer = await caller.get(PATH)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_without_a_secret_nothing_is_taken_in_and_stripe_tries_again(database: Database) -> None:
    """
    503 is no acknowledgement: nothing is lost while the setting is missing.
    """
    async with caller_of(database) as caller:
        answer = await send(caller, signed(secret=OTHER_SECRET))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


async def test_without_its_database_nothing_is_acknowledged(closed_database: Database) -> None:
    """
    Stripe sends it again; when it is not the network but us, too.
    """
    async with caller_of(closed_database, SECRET) as caller:
        answer = await send(caller, signed())

    assert answer.status_code == 503


async def test_a_mistake_of_ours_is_no_acknowledgement(caller: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Here the table is not as the code needs it.
    """
    await owner.execute("ALTER TABLE billing_events DROP COLUMN is_thin CASCADE")

    answer = await send(caller, signed())

    assert answer.status_code == 500
    assert answer.json() == {"error": "Something went wrong on our side."}


async def test_a_sender_that_hangs_up_is_not_answered(closed_database: Database) -> None:
    """
    There is nobody to hear it, and half a body is no delivery.
    """
    sent: list[Message] = []
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(messages)

    async def note(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": []}
    await StripeDeliveries(closed_database, [SECRET])(scope, receive, note)

    assert sent == []

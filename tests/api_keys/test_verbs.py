"""
A key's life: issued, listed, rotated, revoked; each act is recorded.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from factories.customers import make_customer
from rsolv import api_keys
from rsolv.api_keys.rules import LIVE_KEYS_MAX, hash_key
from rsolv.audit import Actor
from rsolv.db import Connection

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVE = Actor("operator", "eve")


@pytest.fixture
async def customer_id(connection: Connection) -> int:
    """
    A customer with one key, the first.
    """
    return (await make_customer(connection, now=NOW)).customer.id


async def issue(connection: Connection, customer_id: int, **more: object) -> api_keys.IssuedKey:
    return await api_keys.issue_key(connection, customer_id=customer_id, name="CI", actor=EVE, now=NOW, **more)


async def rotate(
    connection: Connection, customer_id: int, api_key_id: int, overlap: timedelta = timedelta(hours=1)
) -> api_keys.IssuedKey:
    return await api_keys.rotate_key(
        connection, customer_id=customer_id, api_key_id=api_key_id, overlap=overlap, actor=EVE, now=NOW
    )


async def revoke(connection: Connection, customer_id: int, api_key_id: int) -> bool:
    return await api_keys.revoke_key(connection, customer_id=customer_id, api_key_id=api_key_id, actor=EVE, now=NOW)


async def stored(connection: Connection, customer_id: int) -> dict[int, api_keys.ApiKey]:
    return {key.id: key for key in await api_keys.list_keys(connection, customer_id=customer_id)}


async def acts(connection: Connection, customer_id: int) -> list[tuple[str, str, str]]:
    rows = await connection.fetch(
        "SELECT action, actor, subject FROM audit_entries WHERE customer_id = $1 AND actor = $2 ORDER BY id",
        customer_id,
        str(EVE),
    )
    return [tuple(row) for row in rows]


async def test_an_issued_key_is_well_formed_and_stored_as_answered(connection: Connection, customer_id: int) -> None:
    """
    The answer has the key; what is listed later has everything but the key.
    """
    issued = await issue(connection, customer_id, expires_at=NOW + timedelta(days=30))

    assert api_keys.is_well_formed(issued.secret.reveal())
    assert (await stored(connection, customer_id))[issued.api_key.id] == issued.api_key
    assert issued.secret.reveal() not in repr(issued)
    assert await acts(connection, customer_id) == [("api_key:issued", "operator:eve", f"api_key {issued.api_key.id}")]


async def test_only_its_hash_is_stored(connection: Connection, customer_id: int) -> None:
    """
    It is found by SHA-256 of the whole key.
    """
    issued = await issue(connection, customer_id)

    hashes = await connection.fetch("SELECT key_hash FROM api_key_hashes WHERE api_key_id = $1", issued.api_key.id)
    assert [row["key_hash"] for row in hashes] == [hash_key(issued.secret.reveal())]


async def test_a_customer_has_five_live_keys_at_most(connection: Connection, customer_id: int) -> None:
    """
    The sixth is refused; one that ended makes room.
    """
    issued = [await issue(connection, customer_id) for _ in range(LIVE_KEYS_MAX - 1)]

    with pytest.raises(api_keys.TooManyApiKeys, match="at most 5 live"):
        await issue(connection, customer_id)
    await revoke(connection, customer_id, issued[0].api_key.id)
    await issue(connection, customer_id)

    live = [key for key in (await stored(connection, customer_id)).values() if key.is_live(NOW)]
    assert len(live) == LIVE_KEYS_MAX


async def test_an_expired_key_does_not_count(connection: Connection, customer_id: int) -> None:
    """
    The limit is of keys that open something.
    """
    for _ in range(LIVE_KEYS_MAX * 2):
        await issue(connection, customer_id, expires_at=NOW)

    assert len(await stored(connection, customer_id)) == LIVE_KEYS_MAX * 2 + 1


@pytest.mark.parametrize("name", ["", "n" * 101, "line\nbreak"])
async def test_a_key_that_cannot_be_called_so_is_not_issued(
    connection: Connection, customer_id: int, name: str
) -> None:
    """
    The refusal comes before anything is written.
    """
    with pytest.raises(api_keys.ApiKeyNameInvalid, match="1 to 100 characters"):
        await api_keys.issue_key(connection, customer_id=customer_id, name=name, actor=EVE, now=NOW)

    assert len(await stored(connection, customer_id)) == 1


async def test_keys_are_listed_newest_first_dead_ones_too(connection: Connection, customer_id: int) -> None:
    """
    And only one's own.
    """
    other = await make_customer(connection, now=NOW)
    second, third = await issue(connection, customer_id), await issue(connection, customer_id)
    await revoke(connection, customer_id, second.api_key.id)

    listed = await api_keys.list_keys(connection, customer_id=customer_id)

    assert [key.id for key in listed][:2] == [third.api_key.id, second.api_key.id]
    assert [key.revoked_at for key in listed] == [None, NOW, None]
    assert other.key.api_key.id not in [key.id for key in listed]


async def test_a_key_is_revoked_once(connection: Connection, customer_id: int) -> None:
    """
    A repeat changes nothing, neither the time nor the record.
    """
    key = (await issue(connection, customer_id)).api_key

    first = await revoke(connection, customer_id, key.id)
    second = await api_keys.revoke_key(
        connection, customer_id=customer_id, api_key_id=key.id, actor=EVE, now=NOW + timedelta(days=1)
    )

    assert (first, second) == (True, False)
    assert (await stored(connection, customer_id))[key.id].revoked_at == NOW
    assert [act[0] for act in await acts(connection, customer_id)] == ["api_key:issued", "api_key:revoked"]


@pytest.mark.parametrize("verb", [revoke, rotate], ids=["revoke", "rotate"])
async def test_a_key_that_the_customer_has_not_is_unknown(
    connection: Connection, customer_id: int, verb: object
) -> None:
    """
    Another customer's key is as unknown as one that never was, and stays as it is.
    """
    other = await make_customer(connection, now=NOW)

    for api_key_id in (other.key.api_key.id, 404):
        with pytest.raises(api_keys.UnknownApiKey, match=f"API key {api_key_id} does not exist"):
            await verb(connection, customer_id, api_key_id)

    assert (await stored(connection, other.customer.id))[other.key.api_key.id].is_live(NOW)
    assert await acts(connection, customer_id) == []


async def test_a_rotated_key_works_until_the_overlap_is_over(connection: Connection, customer_id: int) -> None:
    """
    The new one works from now on, has the old one's name and says whom it replaces.
    """
    old = (await issue(connection, customer_id)).api_key

    new = (await rotate(connection, customer_id, old.id, timedelta(hours=1))).api_key

    ending = (await stored(connection, customer_id))[old.id]
    assert (new.name, new.replaces_api_key_id, new.expires_at) == (old.name, old.id, None)
    assert (ending.is_live(NOW + timedelta(minutes=59)), ending.is_live(NOW + timedelta(hours=1))) == (True, False)


async def test_a_rotation_is_recorded_with_the_successor(connection: Connection, customer_id: int) -> None:
    """
    Two acts: the new key was issued, the old one rotated.
    """
    old = (await issue(connection, customer_id)).api_key

    new = (await rotate(connection, customer_id, old.id, timedelta(hours=1))).api_key

    facts = await connection.fetchval("SELECT facts FROM audit_entries WHERE action = 'api_key:rotated'")
    assert [act[0] for act in await acts(connection, customer_id)][1:] == ["api_key:issued", "api_key:rotated"]
    assert json.loads(facts) == {"replaced_by": new.id, "overlap_seconds": 3600}


async def test_a_rotation_never_lengthens_a_life(connection: Connection, customer_id: int) -> None:
    """
    A key that was to end sooner than the overlap still does.
    """
    old = (await issue(connection, customer_id, expires_at=NOW + timedelta(minutes=5))).api_key

    await rotate(connection, customer_id, old.id, timedelta(hours=1))

    assert (await stored(connection, customer_id))[old.id].expires_at == NOW + timedelta(minutes=5)


async def test_a_dead_key_cannot_be_rotated(connection: Connection, customer_id: int) -> None:
    """
    Whoever found it in an old file gets no new one for it.
    """
    revoked = (await issue(connection, customer_id)).api_key
    await revoke(connection, customer_id, revoked.id)
    expired = (await issue(connection, customer_id, expires_at=NOW)).api_key

    for key in (revoked, expired):
        with pytest.raises(api_keys.ApiKeyRevoked, match=f"API key {key.id} is no longer live"):
            await rotate(connection, customer_id, key.id)


async def test_with_all_keys_live_a_rotation_needs_an_overlap_of_nothing(
    connection: Connection, customer_id: int
) -> None:
    """
    With an overlap there would be six; without one the old key makes room for the new one.
    """
    keys = [(await issue(connection, customer_id)).api_key for _ in range(LIVE_KEYS_MAX - 1)]

    await rotate(connection, customer_id, keys[0].id, timedelta(0))
    with pytest.raises(api_keys.TooManyApiKeys):
        await rotate(connection, customer_id, keys[1].id, timedelta(hours=1))

    assert not (await stored(connection, customer_id))[keys[0].id].is_live(NOW)

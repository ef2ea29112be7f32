"""
What a key looks like: recognised without a look-up, impossible to guess.
"""

import re
import string
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsolv.api_keys import ApiKey, is_well_formed
from rsolv.api_keys.rules import checksum, generate_key, hash_key, is_usable_name, shown_parts

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
bodies = st.text(alphabet=BASE62, min_size=37, max_size=37)


def number_of(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 62 + BASE62.index(digit)
    return value


def test_a_key_is_a_prefix_37_random_characters_and_6_of_checksum() -> None:
    """
    Scanners for leaked secrets know it by this form.
    """
    assert re.fullmatch(r"rsolv_[0-9A-Za-z]{37}[0-9A-Za-z]{6}", generate_key())


def test_the_checksum_is_the_crc_32_of_all_before_it_in_base_62() -> None:
    """
    Anybody can check a key without asking us.
    """
    key = generate_key()

    assert number_of(key[-6:]) == zlib.crc32(key[:-6].encode())
    assert is_well_formed(key)


@given(st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_every_checksum_has_six_characters(body: str) -> None:
    """
    A small number is padded, so that all keys have one length.
    """
    assert re.fullmatch(r"[0-9A-Za-z]{6}", checksum(body))
    assert number_of(checksum(body)) == zlib.crc32(body.encode())


def test_no_two_keys_are_alike() -> None:
    """
    They come from 220 bits of the operating system's randomness, and every character occurs.
    """
    keys = {generate_key() for _ in range(2_000)}

    assert len(keys) == 2_000
    assert set("".join(key[6:43] for key in keys)) == set(BASE62)


@settings(max_examples=500)
@given(body=bodies, at=st.integers(0, 48), replacement=st.characters())
def test_a_key_with_one_character_changed_is_not_well_formed(body: str, at: int, replacement: str) -> None:
    """
    A typing error costs no look-up.
    """
    key = f"rsolv_{body}"
    key += checksum(key)
    mutated = key[:at] + replacement + key[at + 1 :]

    assert is_well_formed(mutated) == (mutated == key)


@settings(max_examples=300)
@given(st.text(max_size=80))
def test_other_text_is_not_well_formed(text: str) -> None:
    """
    Whatever is presented, the question is answered.
    """
    assert not is_well_formed(text)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda key: key[:-1], id="a character short"),
        pytest.param(lambda key: key + "0", id="a character long"),
        pytest.param(lambda key: key + "\n", id="a line break after it"),
        pytest.param(lambda key: " " + key, id="a space before it"),
        pytest.param(lambda key: key.upper(), id="all capitals"),
        pytest.param(lambda key: key.replace("rsolv_", "rsolv-"), id="another prefix"),
        pytest.param(lambda key: key[:-6] + key[-6:][::-1] + "x", id="the checksum turned round"),
        pytest.param(lambda key: "rsolv_" + "٣" * 43, id="digits of another script"),
        pytest.param(lambda key: "", id="nothing"),
    ],
)
def test_what_only_resembles_a_key_is_not_well_formed(spoil: object) -> None:
    """
    The form is exact.
    """
    assert not is_well_formed(spoil(generate_key()))


def test_a_key_is_stored_as_its_sha_256() -> None:
    """
    Equal keys have equal hashes, and the hash does not contain the key.
    """
    key = generate_key()

    assert len(hash_key(key)) == 32
    assert hash_key(key) == hash_key(key) != hash_key(generate_key())
    assert key.encode() not in hash_key(key)


def test_what_is_shown_of_a_key_later_is_too_little_to_use_it() -> None:
    """
    Nine of its 43 characters, enough to tell one's own keys apart.
    """
    key = generate_key()
    prefix, last_four = shown_parts(key)

    assert (prefix, last_four) == (key[:11], key[-4:])


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "is_live"),
    [
        pytest.param(None, None, True, id="for ever"),
        pytest.param(NOW + timedelta(microseconds=1), None, True, id="not expired yet"),
        pytest.param(NOW, None, False, id="expires now"),
        pytest.param(NOW - timedelta(days=1), None, False, id="expired"),
        pytest.param(None, NOW, False, id="revoked"),
        pytest.param(NOW + timedelta(days=1), NOW - timedelta(days=1), False, id="revoked before it expires"),
    ],
)
def test_a_key_is_live_until_it_is_revoked_or_expires(
    expires_at: datetime | None,
    revoked_at: datetime | None,
    is_live: bool,  # noqa: FBT001 -- a case of the table
) -> None:
    """
    At the moment of its expiry it is over.
    """
    key = ApiKey(
        id=1,
        customer_id=1,
        name="Key",
        prefix="rsolv_abcde",
        last_four="wxyz",
        created_at=NOW - timedelta(days=2),
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=None,
        replaces_api_key_id=None,
    )

    assert key.is_live(NOW) is is_live


@pytest.mark.parametrize(
    ("name", "is_usable"),
    [
        ("K", True),
        ("Build server 名前", True),
        ("n" * 100, True),
        ("", False),
        ("n" * 101, False),
        ("a\nb", False),
        ("a\x1b[0m", False),
    ],
)
def test_a_name_of_a_key_can_be_shown_in_a_line(name: str, is_usable: bool) -> None:  # noqa: FBT001 -- a case
    """
    It has a length and no control characters.
    """
    assert is_usable_name(name) is is_usable

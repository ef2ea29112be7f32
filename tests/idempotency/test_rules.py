"""
How a repeat is recognised and an answer is sealed; no database.
"""

import uuid

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from rsolv.idempotency import KeyInvalid, Repeatable, checked_key, fingerprint
from rsolv.idempotency.rules import seal, unseal
from rsolv.kernel.secret import Secret

MASTER_KEY = Secret("0123456789abcdef" * 4)
ROW = uuid.UUID("00000000-0000-4000-8000-000000000001")
KEY = Secret("a-key-of-the-caller")
VISIBLE = [chr(code) for code in range(0x21, 0x7F)]


@pytest.mark.parametrize("header", ["k", "!", "~", "x" * 255, "0f8fad5b-d9cb-469f-a165-70867728950e", "".join(VISIBLE)])
def test_a_key_of_visible_characters_is_taken_as_it_is(header: str) -> None:
    """
    1 to 255 visible ASCII characters make a key.
    """
    assert checked_key(header).reveal() == header


@pytest.mark.parametrize(
    "header", ["", " ", "a b", "a\tb", "a\n", "\n", "a\x00", "x" * 256, "schlüssel", "\x7f", "a, b"]
)
def test_anything_else_is_no_key(header: str) -> None:
    """
    Empty, too long, blank or beyond ASCII is refused with the field's name.
    """
    with pytest.raises(KeyInvalid) as refused:
        checked_key(header)

    assert set(refused.value.fields) == {"Idempotency-Key"}


def test_a_key_does_not_show_itself() -> None:
    """
    A key in a traceback or a log line is hidden.
    """
    assert "a-key" not in repr(Repeatable(scope="POST /x", key=KEY, fingerprint=b""))


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_again(body: bytes) -> None:
    """
    With the same master key, row and caller's key the very bytes come back.
    """
    assert (
        unseal(seal(body, master_key=MASTER_KEY, row_id=ROW, key=KEY), master_key=MASTER_KEY, row_id=ROW, key=KEY)
        == body
    )


def test_the_seal_shows_nothing_and_never_repeats() -> None:
    """
    Equal answers are sealed differently, and none of their bytes stand in the seal.
    """
    body = b'{"api_key": "rsolv_secret"}'

    seals = [seal(body, master_key=MASTER_KEY, row_id=ROW, key=KEY) for _ in range(50)]

    assert len(set(seals)) == 50
    assert not any(body[start : start + 6] in one for one in seals for start in range(len(body) - 6))


@pytest.mark.parametrize(
    "opener",
    [
        pytest.param({"master_key": Secret("f" * 64)}, id="another-master-key"),
        pytest.param({"row_id": uuid.UUID(int=2)}, id="another-row"),
        pytest.param({"key": Secret("another-key")}, id="another-callers-key"),
        pytest.param({"key": Secret("A-key-of-the-caller")}, id="another-case"),
    ],
)
def test_a_seal_opens_for_nobody_else(opener: dict[str, object]) -> None:
    """
    Another master key, another row or another caller's key does not open it.
    """
    sealed = seal(b"answer", master_key=MASTER_KEY, row_id=ROW, key=KEY)

    with pytest.raises(InvalidTag):
        unseal(sealed, **({"master_key": MASTER_KEY, "row_id": ROW, "key": KEY} | opener))


def test_a_seal_that_was_touched_does_not_open() -> None:
    """
    Changing any one bit, or cutting any part off, is noticed.
    """
    sealed = seal(b"answer", master_key=MASTER_KEY, row_id=ROW, key=KEY)
    touched = [sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in range(len(sealed))] + [
        sealed[:-1],
        sealed + b"\0",
    ]

    for one in touched:
        with pytest.raises(InvalidTag):
            unseal(one, master_key=MASTER_KEY, row_id=ROW, key=KEY)


def test_only_the_same_question_has_the_same_fingerprint() -> None:
    """
    Method, path and body each count, and none runs into the next.
    """
    questions = [
        ("POST", "/a", b"{}"),
        ("PUT", "/a", b"{}"),
        ("POST", "/b", b"{}"),
        ("POST", "/a", b"{ }"),
        ("POST", "/a{", b"}"),
        ("POS", "T/a", b"{}"),
    ]

    assert len({fingerprint(*question) for question in questions}) == len(questions)
    assert fingerprint(*questions[0]) == fingerprint(*questions[0])

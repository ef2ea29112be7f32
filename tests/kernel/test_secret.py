"""
A secret is not shown by accident.
"""

import json
import traceback

import msgspec
import pytest

from rsolv.kernel.secret import Secret

VALUE = "correct-horse-battery-staple"
SECRET = Secret(VALUE)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(str(SECRET), id="str"),
        pytest.param(repr(SECRET), id="repr"),
        pytest.param(f"{SECRET}", id="format"),
        pytest.param("%s %r" % (SECRET, SECRET), id="percent"),  # noqa: UP031 -- one of the ways to leak it
        pytest.param(repr({"key": [SECRET]}), id="inside others"),
        pytest.param(json.dumps(SECRET, default=str), id="json"),
        pytest.param(msgspec.json.encode({"key": SECRET}, enc_hook=str).decode(), id="a log line"),
    ],
)
def test_a_secret_hides_however_it_is_printed(shown: str) -> None:
    """
    Text made of it by any of the usual ways has stars in its place.
    """
    assert VALUE not in shown
    assert "***" in shown


def test_only_reveal_gives_it_away() -> None:
    """
    Who needs it says so in a word that can be searched for.
    """
    assert SECRET.reveal() == VALUE


def test_it_has_no_attributes_that_tools_could_dump() -> None:
    """
    Neither `vars` nor a serializer that walks attributes finds it.
    """
    assert not hasattr(SECRET, "__dict__")
    with pytest.raises(TypeError):
        msgspec.json.encode(SECRET)


def test_a_traceback_with_locals_does_not_show_it() -> None:
    """
    Error reports that print local values print the stars.
    """
    try:
        fail_with(SECRET)
    except ZeroDivisionError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "held = Secret(***)" in shown


def fail_with(held: Secret) -> float:
    return len(held.reveal()) / 0


def test_secrets_are_equal_when_what_they_hold_is() -> None:
    """
    They can be compared and put in sets, and never equal the bare text.
    """
    assert Secret(VALUE) == SECRET
    assert Secret("other") != SECRET
    assert SECRET != VALUE
    assert {SECRET, Secret(VALUE)} == {SECRET}

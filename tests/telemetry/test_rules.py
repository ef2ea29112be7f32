"""
Who may read the metrics.
"""

import pytest

from rsolv.kernel.secret import Secret
from rsolv.telemetry import may_read

TOKEN = Secret("correct-horse-battery-staple")


@pytest.mark.parametrize(
    ("authorization", "may"),
    [
        ("Bearer correct-horse-battery-staple", True),
        ("bearer correct-horse-battery-staple", True),
        ("Bearer  correct-horse-battery-staple ", True),
        ("Bearer correct-horse-battery-stapl", False),
        ("Bearer correct-horse-battery-staple2", False),
        ("Bearer ", False),
        ("Basic correct-horse-battery-staple", False),
        ("correct-horse-battery-staple", False),
        ("Bearer \u00e9\u00e9", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("ip", ["127.0.0.1", "192.0.2.7", None])
def test_where_there_is_a_token_it_is_needed_from_wherever(
    authorization: str | None,
    ip: str | None,
    may: bool,  # noqa: FBT001 -- a case of the table
) -> None:
    """
    Being on this machine is no substitute for it.
    """
    assert may_read(token=TOKEN, authorization=authorization, ip=ip, is_forwarded=False) is may


@pytest.mark.parametrize(
    ("ip", "may"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("192.0.2.7", False),
        ("10.0.0.1", False),
        ("::", False),
        ("0.0.0.0", False),  # noqa: S104 -- an address to refuse
        ("localhost", False),
        ("", False),
        (None, False),
    ],
)
def test_without_a_token_only_this_machine_may(ip: str | None, may: bool) -> None:  # noqa: FBT001 -- a case of the table
    """
    Whatever is presented; and never what a proxy forwarded, since a proxy on this machine speaks for strangers.
    """
    assert may_read(token=None, authorization="Bearer guess", ip=ip, is_forwarded=False) is may
    assert may_read(token=None, authorization=None, ip=ip, is_forwarded=True) is False

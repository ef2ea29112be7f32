"""
Who may read what we count.
"""

import hmac
import ipaddress

from rsolv.kernel.secret import Secret

_SCHEME = "bearer "


def may_read(*, token: Secret | None, authorization: str | None, ip: str | None, is_forwarded: bool) -> bool:
    """
    Say whether somebody may: who presents the *token*, where one is set; else who connects from this very machine.

    What a proxy forwarded came from elsewhere, whatever address the proxy has. The token is compared in constant time.
    """
    if token is not None:
        presented = authorization or ""
        is_bearer = presented[: len(_SCHEME)].lower() == _SCHEME
        right = hmac.compare_digest(presented[len(_SCHEME) :].strip().encode(), token.reveal().encode())
        return is_bearer and right
    return not is_forwarded and _is_this_machine(ip)


def _is_this_machine(ip: str | None) -> bool:
    try:
        return ip is not None and ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False

"""
The headers of a request: key, version, idempotency, content type (docs.stripe.com/api/authentication, /versioning).
"""

from collections.abc import Iterator, Mapping

from stripe_twin.contract.limits import IDEMPOTENCY_KEY_CHARACTERS_MAX
from stripe_twin.contract.problems import Problem

_TEST_KEYS = ("Bearer sk_test_", "Bearer rk_test_")
_LIVE_KEYS = ("sk_live_", "rk_live_")
_CONTENT_TYPES = {"v1": ("application/x-www-form-urlencoded", "multipart/form-data"), "v2": ("application/json",)}


def header_problems(method: str, path: str, headers: Mapping[str, str], *, api_version: str) -> list[Problem]:
    """
    Check the headers of a request, their names in lower case; no key is ever quoted.
    """
    found = [*_credentials(headers.get("authorization", ""))]
    if headers.get("stripe-version") != api_version:
        found.append(Problem("stripe-version", f"is {headers.get('stripe-version')!r}, must be {api_version!r}"))
    if method.upper() == "POST":
        found += _of_writes(path, headers)
    return found


def _credentials(authorization: str) -> Iterator[Problem]:
    if any(word in authorization for word in _LIVE_KEYS):
        yield Problem("authorization", "carries a live key")
    elif not authorization.startswith(_TEST_KEYS):
        yield Problem("authorization", "carries no test key as bearer")


def _of_writes(path: str, headers: Mapping[str, str]) -> Iterator[Problem]:
    characters = len(headers.get("idempotency-key", ""))
    if not 0 < characters <= IDEMPOTENCY_KEY_CHARACTERS_MAX:
        yield Problem(
            "idempotency-key", f"has {characters} characters, must have 1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX}"
        )
    wanted = _CONTENT_TYPES["v2" if path.startswith("/v2/") else "v1"]
    if not headers.get("content-type", "").startswith(wanted):
        yield Problem("content-type", f"is {headers.get('content-type')!r}, must be {wanted[0]!r}")

"""
Which headers every request needs.
"""

import pytest

GOOD = {
    "authorization": "Bearer sk_test_1",
    "stripe-version": "2026-10-28.endive",
    "idempotency-key": "key-1",
    "content-type": "application/x-www-form-urlencoded",
}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/v1/refunds", GOOD),
        ("POST", "/v1/refunds", {**GOOD, "authorization": "Bearer rk_test_1", "idempotency-key": "k" * 255}),
        ("POST", "/v2/billing/meter_events", {**GOOD, "content-type": "application/json"}),
        ("GET", "/v1/refunds", {name: GOOD[name] for name in ("authorization", "stripe-version")}),
    ],
)
def test_good_headers_are_clean(contract, method, path, headers):
    """
    A test key, the pinned version, and for writes an idempotency key and the right content type.
    """
    assert contract.header_problems(method, path, headers) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", "Bearer sk_live_abcdef"),
        ("authorization", "Bearer rk_live_abcdef"),
        ("authorization", "Bearer pk_test_abcdef"),
        ("authorization", ""),
        ("stripe-version", "2024-06-20"),
        ("stripe-version", ""),
        ("idempotency-key", ""),
        ("idempotency-key", "k" * 256),
        ("content-type", "application/json"),
        ("content-type", ""),
    ],
)
def test_a_bad_header_is_named_and_no_key_is_quoted(contract, name, value):
    """
    The problem says which header, and never shows a key.
    """
    (problem,) = contract.header_problems("POST", "/v1/refunds", {**GOOD, name: value})

    assert problem.path == name
    assert "abcdef" not in str(problem)

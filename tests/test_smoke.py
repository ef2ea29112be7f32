"""
One walk through everything, kept to see at a glance whether the house stands.
"""

import httpx


async def test_a_signup_earns_a_key_and_a_fix_consumes_a_credit(acme_client: httpx.AsyncClient) -> None:
    """
    A new customer's first fix leaves one credit less.
    """
    before = (await acme_client.get("/api/v1/billing/usage")).json()["credit_balance"]
    body = {
        "phase": "mitigate",
        "repo": "acme/shop",
        "issueNumber": 1,
        "commitSha": "abc",
        "data": {"fixed": True},
    }

    answer = await acme_client.post("/api/v1/phases/store", json=body)

    assert answer.json()["billing"] == {"status": "consumed", "credits_remaining": before - 1}

"""
Keys, versions and addresses: who is let in and what is there.
"""

import httpx
import pytest

from stripe_twin.twin import Twin


@pytest.mark.parametrize("key", ["sk_test_correcthorse", "rk_test_correcthorse"])
async def test_any_well_formed_test_key_is_let_in(http: httpx.AsyncClient, key: str) -> None:
    """
    Secret or restricted.
    """
    answer = await http.get("/v1/customers", headers={"authorization": f"Bearer {key}"})

    assert answer.status_code == 200


async def test_a_key_may_come_as_the_user_of_basic_authentication(http: httpx.AsyncClient) -> None:
    """
    As in every example of Stripe's: `curl -u sk_test_...:`.
    """
    answer = await http.get("/v1/customers", auth=httpx.BasicAuth("sk_test_correcthorse", ""))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer ",
        "Bearer sk_{live}_correcthorse",
        "Bearer pk_test_correcthorse",
        "Bearer sk_test_",
        "Basic c2s6",
        "Basic ?",
        "Digest sk_test_correcthorse",
    ],
)
async def test_anything_else_is_told_so_with_401(http: httpx.AsyncClient, authorization: str) -> None:
    """
    A live key above all; no key is shown in the answer.
    """
    answer = await http.get("/v1/customers", headers={"authorization": authorization.format(live="live")})

    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    assert "correcthorse" not in answer.text


async def test_every_answer_names_its_request_and_version(http: httpx.AsyncClient) -> None:
    """
    Also a refusal, so that support can find it.
    """
    answers = [await http.get("/v1/customers"), await http.get("/v1/customers/cus_nobody")]

    ids = {answer.headers["request-id"] for answer in answers}
    assert len(ids) == 2
    assert all(request_id.startswith("req_") for request_id in ids)
    assert {answer.headers["stripe-version"] for answer in answers} == {"2026-10-28.endive"}


async def test_another_version_of_the_api_is_refused(http: httpx.AsyncClient) -> None:
    """
    The twin speaks one and does not pretend to speak others.
    """
    answer = await http.get("/v1/customers", headers={"stripe-version": "2020-08-27"})

    assert answer.status_code == 400
    assert "2020-08-27" in answer.json()["error"]["message"]


async def test_an_address_that_stripe_does_not_have_is_404(http: httpx.AsyncClient) -> None:
    """
    As Stripe says it.
    """
    answer = await http.get("/v1/horses")

    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/horses)")


@pytest.mark.parametrize("path", ["/v1/payouts", "/v1/issuing/cards", "/v1/quotes"])
async def test_what_stripe_does_and_the_twin_does_not_is_501(http: httpx.AsyncClient, path: str) -> None:
    """
    Loudly, so that nothing is built on an empty answer.
    """
    answer = await http.get(path)

    assert answer.status_code == 501
    assert f"GET {path}" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"email": "ada@example.com"}'),
        ("application/x-www-form-urlencoded", b"email"),
        ("application/x-www-form-urlencoded", b"email=\xff\xfe"),
    ],
)
async def test_a_body_that_is_no_form_is_refused(http: httpx.AsyncClient, content_type: str, body: bytes) -> None:
    """
    The first API takes forms only.
    """
    answer = await http.post("/v1/customers", content=body, headers={"content-type": content_type})

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_mistake_of_the_twin_itself_is_not_taken_for_an_answer(http: httpx.AsyncClient, twin: Twin) -> None:
    """
    An object that is not of Stripe's shape is never handed out: the call fails and is undone, and the twin remembers.
    """
    created = (await http.post("/v1/customers", data={"email": "ada@example.com"})).json()
    with twin.store.unit():
        twin.store.edit("customer", created["id"])["livemode"] = "perhaps"

    answer = await http.post(f"/v1/customers/{created['id']}", data={"name": "Ada"})

    assert answer.status_code == 500
    assert "livemode" in str(twin.mistakes.pop())
    assert twin.account.get("customer", created["id"])["name"] is None

"""
Posting over httpx: to this machine only, where the server does it.
"""

import httpx
import pytest

from stripe_twin.events import NotReached, is_this_machine, post_on_this_machine, post_with


def client(answer) -> httpx.AsyncClient:
    """
    Return a client whose requests this function answers.
    """
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def test_a_post_returns_the_status() -> None:
    """
    Body and headers go out as they are; a redirect is an answer, not followed.
    """
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url), request.headers["stripe-signature"], request.content))
        return httpx.Response(302, headers={"location": "http://elsewhere.test/"})

    async with client(answer) as http:
        status = await post_with(http)("http://127.0.0.1:1/hook", {"stripe-signature": "t=1"}, b"{}")

    assert status == 302
    assert seen == [("POST", "http://127.0.0.1:1/hook", "t=1", b"{}")]


async def test_no_answer_is_not_reached() -> None:
    """
    What went wrong on the way is in the message.
    """

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too slow", request=request)

    async with client(answer) as http:
        with pytest.raises(NotReached, match="ReadTimeout: too slow"):
            await post_with(http)("http://127.0.0.1:1/hook", {}, b"{}")


async def test_nothing_is_sent_to_another_machine() -> None:
    """
    A demonstration must not call anybody's real endpoint.
    """
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with client(answer) as http:
        with pytest.raises(NotReached, match="not this machine"):
            await post_on_this_machine(http)("https://acme.test/hook", {}, b"{}")
        here = await post_on_this_machine(http)("http://localhost:1/hook", {}, b"{}")

    assert (here, len(seen)) == (200, 1)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 -- nobody listens there
        ("10.0.0.1", False),
        ("localhost.evil.test", False),
        ("127.0.0.1.evil.test", False),
        ("", False),
    ],
)
def test_this_machine_is_told_by_its_address(host: str, is_here: bool) -> None:  # noqa: FBT001 -- a case's outcome
    """
    Loopback addresses and `localhost`, nothing that has to be looked up.
    """
    assert is_this_machine(host) is is_here

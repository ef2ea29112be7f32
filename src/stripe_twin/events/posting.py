"""
How deliveries are posted with httpx.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from stripe_twin.events.sender import NotReached, Post

TIMEOUT_SECONDS = 5.0


def post_with(client: httpx.AsyncClient) -> Post:
    """
    Return a post over a client, wherever that leads; redirects are answers as any other.
    """

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            answer = await client.post(url, headers=dict(headers), content=body, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotReached(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        return answer.status_code

    return post


def post_on_this_machine(client: httpx.AsyncClient) -> Post:
    """
    Return a post that reaches this machine only; to any other nothing is sent.
    """
    post = post_with(client)

    async def post_here(url: str, headers: Mapping[str, str], body: bytes) -> int:
        if not is_this_machine(urlsplit(url).hostname or ""):
            raise NotReached("not this machine: nothing was sent")
        return await post(url, headers, body)

    return post_here


def is_this_machine(host: str) -> bool:
    """
    Tell whether a host is written as this machine's: `localhost` or a loopback address. Names are not looked up.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

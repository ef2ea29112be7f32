"""
Our webhook endpoint, as the twin finds it: in this process, or listening on this machine.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from contracts.stripe.stand import Stand
from rsolv.kernel import clock
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import API_VERSION, StripeEvent, verify_delivery
from stripe_twin.twin import Twin

DEADLINE_SECONDS = 20
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True)
class Delivery:
    """
    A post as it arrived: the raw body, and all values of its signature header.
    """

    body: bytes
    signatures: tuple[str, ...]


@dataclass
class Inbox:
    """
    An endpoint that is registered with the twin for every event, and what arrives there.
    """

    url: str
    send: Callable[[], Awaitable[object]]
    now: Callable[[], Awaitable[datetime]]
    endpoint_id: str = ""
    secret: Secret = field(default_factory=lambda: Secret(""))
    arrived: asyncio.Queue[Delivery] = field(default_factory=asyncio.Queue)

    async def register(self, stand: Stand) -> None:
        """
        Tell the twin of it, and keep the secret that only this answer shows.
        """
        asked = {"url": self.url, "enabled_events[]": "*", "api_version": API_VERSION}
        endpoint = await stand.api("POST", "/v1/webhook_endpoints", asked)
        self.endpoint_id, self.secret = endpoint["id"], Secret(endpoint["secret"])

    async def next(self) -> Delivery:
        """
        Wait for the next delivery.
        """
        await self.send()
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.arrived.get()

    async def verified(self, delivery: Delivery, *secrets: Secret) -> StripeEvent:
        """
        Verify a delivery at the time of its arrival, by the endpoint's secret or by others.
        """
        secrets = secrets or (self.secret,)
        return verify_delivery(delivery.body, delivery.signatures, secrets=secrets, now=await self.now())


def inbox_inside(stand: Stand, twin: Twin) -> Inbox:
    """
    Take deliveries from the sender of a twin in this process; they are signed at the twin's own time.
    """

    async def post(_url: str, headers: Mapping[str, str], body: bytes) -> int:
        inbox.arrived.put_nowait(Delivery(body, (headers["stripe-signature"],)))
        return 200

    inbox = Inbox(url="http://127.0.0.1:1/hook", send=lambda: twin.sender.deliver_due(post), now=stand.now)
    return inbox


@asynccontextmanager
async def inbox_listening() -> AsyncIterator[Inbox]:
    """
    Listen on a free port for what another process sends; it signs at the machine's time, whatever its own clock says.
    """

    async def take_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
        headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in head)]
        body = await reader.readexactly(int(dict(headers)["content-length"]))
        inbox.arrived.put_nowait(Delivery(body, tuple(value for name, value in headers if name == "stripe-signature")))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def no_sending() -> None:
        pass  # the other process does it by itself

    async def machine_time() -> datetime:
        return clock.now()

    server = await asyncio.start_server(take_in, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    inbox = Inbox(url=f"http://{host}:{port}/hook", send=no_sending, now=machine_time)
    async with server:
        yield inbox

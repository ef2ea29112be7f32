"""
Connections to Stripe are kept, used again, and as many as calls are under way.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from rsolv.stripe_gateway.http import POOL_SIZE, Pools

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
DEADLINE_SECONDS = 30


class Server:
    """
    Answers when it may, and counts connections and requests.
    """

    def __init__(self) -> None:
        self.connections = self.requests = self.open = 0
        self.waited_for = 0
        self.all_came, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Answer one connection until it ends.
        """
        self.connections += 1
        self.open += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                if self.requests == self.waited_for:
                    self.all_came.set()
                await self.may_answer.wait()
                writer.write(OK)
                await writer.drain()
        except asyncio.IncompleteReadError:
            self.open -= 1
        finally:
            writer.close()


@asynccontextmanager
async def client_of(server: Server, *, at_once: int) -> AsyncIterator[httpx.AsyncClient]:
    """
    Lend a client that asks the server over pools.
    """
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    async with listening, httpx.AsyncClient(transport=Pools(at_once), base_url=f"http://{host}:{port}") as client:
        yield client


async def test_calls_one_after_another_need_one_connection() -> None:
    """
    It is kept open and used again.
    """
    server = Server()

    async with client_of(server, at_once=40) as client:
        answers = [(await client.get("/")).status_code for _ in range(10)]

    assert (answers, server.connections, server.requests) == ([200] * 10, 1, 10)


@pytest.mark.parametrize("at_once", [1, POOL_SIZE, POOL_SIZE + 1, 40])
async def test_as_many_calls_are_under_way_as_there_may_be(at_once: int) -> None:
    """
    None waits for the connection of another, and all are answered.
    """
    server = Server()
    server.waited_for = at_once
    server.may_answer.clear()

    async with client_of(server, at_once=at_once) as client:
        calls = [asyncio.create_task(client.get("/")) for _ in range(at_once)]
        await asyncio.wait_for(server.all_came.wait(), DEADLINE_SECONDS)
        server.may_answer.set()
        answers = [answer.status_code for answer in await asyncio.gather(*calls)]

    assert (answers, server.connections) == ([200] * at_once, at_once)


async def test_a_call_that_is_cancelled_leaves_its_place() -> None:
    """
    The count of what is under way stays right: the next calls begin with the first pool again.
    """
    server = Server()
    server.waited_for = POOL_SIZE
    server.may_answer.clear()

    async with client_of(server, at_once=40) as client:
        calls = [asyncio.create_task(client.get("/")) for _ in range(POOL_SIZE)]
        await asyncio.wait_for(server.all_came.wait(), DEADLINE_SECONDS)
        [call.cancel() for call in calls]
        await asyncio.gather(*calls, return_exceptions=True)
        server.may_answer.set()
        answers = [(await client.get("/")).status_code for _ in range(3)]

    assert (answers, server.connections) == ([200] * 3, POOL_SIZE + 1)

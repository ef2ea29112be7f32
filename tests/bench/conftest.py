"""
A server that answers as a test wants, byte by byte, for the load generator to be counted against.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import pytest

from bench.load import Operation

OK = b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"ok"}'
REFUSED = b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 19\r\n\r\n{"error":"so busy"}'


class ScriptedServer:
    """
    Answers the nth request with the pieces that *answer* gives for it; None: hangs up.
    """

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.answer: Callable[[int], list[bytes] | None] = lambda _number: [OK]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Answer one connection until it ends.
        """
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                pieces = self.answer(len(self.requests))
                if pieces is None:
                    break
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """
    The server, on a free port of the loopback.
    """
    scripted = ScriptedServer()
    listening = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = listening.sockets[0].getsockname()[1]
    yield scripted
    listening.close()
    await listening.wait_closed()


@pytest.fixture
def asking() -> Operation:
    """
    An operation whose requests are numbered and whose answers must say that all is well.
    """
    numbers = itertools.count(1)
    return Operation("asking", lambda: b"GET /%d HTTP/1.1\r\n\r\n" % next(numbers), b'"ok"')

"""
A wire to PostgreSQL that is cut at a commit: nobody can tell from this end whether it took effect.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from crashes.errands import CommitFate

COMMIT = b"COMMIT;\0"
_CHUNK_BYTES = 65_536
_SOCKET = ".s.PGSQL.5432"


@dataclass
class _Wire:
    """
    The commits that pass are counted, over all connections; the one that is due loses its own.
    """

    server: str
    due: int
    fate: CommitFate

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Carry one connection's bytes both ways until it ends or is cut.
        """
        back, forth = await asyncio.open_unix_connection(self.server)
        answers = asyncio.create_task(_copy(back, writer))
        try:
            while data := await reader.read(_CHUNK_BYTES):
                self.due -= COMMIT in data
                if COMMIT in data and self.due == 0:
                    answers.cancel()
                    await self._cut(data, back, forth)
                    return
                forth.write(data)
                await forth.drain()
        finally:
            answers.cancel()
            for end in (writer, forth):
                end.close()

    async def _cut(self, data: bytes, back: asyncio.StreamReader, forth: asyncio.StreamWriter) -> None:
        if self.fate == "never arrived":
            return
        forth.write(data)
        await forth.drain()
        if self.fate == "answer lost":
            await back.read(_CHUNK_BYTES)


async def _copy(back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await back.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def cut_wire(database_url: str, *, due: int, fate: CommitFate) -> AsyncIterator[str]:
    """
    Lend a URL of the same database over a wire that is cut at the commit number *due*.
    """
    parts = urlsplit(database_url)
    server = str(Path(parse_qs(parts.query)["host"][0]) / _SOCKET)
    with tempfile.TemporaryDirectory(prefix="rsolv-wire-") as directory:
        wire = _Wire(server, due, fate)
        listening = await asyncio.start_unix_server(wire.carry, str(Path(directory) / _SOCKET))
        try:
            yield parts._replace(query=f"host={quote(directory, safe='/')}&port=5432").geturl()
        finally:
            listening.close()

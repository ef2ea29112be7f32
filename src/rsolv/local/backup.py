"""
Back a database up with figures to check the backup by.
"""

import hashlib
import os
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec

from rsolv.local import queries
from rsolv.local.client_tools import ClientTools, choose_tools
from rsolv.local.errors import BackupUnusable, FileExists, FileMissing
from rsolv.local.private_files import write_private
from rsolv.local.queries import Figures
from rsolv.local.reach import reached

FORMAT = 1


class Manifest(msgspec.Struct, frozen=True):
    """
    What a backup claims: of which moment it is, what it counts, and the dump's checksum.
    """

    format: int
    made_at: datetime
    server_major_version: int
    tools_major_version: int
    sha256: str
    figures: Figures


async def back_up(database_url: str, file: Path, *, now: datetime) -> Manifest:
    """
    Dump the database into *file* (0600) and its figures into `<file>.json`, both of the very same moment.

    Writers are not held up. Neither file is there before it is whole; the dump gets its name last.

    Raises:
        DatabaseUnusable: it cannot be reached.
        FileExists: there is something of that name; it is left alone.
        ToolFailed: pg_dump ended with an error.
    """
    partial = _new_partial(file)
    try:
        manifest = await _dump(database_url, partial, now=now)
        write_private(manifest_of(file), msgspec.json.format(msgspec.json.encode(manifest)).decode() + "\n")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


async def tools_for(database_url: str) -> ClientTools:
    """
    Give the client programs that know the server of *database_url*.

    Raises:
        DatabaseUnusable: it cannot be reached.
        LocalFailure: no programs here are new enough.
    """
    async with reached(database_url, application="tools") as connection:
        return choose_tools(at_least=await queries.server_major_version(connection))


def read_manifest(file: Path) -> Manifest:
    """
    Read what a backup claims, and check that the dump is the one it was written for.

    Raises:
        FileMissing: the dump or its figures are not there.
        BackupUnusable: the figures cannot be read, or the dump was changed since.
    """
    for path in (file, manifest_of(file)):
        if not path.is_file():
            raise FileMissing(path=path)
    try:
        manifest = msgspec.json.decode(manifest_of(file).read_bytes(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BackupUnusable(file=manifest_of(file), reason="it is not a backup's list of figures") from None
    if manifest.format != FORMAT:
        raise BackupUnusable(file=file, reason=f"its format is {manifest.format}, this program reads {FORMAT}")
    if _sha256(file) != manifest.sha256:
        raise BackupUnusable(file=file, reason="it was changed since it was made (its checksum differs)")
    return manifest


def manifest_of(file: Path) -> Path:
    """
    Name the file with a backup's figures.
    """
    return file.with_name(f"{file.name}.json")


def _new_partial(file: Path) -> Path:
    for path in (file, manifest_of(file)):
        if path.exists():
            raise FileExists(path=path)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    os.close(descriptor)
    return Path(name)


async def _dump(database_url: str, partial: Path, *, now: datetime) -> Manifest:
    async with (
        reached(database_url, application="backup") as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        version = await queries.server_major_version(connection)
        tools = choose_tools(at_least=version)
        snapshot = await queries.export_snapshot(connection)
        figures = await queries.figures(connection)
        await tools.dump(database_url, partial, snapshot=snapshot)
    return Manifest(
        format=FORMAT,
        made_at=now,
        server_major_version=version,
        tools_major_version=tools.major_version,
        sha256=_synced_sha256(partial),
        figures=figures,
    )


def _synced_sha256(file: Path) -> str:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
    return _sha256(file)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

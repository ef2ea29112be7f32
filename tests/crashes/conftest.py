"""
A yard for each test: its own database, a twin of Stripe in a process of its own, nurseries.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crashes.ground import new_database, open_ground
from crashes.lane import Lane, open_lanes
from crashes.yard import Yard, open_yard, twin_process
from rsolv.local.cluster import Cluster


@pytest.fixture(scope="session")
def twin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    A twin in a process of its own, emptied before each test.
    """
    with twin_process(tmp_path_factory.mktemp("stripe")) as url:
        yield url


@pytest.fixture(scope="session")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Lane]]:
    """
    The nurseries, for all tests of this process.
    """
    with open_lanes(tmp_path_factory.mktemp("nursery") / "nursery.log") as opened:
        yield opened


@pytest.fixture
async def yard(database_url: str, twin_url: str, lanes: list[Lane]) -> AsyncIterator[Yard]:
    """
    A yard in which nothing has happened yet.
    """
    async with open_yard(database_url, twin_url, lanes) as opened:
        yield opened


@pytest.fixture(scope="session")
def durable_cluster(lanes: list[Lane]) -> Iterator[Cluster]:
    """
    A server that keeps what it has acknowledged; the nurseries are older, and not its children.
    """
    with (
        tempfile.TemporaryDirectory(prefix="rsolv-crashes-") as directory,
        open_ground(Path(directory), durable=True) as cluster,
    ):
        yield cluster


@pytest.fixture
async def durable_yard(durable_cluster: Cluster, twin_url: str, lanes: list[Lane]) -> AsyncIterator[Yard]:
    """
    A yard over that server.
    """
    async with new_database(durable_cluster) as url, open_yard(url, twin_url, lanes) as opened:
        yield opened

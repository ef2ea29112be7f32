"""
Show what was counted, as Prometheus reads it.
"""

import asyncio

import prometheus_client
from prometheus_client import multiprocess, values

from rsolv.telemetry.service.count import REGISTRY

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4.encode()


async def scrape() -> bytes:
    """
    Return everything that all processes of this machine have counted since they were started together.

    Reads files, so it is done beside the event loop. Processes that have died are still counted.
    """
    return await asyncio.to_thread(_render)


def _render() -> bytes:
    if values.ValueClass is values.MutexValue:
        return prometheus_client.generate_latest(REGISTRY)
    everybody = prometheus_client.CollectorRegistry()
    multiprocess.MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]  # has no types
    return prometheus_client.generate_latest(everybody)

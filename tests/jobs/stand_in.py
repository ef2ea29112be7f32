"""
Stand in for a worker that is killed: claim a job at URL, say so, and never finish it.

    stand_in.py URL KIND
"""

import asyncio
import sys

from rsolv.jobs import JobCall, work


async def main(url: str, kind: str) -> None:
    async def never_end(call: JobCall) -> None:
        print(call.job_id, flush=True)  # noqa: T201 -- what a test reads
        await asyncio.Event().wait()

    await work(url, handlers={kind: never_end}, stop=asyncio.Event())


asyncio.run(main(*sys.argv[1:]))

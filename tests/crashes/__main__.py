"""
`python -m crashes --kills 1000`: the long run, with a progress bar and a table; exits with 1 unless every row is fine.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.machine import describe
from crashes.ground import open_ground
from crashes.lane import open_lanes
from crashes.long_run import LongRun
from crashes.report import PROMISED, Extent, as_markdown
from crashes.table import table_of
from crashes.yard import twin_process
from rsolv.logs import set_up_logging

LOG_COLUMNS = 200
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)


def main() -> int:
    """
    Run, print the table and what is wrong, and write it to a file.
    """
    asked = _arguments()
    extent = Extent(kills=asked.kills, races=asked.races, timeouts=asked.timeouts)
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_COLUMNS)
    set_up_logging(level="error", as_json=False)
    began = time.monotonic()
    with ExitStack() as stack:
        places = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rsolv-crashes-"))) for _ in range(3)]
        run = LongRun(
            lanes=stack.enter_context(open_lanes(places[2] / "nursery.log")),  # first: no children of the servers
            stripe_url=stack.enter_context(twin_process(places[2])),
            cluster=stack.enter_context(open_ground(places[0], durable=False)),
            durable=stack.enter_context(open_ground(places[1], durable=True)),
            progress=stack.enter_context(Progress(*COLUMNS, console=console)),
            extent=extent,
        )
        machine = asyncio.run(describe(run.durable, places[1]))
        broken_off = _prove(run)
    minutes = (time.monotonic() - began) / 60
    console.print(table_of(run.rows))
    console.print(f"{minutes:.1f} min")
    written = as_markdown(run.rows, extent=extent, minutes=minutes, machine=machine, broken_off=broken_off)
    asked.write.write_text(written, encoding="utf-8")
    complaints = [*broken_off, *(complaint for row in run.rows for complaint in row.complaints())]
    for complaint in complaints:
        console.print(complaint, style="red", markup=False)
    return 1 if complaints else 0


def _prove(run: LongRun) -> list[str]:
    """
    Run everything; if that is broken off, by Ctrl-C too, say so, and what was done until then is not lost.
    """
    try:
        asyncio.run(run.prove())
    except (Exception, KeyboardInterrupt) as error:
        return [f"broken off after {len(run.rows)} of {run.rows_planned} rows: {type(error).__name__}: {error}"]
    return []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crashes", description="Kill processes while they charge.")
    parser.add_argument(
        "--kills", type=int, default=PROMISED.kills, help="processes sent to each crash point in each weather"
    )
    parser.add_argument("--races", type=int, default=PROMISED.races, help="races over one debt, of all kinds together")
    parser.add_argument("--timeouts", type=int, default=PROMISED.timeouts, help="calls that time out at random")
    parser.add_argument("--write", type=Path, default=Path("bench/CRASH_PROOF.md"), help="where the table is kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""
`python -m crashes --kills 1000`: the long run, with a progress bar, and a table for each of its parts.

It ends with 1 unless every row is fine. A part's table is written when the part ends: what comes after it may be broken
off, and goes on with `--part`.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.machine import Machine, describe
from crashes.ground import open_ground
from crashes.lane import open_lanes
from crashes.long_run import PARTS, LongRun
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
    Run part by part; of each print the table and what is wrong, and write it to a file.
    """
    asked = _arguments()
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_COLUMNS)
    set_up_logging(level="error", as_json=False)
    with ExitStack() as stack:
        places = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rsolv-crashes-"))) for _ in range(3)]
        run = partial(
            LongRun,
            lanes=stack.enter_context(open_lanes(places[2] / "nursery.log")),  # first: no children of the servers
            stripe_url=stack.enter_context(twin_process(places[2])),
            cluster=stack.enter_context(open_ground(places[0], durable=False)),
            durable=(durable := stack.enter_context(open_ground(places[1], durable=True))),
            progress=stack.enter_context(Progress(*COLUMNS, console=console)),
            extent=Extent(kills=asked.kills, races=asked.races, timeouts=asked.timeouts),
        )
        machine = asyncio.run(describe(durable, places[1]))
        are_fine = [_prove(run(part=part), machine, asked.folder) for part in asked.parts or PARTS]
    return 0 if all(are_fine) else 1


def _prove(run: LongRun, machine: Machine, folder: Path) -> bool:
    """
    Run a part; if it is broken off, by Ctrl-C too, say so, and what was done until then is not lost.
    """
    began, broken_off, is_interrupted = time.monotonic(), [], False
    try:
        asyncio.run(run.prove())
    except (Exception, KeyboardInterrupt) as error:
        broken_off = [f"broken off after {len(run.rows)} of {run.rows_planned} rows: {type(error).__name__}: {error}"]
        is_interrupted = isinstance(error, KeyboardInterrupt)
    minutes = (time.monotonic() - began) / 60
    console = run.progress.console
    console.print(table_of(run.part, run.rows))
    console.print(f"{minutes:.1f} min")
    folder.mkdir(parents=True, exist_ok=True)
    written = as_markdown(
        run.part, run.rows, extent=run.extent, minutes=minutes, machine=machine, broken_off=broken_off
    )
    (folder / f"{run.part.replace(' ', '_')}.md").write_text(written, encoding="utf-8")
    complaints = [*broken_off, *(complaint for row in run.rows for complaint in row.complaints())]
    for complaint in complaints:
        console.print(complaint, style="red", markup=False)
    if is_interrupted:
        sys.exit(1)
    return not complaints


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crashes", description="Kill processes while they charge.")
    parser.add_argument(
        "--kills", type=int, default=PROMISED.kills, help="processes sent to each crash point in each weather"
    )
    parser.add_argument("--races", type=int, default=PROMISED.races, help="races over one debt, of all kinds together")
    parser.add_argument("--timeouts", type=int, default=PROMISED.timeouts, help="calls that time out at random")
    parser.add_argument(
        "--part", dest="parts", action="append", choices=[*PARTS], help="run this part only; may be repeated"
    )
    parser.add_argument("--folder", type=Path, default=Path("bench/crash_proof"), help="where the tables are kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""
Judge recorded logs of the twin: python -m stripe_twin.contract LOG...

Prints each problem and one line of counts; the status is 0 when something was judged and all of it is clean.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stripe_twin.contract.contract import installed_contract
from stripe_twin.contract.requests_log import Verdict, judge


def main(arguments: Sequence[str]) -> int:
    """
    Judge the logs that are named.
    """
    parser = ArgumentParser(prog="python -m stripe_twin.contract", description="Judge recorded logs of the twin.")
    parser.add_argument("logs", metavar="LOG", nargs="+", type=Path, help="a file, or a folder of *.jsonl")
    verdict = Verdict()
    for log in _files(parser.parse_args(arguments).logs):
        with log.open(encoding="utf-8") as lines:
            judge(lines, installed_contract(), verdict, name=log.name)
    sys.stdout.write("".join(f"{line}\n" for line in [*verdict.problems, verdict]))
    return 0 if verdict.is_clean else 1


def _files(named: Iterable[Path]) -> Iterator[Path]:
    for path in named:
        yield from sorted(path.glob("*.jsonl")) if path.is_dir() else [path]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

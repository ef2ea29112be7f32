"""
`python -m tools.lint.sizes`: print how large things are, and exit with 1 when a budget is exceeded.

The budgets are on the tail: medians hardly differ between codebases, what makes one unreadable is its
largest files. Physical lines are counted, docstrings included; migrations are left out.
"""

import ast
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.lint.places import in_noun, in_tests, room
from tools.lint.repository import ROOT, sources
from tools.lint.source import Function, Source

_BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)

Sizes = Mapping[str, int]
"""
Where, and how large.
"""


@dataclass(frozen=True)
class Budget:
    """
    What the 95th percentile and the largest may be at most.
    """

    what: str
    p95_max: int
    never_above: int


BUDGETS = (
    Budget("lines of a source file", 250, 400),
    Budget("lines of a source function", 30, 70),
    Budget("lines of a test file", 350, 600),
    Budget("lines of a test function", 25, 70),
    # Fewer than twenty rooms: their percentile is the largest. That is charges, one state machine that splits nowhere;
    # all other nouns are below 1900. It has four callers: the worker, the customer by a link, who read the truth, and
    # who find that a restored database has lost charges.
    Budget("lines of a room", 4000, 4000),
    Budget("positional parameters", 3, 4),
    Budget("branches in a function", 6, 10),
)


def main() -> int:
    """
    Measure the repository.
    """
    measured = measure(sources(ROOT))
    complaints: list[str] = []
    for budget in BUDGETS:
        sizes = measured[budget.what]
        print(f"sizes: {budget.what:<26} {figures(budget, sizes)}")
        complaints += exceeded(budget, sizes)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def measure(files: Iterable[Source]) -> dict[str, dict[str, int]]:
    """
    Measure everything that has a budget, by budget and place.
    """
    measured: dict[str, dict[str, int]] = {budget.what: {} for budget in BUDGETS}
    for source in files:
        if source.is_python and not source.path.is_relative_to("migrations"):
            for what, where, size in _of_file(source):
                measured[what][where] = measured[what].get(where, 0) + size
    return measured


def figures(budget: Budget, sizes: Sizes) -> str:
    """
    Write how many there are, their median, 95th percentile and maximum, each limit beside its figure.
    """
    ordered = sorted(sizes.values()) or [0]
    median, p95 = ordered[(len(ordered) - 1) // 2], percentile_95(ordered)
    return (
        f"{len(sizes):5} | median {median:4} | p95 {p95:4} of {budget.p95_max:4}"
        f" | max {ordered[-1]:4} of {budget.never_above:4}"
    )


def exceeded(budget: Budget, sizes: Sizes) -> list[str]:
    """
    List what breaks the budget, in sentences.
    """
    complaints = [
        f"{where}: {size} {budget.what}, never above {budget.never_above}: split it where its meaning does"
        for where, size in sizes.items()
        if size > budget.never_above
    ]
    p95 = percentile_95(sorted(sizes.values()) or [0])
    if p95 > budget.p95_max:
        largest = ", ".join(sorted(sizes, key=lambda where: -sizes[where])[:5])
        complaints.append(f"{p95} is the p95 of {budget.what}, at most {budget.p95_max}. Largest: {largest}")
    return complaints


def percentile_95(ordered: Sequence[int]) -> int:
    """
    Give the smallest value that 95 of 100 do not exceed.
    """
    return ordered[math.ceil(len(ordered) * 0.95) - 1]


def _of_file(source: Source) -> Iterator[tuple[str, str, int]]:
    kind = "test" if in_tests(source) else "source"
    yield f"lines of a {kind} file", str(source.path), len(source.lines)
    if in_noun(source):
        yield "lines of a room", f"src/rsolv/{room(source)}", len(source.lines)
    for function in source.functions():
        where = f"{source.path}:{function.lineno}: {function.name}"
        yield f"lines of a {kind} function", where, (function.end_lineno or 0) - function.lineno + 1
        yield "branches in a function", where, sum(isinstance(node, _BRANCHES) for node in ast.walk(function))
        yield "positional parameters", where, _positional(function) if kind == "source" else 0


def _positional(function: Function) -> int:
    names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    return len(names) - (names[:1] in (["self"], ["cls"]))


if __name__ == "__main__":
    sys.exit(main())

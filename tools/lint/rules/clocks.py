"""
One clock, handed down. Naive datetimes are refused by ruff (DTZ).
"""

import ast
import re
from collections.abc import Iterator

from tools.lint.places import but, in_product, in_tests
from tools.lint.rule import Found, rule
from tools.lint.source import Source

_WALL_CLOCKS = re.compile(
    r"datetime\.(datetime\.(now|today|utcnow)|date\.today)|time\.(time|time_ns|gmtime|localtime|ctime)"
)


@rule(but(lambda source: in_product(source) or in_tests(source), "src/rsolv/kernel/clock.py"))
def clock(source: Source) -> Iterator[Found]:
    """
    Take `now` as an argument; entry points and surfaces ask rsolv.kernel.clock once. A second reader of the
    wall clock cannot be moved by a test that lives through two years. What only measures asks
    time.monotonic.
    """
    for node in [*source.nodes(ast.Attribute), *source.nodes(ast.Name)]:
        if _WALL_CLOCKS.fullmatch(source.dotted(node)):
            yield node.lineno, ast.unparse(node)

"""
Money is integers, and what things cost is data.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.lint.places import in_money, in_queries
from tools.lint.rule import Found, rule
from tools.lint.source import Source

_TEMPLATES = frozenset({".html", ".txt", ".mjml", ".j2", ".jinja"})
_DOLLARS = re.compile(r"\$(\d[\d,]*)(?:\.(\d\d))?(?!\d)")
_PRICED = re.compile(r"credits|cents|price|quota")


@rule(in_money)
def no_float_money(source: Source) -> Iterator[Found]:
    """
    Count in whole cents and credits; divide with // or divmod and say who gets the rest. A float loses cents.
    """
    for constant in source.nodes(ast.Constant):
        if isinstance(constant.value, float):
            yield constant.lineno, str(constant.value)
    yield from ((name.lineno, name.id) for name in source.nodes(ast.Name) if name.id == "float")
    for assignment in source.nodes(ast.AugAssign):
        if isinstance(assignment.op, ast.Div):
            yield assignment.lineno, ast.unparse(assignment)
    for division in source.nodes(ast.BinOp):
        is_path = isinstance(getattr(division.right, "value", None), str)
        if isinstance(division.op, ast.Div) and not is_path:
            yield division.lineno, ast.unparse(division)


@rule(lambda source: source.path.is_relative_to("src/rsolv") and source.path.suffix in _TEMPLATES | {".py"})
def no_price_in_code(source: Source) -> Iterator[Found]:
    """
    Read it from the customer's catalogue version. Prices, credits and quotas are data that changes while
    customers keep what they agreed to; a number in code is wrong for one of them.
    """
    amounts = price_amounts(source.root)
    if source.is_python:
        yield from _numbers(source, amounts)
    if not in_queries(source):  # where $15 is a parameter
        for number, line in enumerate(source.lines, start=1):
            for dollars, cents in _DOLLARS.findall(line):
                if int(dollars.replace(",", "")) * 100 + int(cents or 0) in amounts:
                    yield number, f"${dollars}"


def _numbers(source: Source, amounts: frozenset[int]) -> Iterator[Found]:
    for constant in source.nodes(ast.Constant):
        if type(constant.value) is int and constant.value in amounts:
            yield constant.lineno, str(constant.value)
    for name, given in _given(source):
        number = given.value if isinstance(given, ast.Constant) else None
        if _PRICED.search(name.lower()) and type(number) is int and number not in {0, 1}:
            yield given.lineno, f"{name} = {number}"


@cache
def price_amounts(root: Path) -> frozenset[int]:
    """
    Read every price from the catalogue at the top of the repository: what stands under a key that says so.
    """
    path = root / "catalog.toml"
    return frozenset(_amounts(tomllib.loads(path.read_text(encoding="utf-8")))) if path.exists() else frozenset()


def _amounts(value: object, key: str = "") -> Iterator[int]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _amounts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _amounts(inner, key)
    elif type(value) is int and value > 1 and re.search(r"cents|price|amount", key):
        yield value


def _given(source: Source) -> Iterator[tuple[str, ast.expr]]:
    """
    Yield what is given to a name or held against it, by assignment, call, default, dict or comparison.
    """
    for comparison in source.nodes(ast.Compare):
        yield from ((ast.unparse(comparison.left), each) for each in comparison.comparators)
    for mapping in source.nodes(ast.Dict):
        pairs = zip(mapping.keys, mapping.values, strict=True)
        yield from ((ast.unparse(key), value) for key, value in pairs if key)
    for assignment in source.nodes(ast.Assign):
        yield from ((ast.unparse(target), assignment.value) for target in assignment.targets)
    for annotated in source.nodes(ast.AnnAssign):
        yield from [(ast.unparse(annotated.target), annotated.value)] if annotated.value else []
    for keyword in source.nodes(ast.keyword):
        yield keyword.arg or "", keyword.value
    for function in source.functions():
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [*zip(positional[::-1], arguments.defaults[::-1], strict=False)]
        defaults += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d]
        yield from ((argument.arg, default) for argument, default in defaults)

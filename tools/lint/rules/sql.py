"""
Every query has a name, a home, an owner and a limit, and is literal text.
"""

import ast
import re
from collections.abc import Iterator

from tools.lint.places import but, in_noun, in_product, in_queries, room
from tools.lint.rule import Found, rule
from tools.lint.source import Function, Source

_SQL = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE)\s"
    r"|(?is:\s*(?:select\s.*\sfrom|insert\s+into|update\s+\S+\s+set|delete\s+from)\s)"
)
_OF_NOBODY = frozenset({"catalog", "flags", "jobs"})
_ASKS = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval"})
_OF_CUSTOMERS = re.compile(r"(?!.*(_by_|_for_operator$))(get|find|list|lock)_")


@rule(but(in_product, "queries.py", "*/queries/*.py"))
def sql_only_in_queries(source: Source) -> Iterator[Found]:
    """
    Move the statement to a named function in the noun's queries.py, so that the list of its names is the
    list of what we ask of the database.
    """
    for node, text in source.strings():
        if _SQL.match(text):
            yield node.lineno, _short(text)


@rule(in_queries)
def sql_is_literal(source: Source) -> Iterator[Found]:
    """
    Write the statement out and pass values as $1, $2. Text put together can be injected into, is prepared
    anew for every value, and cannot be searched for.
    """
    for node, text in source.strings():
        if isinstance(node, ast.JoinedStr) and _SQL.match(text):
            yield node.lineno, _short(text)
    bases = [operation.left for operation in source.nodes(ast.BinOp)]
    bases += [attribute.value for attribute in source.nodes(ast.Attribute)]
    for base in bases:
        if isinstance(base, ast.Constant) and _SQL.match(str(base.value)):
            yield base.lineno, _short(str(base.value))
    for call in source.nodes(ast.Call):
        if getattr(call.func, "attr", "") in _ASKS and not (call.args and _is_literal(call.args[0])):
            yield call.lineno, ast.unparse(call)


@rule(lambda source: in_noun(source) and in_queries(source) and room(source) not in _OF_NOBODY)
def customer_scope(source: Source) -> Iterator[Found]:
    """
    Take `customer_id`, so that nobody can read another customer's things by guessing an id; or say in the
    name by what it looks (`_by_...`) or for whom (`..._for_operator`).
    """
    for function in source.functions():
        if _OF_CUSTOMERS.match(function.name) and "customer_id" not in _parameters(function):
            yield function.lineno, f"{function.name} does not take customer_id"


@rule(in_queries)
def list_has_limit(source: Source) -> Iterator[Found]:
    """
    Say LIMIT, its number an argument: one customer with a million rows must not empty the memory of all.
    """
    constants = {
        target.id: ast.unparse(node.value)
        for node in source.nodes(ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for function in source.functions():
        if function.name.startswith("list_"):
            used = [constants.get(node.id, "") for node in ast.walk(function) if isinstance(node, ast.Name)]
            if not re.search(r"\bLIMIT\b", " ".join([ast.unparse(function), *used])):
                yield function.lineno, f"{function.name} has no LIMIT"


def _is_literal(asked: ast.expr) -> bool:
    """
    Tell a literal or a named constant from text put together.
    """
    return isinstance(asked, ast.Constant) or (isinstance(asked, ast.Name) and asked.id.isupper())


def _parameters(function: Function) -> set[str]:
    arguments = function.args
    return {argument.arg for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}


def _short(text: str) -> str:
    return " ".join(text.split()[:4]) + " ..."

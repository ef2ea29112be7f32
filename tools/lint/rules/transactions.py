"""
One request or job is one transaction, and nobody waits for an outside system inside it.
"""

import ast
import re
from collections.abc import Iterator

from tools.lint.places import GATEWAYS, but, in_noun, in_product, part, room
from tools.lint.rule import Found, rule
from tools.lint.source import Source

_CONTROL = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|START TRANSACTION)\b")
_OUTSIDE = re.compile(r"(?:^|_)(gateway|mailer|mail|client|httpx|forge|stripe)$")


@rule(but(in_product, "src/rsolv/db.py"))
def one_transaction_place(source: Source) -> Iterator[Found]:
    """
    Take an open connection as an argument. Only db.py begins and commits, and only a surface, a job or an
    entry point asks it to, by `async with database.transaction()`: what a request promises must hold or
    fail as one.
    """
    lent = set() if _is_below(source) else {id(call) for _, call in _blocks(source)}
    for call in source.nodes(ast.Call):
        verb = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if verb in {"commit", "rollback"} or (verb == "transaction" and id(call) not in lent):
            yield call.lineno, ast.unparse(call)
    for node, text in source.strings():
        if control := _CONTROL.match(text):
            yield node.lineno, control[1]


@rule(in_product)
def no_outside_call_in_transaction(source: Source) -> Iterator[Found]:
    """
    Call before the transaction and store the answer in it, or store the intention and let a job call.
    Inside, a slow answer would hold our locks, and a rollback could not take the call back.
    """
    for block, _ in _blocks(source):
        inside = (node for statement in block.body for node in ast.walk(statement))
        for call in (node for node in inside if isinstance(node, ast.Call)):
            *owners, last = source.dotted(call.func).split(".")
            if any(_OUTSIDE.search(name) for name in owners or [last]):
                yield call.lineno, f"{ast.unparse(call.func)} is called inside a transaction"


def _is_below(source: Source) -> bool:
    """
    Tell whether the file is below those who may open a transaction.
    """
    return (in_noun(source) and part(source) != "jobs") or room(source) in GATEWAYS | {"kernel"}


def _blocks(source: Source) -> Iterator[tuple[ast.AsyncWith, ast.Call]]:
    """
    Yield every `async with something.transaction()`, with the call that opens it.
    """
    for block in source.nodes(ast.AsyncWith):
        for item in block.items:
            opening = item.context_expr
            if isinstance(opening, ast.Call) and getattr(opening.func, "attr", "") == "transaction":
                yield block, opening

"""
Docstrings carry guarantees, in one form.
"""

import ast
from collections.abc import Iterator

from tools.lint.places import GATEWAYS, in_noun, in_product, in_tests, is_python, part, room
from tools.lint.rule import Found, rule
from tools.lint.source import FUNCTIONS, Function, Source

_Documented = Function | ast.ClassDef


@rule(lambda source: in_tests(source) or in_product(source))
def docstrings(source: Source) -> Iterator[Found]:
    """
    Say in a sentence what happens, then what a caller can rely on: units, what is atomic, idempotent by
    which key, Raises. Of a test: the fact about the service that it states.
    """
    if source.path.name == "__init__.py" and in_product(source) and not ast.get_docstring(source.tree):
        yield 1, "the face says nothing"
    for name, node in _members(source.tree):
        is_wanted = name.startswith("test_") if in_tests(source) else _owes_docstrings(source)
        if is_wanted and not ast.get_docstring(node):
            yield node.lineno, name


@rule(is_python)
def docstring_form(source: Source) -> Iterator[Found]:
    '''
    Put the quotes on lines of their own, also around one sentence:
    """
    Sentence.
    """
    A sentence added later is then a line added, and all look alike.
    '''
    for node in [source.tree, *source.nodes(ast.ClassDef), *source.functions()]:
        if ast.get_docstring(node) is None:
            continue
        text = node.body[0]
        first, last = source.lines[text.lineno - 1].strip(), source.lines[(text.end_lineno or 1) - 1].strip()
        if first.lstrip("r") not in {'"""', "'''"} or last not in {'"""', "'''"}:
            yield text.lineno, first


def _owes_docstrings(source: Source) -> bool:
    is_told = part(source) in {"__init__", "service", "rules", "queries"}
    return (in_noun(source) and is_told) or room(source) in GATEWAYS | {"kernel"}


def _members(parent: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, _Documented]]:
    """
    Yield the public functions and classes with their dotted names; what a protocol only names is left out.
    """
    for node in parent.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            if not _is_only_named(node):
                yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _members(node, f"{prefix}{node.name}.")


def _is_only_named(node: _Documented) -> bool:
    return isinstance(node, FUNCTIONS) and len(node.body) == 1 and ast.unparse(node.body[0]) == "..."

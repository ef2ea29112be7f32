"""
Tests are the specification: sentences about the service, without branches, sleeps or doubles of ourselves.
"""

import ast
from collections.abc import Iterator

from tools.lint.places import in_tests
from tools.lint.rule import Found, rule
from tools.lint.source import FUNCTIONS, Function, Source

_WORDS_MIN = 3
_SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep"})
_MOCKERS = ("unittest.mock.", "mock.", "pytest_mock.")
_PATCHES = frozenset({"setattr", "delattr", "setitem", "delitem"})


@rule(in_tests)
def test_names(source: Source) -> Iterator[Found]:
    """
    Name the fact in three words or more (test_a_revoked_key_is_refused): whoever reads only names should
    learn what the service promises.
    """
    for test in _tests(source):
        if len(test.name.split("_")[1:]) < _WORDS_MIN:
            yield test.lineno, test.name


@rule(in_tests)
def no_patching_ourselves(source: Source) -> Iterator[Found]:
    """
    Hand the part in where the application is put together, or use the real one. A test of patched code
    proves only that the patch was called.
    """
    for line, _, dotted in source.imports():
        if f"{dotted}.".startswith(_MOCKERS):
            yield line, dotted
    for argument in source.nodes(ast.arg):
        if argument.arg == "mocker":
            yield argument.lineno, "mocker"
    for call in source.nodes(ast.Call):
        if getattr(call.func, "attr", "") in _PATCHES and call.args and _is_ours(source, call.args[0]):
            yield call.lineno, ast.unparse(call)


@rule(in_tests)
def no_sleep_in_tests(source: Source) -> Iterator[Found]:
    """
    Wait for what you are waiting for: a barrier, a lock, a notification, or polling with a deadline from
    tests/support. A sleep is too short on a slow day and too long on every other.
    """
    for call in source.nodes(ast.Call):
        is_yielding = bool(call.args) and getattr(call.args[0], "value", None) == 0
        if source.dotted(call.func) in _SLEEPS and not is_yielding:
            yield call.lineno, ast.unparse(call)


@rule(in_tests)
def no_test_branches(source: Source) -> Iterator[Found]:
    """
    Make two tests of it, or a table with parametrize. A test with a branch does not say which of the two it
    tested.
    """
    for test in _tests(source):
        for node in _own_nodes(test):
            if isinstance(node, (ast.If, ast.Match)):
                yield node.lineno, f"{test.name} branches"


def _tests(source: Source) -> Iterator[Function]:
    return (function for function in source.functions() if function.name.startswith("test_"))


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """
    Yield what is below the node, but not what is in functions inside it.
    """
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.Lambda)):
            yield child
            yield from _own_nodes(child)


def _is_ours(source: Source, target: ast.expr) -> bool:
    name = str(target.value) if isinstance(target, ast.Constant) else source.dotted(target)
    return name.split(".")[0] == "rsolv"

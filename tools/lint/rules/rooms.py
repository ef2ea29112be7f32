"""
One room per noun, the same few file names in each, and only its face is seen from outside.
"""

import ast
import re
from collections.abc import Iterator

from tools.lint.places import anywhere, in_noun, in_product, part, room
from tools.lint.rule import Found, rule
from tools.lint.source import Source

_PARTS = frozenset({"__init__", "errors", "rules", "queries", "service", "jobs"})
_FOLDERS = frozenset({"queries", "service"})
_DRAWER = re.compile(r"(\w+_)?(utils?|helpers?)|common|misc|shared|stuff|part_?\d")


@rule(in_product)
def face_only(source: Source) -> Iterator[Found]:
    """
    Use what the room's `__init__` offers, or offer it there. An attribute reach is invisible to import-
    linter, and ties us to files that their room wants to be free to change.
    """
    for node in source.nodes(ast.Attribute):
        match source.dotted(node).split("."):
            case ["rsolv", other, inner] if inner in _PARTS and other not in {room(source), "kernel"}:
                if (inner, source.path.name) != ("jobs", "worker.py"):
                    yield node.lineno, ast.unparse(node)


@rule(in_noun)
def room_file_names(source: Source) -> Iterator[Found]:
    """
    Name it errors, rules, queries, service or jobs (service and queries may be folders), or make a noun of
    its own of it: whoever knows one room finds their way in all.
    """
    is_in_folder = source.path.parent.name != room(source)
    if part(source) not in (_FOLDERS if is_in_folder else _PARTS):
        yield 1, "/".join(source.path.parts[2:])


@rule(anywhere)
def no_utils_names(source: Source) -> Iterator[Found]:
    """
    Name the file after its one meaning. A drawer for everything is opened by everybody and cleared by nobody.
    """
    for name in source.path.parts:
        if _DRAWER.fullmatch(name.split(".")[0]):
            yield 1, name

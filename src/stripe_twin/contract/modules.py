"""
One file of the SDK, read as text: its classes, its imports, its tables.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stripe_twin.contract.kinds import ClassName


@dataclass(frozen=True, slots=True)
class Module:
    """
    One file: its classes by dotted name, what its imports mean, what it assigns.
    """

    name: str
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    imports: dict[str, ClassName] = field(default_factory=dict)
    tables: dict[str, ast.expr] = field(default_factory=dict)

    def resolve(self, word: str, scope: str = "") -> ClassName | None:
        """
        Find the class that a word means inside the class *scope*: one nested there, one of this file, one imported.
        """
        for name in (f"{scope}.{word}", word):
            if name in self.classes or name in self.tables:
                return ClassName(self.name, name)
        return self.imports.get(word)


def read_module(name: str, path: Path) -> Module:
    """
    Read a file.
    """
    tree = ast.parse(path.read_bytes())
    return Module(
        name,
        classes=dict(_definitions(tree.body, "")),
        imports=dict(_imports(tree.body)),
        tables=assigned(tree.body),
    )


def assigned(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """
    Tell what each name is assigned in a body of statements.
    """
    values: dict[str, ast.expr] = {}
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                values[name] = value
    return values


def literal_table(node: ast.expr | None) -> dict[str, str]:
    """
    Read a dictionary of texts; one that is not there is empty.
    """
    return {} if node is None else ast.literal_eval(node)


def class_table(node: ast.expr) -> dict[str, ClassName]:
    """
    Read a dictionary of classes, each given as the names of its module and itself.
    """
    return {word: ClassName(*place) for word, place in ast.literal_eval(node).items()}


def _definitions(body: list[ast.stmt], around: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield around + statement.name, statement
            yield from _definitions(statement.body, f"{around}{statement.name}.")


def _imports(body: list[ast.stmt]) -> Iterator[tuple[str, ClassName]]:
    for statement in body:
        if isinstance(statement, ast.If):  # if TYPE_CHECKING
            yield from _imports(statement.body)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                yield alias.asname or alias.name, ClassName(statement.module, alias.name)

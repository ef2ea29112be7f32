"""
One file of the repository, as the rules see it.
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Source:
    """
    A text file: *path* is relative to *root*, the top of the repository.
    """

    root: Path
    path: PurePosixPath
    text: str

    @property
    def is_python(self) -> bool:
        """
        Tell whether the rules may ask for a syntax tree.
        """
        return self.path.suffix == ".py"

    @cached_property
    def lines(self) -> list[str]:
        """
        The text by lines, the first at index 0.
        """
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """
        The syntax tree.

        Raises:
            SyntaxError: this is not Python.
        """
        return ast.parse(self.text)

    @cached_property
    def comments(self) -> dict[int, str]:
        """
        Comments by line number; in a file that is not Python every line counts as one.
        """
        if not self.is_python:
            return dict(enumerate(self.lines, start=1))
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    def nodes(self, *kinds: type[Node]) -> Iterator[Node]:
        """
        Yield the tree's nodes of these kinds.
        """
        return (node for node in self._nodes if isinstance(node, kinds))

    def functions(self) -> Iterator[Function]:
        """
        Yield every function, however deep.
        """
        return (node for node in self._nodes if isinstance(node, FUNCTIONS))

    def strings(self) -> Iterator[tuple[ast.expr, str]]:
        """
        Yield every string that is not a docstring with its text, an f-string as what is fixed in it.
        """
        known = self._docstrings | {id(part) for node in self.nodes(ast.JoinedStr) for part in node.values}
        for node in self._nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in known:
                yield node, node.value
            elif isinstance(node, ast.JoinedStr):
                yield node, "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))

    def imports(self) -> Iterator[tuple[int, str, str]]:
        """
        Yield what every import brings: its line, the name it gets here, its dotted name at home.
        """
        for plain in self.nodes(ast.Import):
            yield from ((plain.lineno, alias.asname or alias.name, alias.name) for alias in plain.names)
        for node in self.nodes(ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name, f"{node.module}.{alias.name}"

    def dotted(self, node: ast.AST) -> str:
        """
        Write a name with its imports undone: `dt.now` is `datetime.datetime.now`; "" if it is no name.
        """
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return self._imported.get(node.id, node.id) if isinstance(node, ast.Name) else ""

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def _docstrings(self) -> set[int]:
        """
        The statements that are nothing but a string: docstrings, also those below a constant.
        """
        return {id(node.value) for node in self.nodes(ast.Expr)}

    @cached_property
    def _imported(self) -> dict[str, str]:
        return {name: dotted for _, name, dotted in self.imports()}

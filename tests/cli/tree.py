"""
Walk through every command there is.
"""

from collections.abc import Iterator
from typing import Any

import typer

from rsolv.cli import app


def commands() -> dict[str, Any]:
    """
    Return the commands by what one types after `rsolv`.
    """
    return dict(_below(typer.main.get_command(app), ()))


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
    else:
        for name, inner in below.items():
            yield from _below(inner, (*path, name))

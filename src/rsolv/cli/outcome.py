"""
How a command ends: what it prints, and with which exit code.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated, NoReturn

import msgspec
import typer

from rsolv.db import RejectedByDatabase, Unavailable
from rsolv.kernel.errors import (
    Conflict,
    DomainError,
    Invalid,
    NotFound,
    PaymentNeeded,
    Refused,
    TooMany,
    Unauthenticated,
)
from rsolv.local.errors import LocalFailure
from rsolv.settings import SettingsInvalid

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


class ExitCode(IntEnum):
    """
    What a script can tell from how a command ended.
    """

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    CONFLICT = 5
    RATE_LIMITED = 6
    UNAVAILABLE = 7


EXIT_OF_KIND: dict[type[DomainError], ExitCode] = {
    NotFound: ExitCode.NOT_FOUND,
    Unauthenticated: ExitCode.NOT_ALLOWED,
    Refused: ExitCode.NOT_ALLOWED,
    Conflict: ExitCode.CONFLICT,
    Invalid: ExitCode.CONFLICT,
    PaymentNeeded: ExitCode.CONFLICT,
    TooMany: ExitCode.RATE_LIMITED,
}


def show(value: object, *, as_json: bool, as_text: Callable[[], str]) -> None:
    """
    Print a result, for a script or for a person.
    """
    typer.echo(msgspec.json.encode(value).decode() if as_json else as_text())


def fail(exit_code: ExitCode, sentence: str, *, code: str = "failed", as_json: bool = False) -> NoReturn:
    """
    Say on standard error what is wrong and end.
    """
    typer.echo(msgspec.json.encode({"error": sentence, "code": code}).decode() if as_json else sentence, err=True)
    raise typer.Exit(exit_code)


@contextmanager
def expected_failures(*, as_json: bool = False) -> Iterator[None]:
    """
    Turn every expected error into its sentence and exit code; anything else is a bug and stays loud.
    """
    try:
        yield
    except SettingsInvalid as error:
        fail(ExitCode.USAGE, "\n".join(error.problems), code="settings_invalid", as_json=as_json)
    except DomainError as error:
        kind = next(kind for kind in EXIT_OF_KIND if isinstance(error, kind))
        fields = error.fields if isinstance(error, Invalid) else {}
        details = [f"  {field}: {sentence}" for field, sentences in fields.items() for sentence in sentences]
        fail(EXIT_OF_KIND[kind], "\n".join([str(error), *details]), code=error.code, as_json=as_json)
    except LocalFailure as error:
        fail(ExitCode(error.exit_code), str(error), as_json=as_json)
    except Unavailable as error:
        sentence = f"The database cannot be reached ({error})."
        fail(ExitCode.UNAVAILABLE, sentence, code="unavailable", as_json=as_json)
    except RejectedByDatabase:
        fail(ExitCode.CONFLICT, "A value cannot be stored.", code="validation_failed", as_json=as_json)
    except OSError as error:
        fail(ExitCode.FAILURE, f"{error.strerror}: {error.filename}", as_json=as_json)


def table(headings: list[str], rows: list[list[object]]) -> str:
    """
    Set rows in columns: numbers to the right, words to the left.
    """
    cells = [headings, *[["" if value is None else str(value) for value in row] for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(headings))]
    is_number = [bool(rows) and all(isinstance(row[column], int) for row in rows) for column in range(len(headings))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])

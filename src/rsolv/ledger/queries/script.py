"""
All invariants as one plain SQL script, for whoever checks the books without us.
"""

from collections.abc import Iterable
from inspect import cleandoc

from rsolv.ledger.rules import Invariant

_HEAD = """\
-- What must hold of the books and of all that goes with them. Written by `rsolv ledger verify --sql`: do not edit.
-- Each statement yields one row: id, promise, checked, breaches, example. All of it holds where no row has breaches.
-- Reads only, in one snapshot: a role that may select is enough, on a replica too.

BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
"""
_END = "COMMIT;\n"  # lint: allow one-transaction-place -- it is printed for others, and not run here


def write_script(invariants: Iterable[Invariant]) -> str:
    """
    Return a script that checks the invariants: one statement each, in their order, within one snapshot.
    """
    return "\n".join([_HEAD, *map(_statement, invariants), _END])


def _statement(invariant: Invariant) -> str:
    body = "\n".join(f"    {line}".rstrip() for line in cleandoc(invariant.sql).splitlines())
    named = f"{_quoted(invariant.id)} AS id, {_quoted(invariant.promise)} AS promise"
    columns = f"{named},\n       checked, breaches, example::text"
    return (
        f"SELECT {columns}\nFROM (\n{body}\n) AS finding;\n"  # lint: allow sql-is-literal -- of literals, to be printed
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""
Make a pgbench script of recorded statements: the same text, each parameter a variable that flows as in the product.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from bench.tape import Recording

_PARAMETER = re.compile(r"\$(\d+)")
ISSUES_PER_CLIENT = 500_000

OPENING = rf"""
\set customer_id random(:first_customer, :last_customer)
\set api_key_id :customer_id + :api_key_offset
\set sequence :sequence + 1
\set issue_number :first_issue + :client_id * {ISSUES_PER_CLIENT} + :sequence
"""


class NotTranslatable(Exception):
    """
    A statement has something that pgbench cannot be given.
    """


@dataclass(frozen=True)
class Script:
    """
    A script, and the values of its constants to be given with -D.

    *frozen* names the parameters that differ from request to request in the product and stay the same in pgbench.
    """

    text: str
    constants: dict[str, str]
    frozen: list[str]
    statements: int


def make_script(recordings: list[Recording]) -> Script:
    """
    Translate the last recording; what is a variable is found by comparing all of them.

    A parameter is tied to a column that an earlier statement answered, or to an input, when in every recording the
    two were equal; otherwise it is a constant.

    Raises:
        NotTranslatable: the recordings are of different statements, or a value's type is unknown here.
    """
    if len({tuple(statement.sql for statement in each.statements) for each in recordings}) != 1:
        raise NotTranslatable("the recordings differ in their statements")
    translation = _Translation(recordings)
    lines = [translation.statement(number) for number in range(len(recordings[-1].statements))]
    bodies = [
        f"{sql}\n\\gset s{number}_" if number in translation.answers_used else f"{sql};"
        for number, sql in enumerate(lines)
    ]
    return Script("\n".join([OPENING, *bodies, ""]), translation.constants, translation.frozen, len(lines))


class _Translation:
    def __init__(self, recordings: list[Recording]) -> None:
        self._recordings = recordings
        self.constants: dict[str, str] = {}
        self.frozen: list[str] = []
        self.answers_used: set[int] = set()

    def statement(self, number: int) -> str:
        sql = self._recordings[-1].statements[number].sql.strip().rstrip(";")
        if re.search(r"(?<!:):[A-Za-z_]", sql):
            raise NotTranslatable(f"statement {number} has what pgbench takes for a variable")
        return _PARAMETER.sub(lambda found: self._parameter(number, int(found.group(1))), sql)

    def _parameter(self, number: int, position: int) -> str:
        values = [each.statements[number].arguments[position - 1] for each in self._recordings]
        variable = self._variable(values, number)
        if variable is not None:
            return f":{variable}"
        if values[-1] is None:
            return "NULL"
        name = f"constant{number}_{position}"
        if name not in self.constants and len({str(value) for value in values}) > 1:
            self.frozen.append(f"statement {number + 1}, ${position}")
        self.constants[name] = _as_text(values[-1])
        return f":{name}"

    def _variable(self, values: list[object], number: int) -> str | None:
        """
        Find what was equal to the values in every recording: the latest answer first, then the inputs.
        """
        for earlier in range(number - 1, -1, -1):
            for column in self._recordings[-1].statements[earlier].answer:
                if all(
                    _is_same(value, each.statements[earlier].answer.get(column))
                    for value, each in zip(values, self._recordings, strict=True)
                ):
                    self.answers_used.add(earlier)
                    return f"s{earlier}_{column}"
        for name in self._recordings[-1].inputs:
            if all(_is_same(value, each.inputs[name]) for value, each in zip(values, self._recordings, strict=True)):
                return name
        return None


def _is_same(argument: object, source: object) -> bool:
    """
    Tell whether an argument is a number from elsewhere, as it is or written out.
    """
    is_number = isinstance(source, int) and not isinstance(source, bool)
    return is_number and not isinstance(argument, bool) and str(argument) == str(source)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise NotTranslatable(f"{type(value).__name__} is no constant pgbench can be given")

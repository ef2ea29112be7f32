"""
The house rules, grouped by what they protect.
"""

from tools.lint.rule import RULES
from tools.lint.rules import (
    clocks,
    docstrings,
    files,
    logs,
    money,
    refusals,
    rooms,
    sql,
    suites,
    transactions,
)

__all__ = [
    "RULES",
    "clocks",
    "docstrings",
    "files",
    "logs",
    "money",
    "refusals",
    "rooms",
    "sql",
    "suites",
    "transactions",
]

"""
What is written for people and machines to search: log events.
"""

import ast
import re
from collections.abc import Iterator

from tools.lint.places import in_product
from tools.lint.rule import Found, rule
from tools.lint.source import Source

_LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_EVENT = re.compile(r"[a-z]+(_[a-z0-9]+)*")


@rule(in_product)
def log_event_constant(source: Source) -> Iterator[Found]:
    """
    Log a constant snake_case event and give the data as fields: log.info("key_issued", api_key_id=7). Text
    with data in it can be neither counted nor searched, and data in text escapes what hides secrets.
    """
    for call in source.nodes(ast.Call):
        *owners, level = source.dotted(call.func).split(".")
        if level in _LEVELS and owners and owners[-1].lower().endswith(("log", "logger", "logging")):
            event = call.args[0] if call.args else None
            if not (isinstance(event, ast.Constant) and _EVENT.fullmatch(str(event.value))):
                yield call.lineno, ast.unparse(call.args[0]) if call.args else "no event"

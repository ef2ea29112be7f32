"""
What is switched off or swallowed says why.
"""

import ast
import re
from collections.abc import Iterator

from tools.lint.places import but, in_product, is_python
from tools.lint.rule import Found, rule
from tools.lint.source import Source

_SUPPRESSION = re.compile(r"#\s*(noqa|ruff:|type:\s*ignore|mypy:|pragma: no (?:cover|branch)|fmt: (?:off|skip))")
_REASON = r"\s+(--|#)\s+\S+\s+\S+"
_EXPLAINED = {
    "noqa": re.compile(r"#\s*noqa: [A-Z]+\d+(, [A-Z]+\d+)*" + _REASON),
    "fmt": re.compile(r"#\s*fmt: \w+\s+#\s+\S+\s+\S+"),  # after `--` ruff would not see it
    "type": re.compile(r"#\s*type: ignore\[[a-z-]+(, [a-z-]+)*\]" + _REASON),
}
_ELSE_EXPLAINED = re.compile(r"#\s*[^#]+?" + _REASON)

_OUTERMOST_LOOPS = (
    "src/rsolv/api/endpoint.py",
    "src/rsolv/jobs/service/work.py",
    "src/rsolv/worker.py",
    "src/rsolv/local/*.py",
)


@rule(is_python)
def suppression_reason(source: Source) -> Iterator[Found]:
    """
    Name the code and say why, on the same line: `# noqa: PLC0415 -- 40 MB only this needs`. What is
    switched off without a reason stays off for ever.
    """
    for line, comment in source.comments.items():
        for suppression in _SUPPRESSION.finditer(comment):
            kind = re.split(r"\W", suppression[1])[0]
            if not _EXPLAINED.get(kind, _ELSE_EXPLAINED).match(comment, suppression.start()):
                yield line, suppression[1]


@rule(but(in_product, *_OUTERMOST_LOOPS))
def no_broad_except(source: Source) -> Iterator[Found]:
    """
    Catch what you can answer. Only the outermost loops catch Exception; elsewhere it turns our own mistakes
    into wrong answers. Cleaning up and raising again is free.
    """
    for handler in source.nodes(ast.ExceptHandler):
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        raises = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
        if not raises and any(_is_broad(each) for each in caught):
            yield handler.lineno, f"except {ast.unparse(handler.type)}" if handler.type else "except"
    for call in source.nodes(ast.Call):
        if source.dotted(call.func) == "contextlib.suppress" and any(_is_broad(each) for each in call.args):
            yield call.lineno, ast.unparse(call)


def _is_broad(caught: ast.expr | None) -> bool:
    return caught is None or ast.unparse(caught) in {"Exception", "BaseException"}

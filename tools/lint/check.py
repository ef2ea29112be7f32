"""
Ask every rule about a file and honour the exemptions written in it.

An exemption is a comment on the line: ``lint: allow some-rule -- the reason``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from tokenize import TokenError

from tools.lint.rules import RULES
from tools.lint.source import Source

_EXEMPTION = re.compile(r"lint: allow (?P<rules>[a-z-]+(?:, [a-z-]+)*)(?: -- (?P<reason>\S+ \S+))?")

_NO_REASON = "The exemption has no reason: write `-- ` and why this place is right, in words."
_UNUSED = "The exemption exempts nothing: delete it, or name the rule that speaks on this line."


@dataclass(frozen=True, order=True)
class Finding:
    """
    What one rule says about one line.
    """

    path: PurePosixPath
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} {self.message}"


def findings(source: Source) -> list[Finding]:
    """
    List what the rules find in the file, sorted by line, exempted lines left out.

    An exemption without a reason, and one that exempts nothing, are findings themselves.
    """
    try:
        found = list(_ask(source))
        exemptions = list(_exemptions(source))
    except (SyntaxError, TokenError) as error:
        return [Finding(source.path, 1, "python", f"This is not Python: {error}.")]
    said = {(finding.line, finding.rule) for finding in found}
    allowed = {(line, name) for line, name, _ in exemptions}
    kept = [finding for finding in found if (finding.line, finding.rule) not in allowed]
    for line, name, reason in exemptions:
        if (line, name) not in said:
            kept.append(Finding(source.path, line, "unused-exemption", f"{name}: {_UNUSED}"))
        elif not reason:
            kept.append(Finding(source.path, line, "exemption-reason", f"{name}: {_NO_REASON}"))
    return sorted(kept)


def _ask(source: Source) -> Iterator[Finding]:
    for rule in RULES.values():
        if rule.place(source):
            # One finding a line is enough; a rule may come to the same line in two ways.
            for line, what in dict(rule.search(source)).items():
                yield Finding(source.path, line, rule.name, f"{what}: {rule.lesson}")


def _exemptions(source: Source) -> Iterator[tuple[int, str, str | None]]:
    for line, comment in source.comments.items():
        for exemption in _EXEMPTION.finditer(comment):
            for name in exemption["rules"].split(", "):
                yield line, name, exemption["reason"]

"""
What may stand in no file at all.

Patterns are written so that they do not match themselves.
"""

import re
from collections.abc import Iterator

from tools.lint.places import anywhere
from tools.lint.rule import Found, rule
from tools.lint.source import Source

_SECRETS = re.compile(
    r"\b[r]solv_[0-9A-Za-z]{43}\b"
    r"|\b[sr]k_live_[0-9A-Za-z]{8,}"
    r"|\b[w]hsec_[0-9A-Za-z+/]{16,}"
    r"|\bgh[opsu]_[0-9A-Za-z]{36}\b|\bgithub_pat_[0-9A-Za-z_]{40,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_MACHINES = re.compile(
    r"(?<![\w.])/(?:[w]ork|[t]mp/scratch)/"
    r"|\b(?:pypi|npmjs|yarnpkg|golang|crates|rubygems|maven)[.](?:org|com|io)\b|\bpythonhosted[.]org\b"
    r"|\b(?:docker|ghcr|quay|gcr)[.]io\b|\bdeb[.]debian[.]org\b"
)


@rule(anywhere)
def no_secrets(source: Source) -> Iterator[Found]:
    """
    Take it out and revoke it: what was in a file once is known. A test builds its keys while it runs.
    """
    yield from ((line, f"{found[:10]}...") for line, found in _matches(source, _SECRETS))


@rule(anywhere)
def no_machine_words(source: Source) -> Iterator[Found]:
    """
    Leave out paths of one machine and hosts of package registries: the repository works wherever it is
    cloned, and whoever installs chooses from where.
    """
    yield from _matches(source, _MACHINES)


@rule(lambda source: source.path.match("requirements/*.txt"))
def lock_files(source: Source) -> Iterator[Found]:
    """
    Lock again with `make lock`: a lock names versions and hashes; an address in it would bind everybody to
    one host.
    """
    yield from _matches(source, re.compile(r"\S*://\S*"))


@rule(lambda source: source.path.suffix == ".sql" and source.path.is_relative_to("migrations"))
def migration_timeouts(source: Source) -> Iterator[Found]:
    """
    Begin with SET LOCAL lock_timeout and SET LOCAL statement_timeout: a step that waits for a lock makes
    everybody behind it wait too.
    """
    for setting in ("lock_timeout", "statement_timeout"):
        if not any(line.startswith(f"SET LOCAL {setting} = ") for line in source.lines):
            yield 1, f"{setting} is not set"


def _matches(source: Source, pattern: re.Pattern[str]) -> Iterator[Found]:
    for number, line in enumerate(source.lines, start=1):
        yield from ((number, found[0]) for found in pattern.finditer(line))

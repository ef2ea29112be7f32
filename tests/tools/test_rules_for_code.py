"""
The rules about rooms, words, docstrings and suppressions: what each catches and, beside it, what it wants.
"""

import pytest

SERVICE = "src/rsolv/ledger/service.py"

CASES = [
    # rule, path, what is caught, what is wanted
    (
        "face-only",
        "src/rsolv/fixes/service.py",
        "from rsolv import ledger\nrow = ledger.queries.find_posting",
        "from rsolv import ledger\nrow = ledger.consume_credits",
    ),
    (
        "face-only",
        "src/rsolv/web.py",
        "import rsolv.ledger\nrsolv.ledger.service.grant()",
        "import rsolv.ledger\nrsolv.ledger.grant()",
    ),
    (
        "face-only",
        "src/rsolv/api/fixes.py",
        "from rsolv import fixes as work\nwork.jobs.expire_later()",
        "from rsolv.fixes import jobs_waiting\njobs_waiting()",
    ),
    (
        "log-event-constant",
        SERVICE,
        "log.info(f'granted {credits}')",
        "log.info('credits_granted', credits=credits)",
    ),
    (
        "log-event-constant",
        SERVICE,
        "self._logger.warning('It is late')",
        "self._logger.warning('it_is_late')",
    ),
    (
        "log-event-constant",
        SERVICE,
        "import logging\nlogging.error(event)",
        "import logging\nlogging.error('late')",
    ),
    (
        "log-event-constant",
        SERVICE,
        "structlog_logger.exception()",
        "parser.error('You may say here what you like')",
    ),
    (
        "docstrings",
        SERVICE,
        "async def grant(): ...\nasync def consume():\n    pass",
        "async def consume():\n    '''\n    Consume.\n    '''\ndef _find():\n    pass",
    ),
    (
        "docstrings",
        "src/rsolv/kernel/money.py",
        "class Money:\n    pass",
        "class Money:\n    '''\n    Cents.\n    '''",
    ),
    (
        "docstrings",
        "src/rsolv/kernel/money.py",
        "class Money:\n    '''\n    Cents.\n    '''\n    def add(self):\n        pass",
        "class Money(Protocol):\n    '''\n    Cents.\n    '''\n    def add(self): ...",
    ),
    ("docstrings", "src/rsolv/ledger/__init__.py", "__all__ = []", "'''\nThe ledger.\n'''\n__all__ = []"),
    (
        "docstrings",
        "tests/ledger/test_grant.py",
        "def test_a_grant_is_kept():\n    assert True",
        "def test_a_grant_is_kept():\n    '''\n    A grant is kept.\n    '''",
    ),
    ("docstring-form", SERVICE, '"""The ledger."""', '"""\nThe ledger.\n"""'),
    (
        "docstring-form",
        "tools/x.py",
        'def f():\n    """\n    One. Two."""',
        'def f():\n    r"""\n    One. Two.\n    """',
    ),
    (
        "docstring-form",
        "bench/x.py",
        'class A:\n    """One.\n\n    Two.\n    """',
        'class A:\n    """\n    One.\n    """',
    ),
    ("suppression-reason", SERVICE, "x = 1  # noqa", "x = 1  # noqa: E741 -- the paper calls it that"),
    ("suppression-reason", SERVICE, "x = 1  # noqa: E741", "x = 1  # noqa: E741, N806 -- the paper says so"),
    (
        "suppression-reason",
        SERVICE,
        "x = 1  # noqa: E741 -- sorry",
        "x = 1  # noqa: E741 # the paper says so",
    ),
    (
        "suppression-reason",
        "bench/x.py",
        "x = 1  # type: ignore",
        "x = 1  # type: ignore[assignment]  # a lie of theirs",
    ),
    ("suppression-reason", "bench/x.py", "x = 1  # type: ignore[assignment]", "x = 1  # the type: a number"),
    (
        "suppression-reason",
        SERVICE,
        "x = 1  # pragma: no cover",
        "x = 1  # pragma: no cover -- only on Windows",
    ),
    ("suppression-reason", "tests/x.py", "x = 1  # fmt: skip", "x = 1  # fmt: skip  # a table"),
    (
        "no-broad-except",
        SERVICE,
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept KeyError:\n    pass",
    ),
    (
        "no-broad-except",
        SERVICE,
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept BaseException:\n    stop()\n    raise",
    ),
    (
        "no-broad-except",
        SERVICE,
        "try:\n    f()\nexcept (KeyError, Exception):\n    raise X",
        "try:\n    f()\nfinally:\n    g()",
    ),
    (
        "no-broad-except",
        SERVICE,
        "from contextlib import suppress\nwith suppress(Exception):\n    f()",
        "from contextlib import suppress\nwith suppress(KeyError):\n    f()",
    ),
]


@pytest.mark.parametrize(("rule", "path", "caught", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_catches_what_is_wrong_and_accepts_what_is_wanted(broken, rule, path, caught, wanted):
    """
    The wrong snippet breaks the rule; the right one at the same path does not.
    """
    assert rule in broken(path, caught)
    assert rule not in broken(path, wanted)


@pytest.mark.parametrize(
    ("rule", "caught", "wanted"),
    [
        ("room-file-names", "src/rsolv/ledger/balance.py", "src/rsolv/ledger/rules.py"),
        ("room-file-names", "src/rsolv/ledger/models.py", "src/rsolv/ledger/service.py"),
        ("room-file-names", "src/rsolv/ledger/extra/grant.py", "src/rsolv/ledger/service/grant.py"),
        ("room-file-names", "src/rsolv/ledger/rules/grant.py", "src/rsolv/ledger/queries/moves.py"),
        ("room-file-names", "src/rsolv/jobs/queue.py", "src/rsolv/api/queue.py"),
        ("room-file-names", "src/rsolv/audit/kinds.py", "src/rsolv/kernel/kinds.py"),
        ("no-utils-names", "src/rsolv/api/utils.py", "src/rsolv/api/pagination.py"),
        ("no-utils-names", "tests/ledger/test_helpers/x.py", "tests/support/polling.py"),
        ("no-utils-names", "docs/misc.md", "docs/commons.md"),
        ("no-utils-names", "src/rsolv/ledger/service/part2.py", "src/rsolv/ledger/service/partial.py"),
    ],
)
def test_a_file_is_named_after_its_meaning(broken, rule, caught, wanted):
    """
    A file name outside the few of a room, or one for anything, is caught at its first line.
    """
    assert rule in broken(caught, '"""\nText.\n"""\n')
    assert rule not in broken(wanted, '"""\nText.\n"""\n')


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        ("face-only", "src/rsolv/worker.py", "from rsolv import fixes\nfixes.jobs.expire"),
        ("face-only", "src/rsolv/ledger/__init__.py", "from rsolv import ledger\nledger.service"),
        ("face-only", "tests/ledger/test_rules.py", "from rsolv import ledger\nledger.rules"),
        ("docstrings", "src/rsolv/ledger/errors.py", "class Short(PaymentNeeded):\n    code = 'short'"),
        ("docstrings", "tests/factories/ledger.py", "def make_ledger():\n    pass"),
        ("no-broad-except", "src/rsolv/api/endpoint.py", "try:\n    f()\nexcept Exception:\n    pass"),
        ("no-broad-except", "src/rsolv/worker.py", "try:\n    f()\nexcept Exception:\n    pass"),
    ],
)
def test_a_rule_is_silent_where_the_thing_belongs(broken, rule, path, text):
    """
    What is wrong in one place is right in the place that the rule names.
    """
    assert rule not in broken(path, text)

"""
What our settings make of ruff and squawk: what we leave to them is caught, and our own forms are accepted.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent

DOCSTRING = '"""\nHold the time.\n"""\n'
TIMEOUTS = "SET LOCAL lock_timeout = '2s';\nSET LOCAL statement_timeout = '30s';\n"


def ruff(text: str, path: str) -> str:
    """
    Ask ruff, with our settings, about a text that would stand at a path of the repository.
    """
    command = [PROGRAMS / "ruff", "check", "--quiet", "--no-cache", "--output-format", "concise"]
    command += ["--config", ROOT / "ruff.toml", "--stdin-filename", path, "-"]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False).stdout


def squawk(file: Path, text: str, settings: str) -> str:
    """
    Ask squawk about a migration, with our settings for one direction.
    """
    file.write_text(text)
    command = [PROGRAMS / "squawk", "--reporter", "gcc", "--config", ROOT / settings, file]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DTZ001", "from datetime import datetime\n\nBORN_AT = datetime(2026, 1, 1)\n"),
        ("DTZ005", "from datetime import datetime\n\nNOW = datetime.now()\n"),
        ("RUF100", "ONE = 1  # noqa: E741 -- nothing is wrong here\n"),
        ("D213", '\n\ndef act() -> None:\n    """Act.\n\n    In two.\n    """\n'),
        ("FIX002", "ONE = 1  # TODO: two\n"),
        ("ANN201", "\n\ndef act():\n    return 1\n"),
        ("S608", "ONE = f'SELECT {DOCSTRING} FROM keys'\n"),
    ],
)
def test_what_is_left_to_ruff_is_caught(code, text):
    """
    Naive datetimes, unused suppressions, unfinished work and untyped functions are ruff's to refuse.
    """
    assert f" {code} " in ruff(DOCSTRING + text, "src/rsolv/ledger/service.py")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/rsolv/ledger/errors.py", "\n\nclass Short(Exception):\n    code = 'short'\n"),
        (
            "src/rsolv/ledger/service.py",
            '\n\ndef act() -> None:\n    """\n    Act.\n\n    Raises:\n        X: never.\n    """\n',
        ),
        (
            "tests/ledger/test_x.py",
            '\n\ndef test_x(client):\n    """\n    A key is 43 long.\n    """\n    assert client == 43\n',
        ),
        ("migrations/versions/0001_x.py", '\nrevision = "0001"\n'),
    ],
)
def test_our_own_forms_are_accepted(path, text):
    """
    Quotes on lines of their own, errors named as facts, numbers in tests and numbered steps are fine.
    """
    assert ruff(DOCSTRING + text.replace("'", '"'), path) == ""


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("require-lock-timeout", "ALTER TABLE keys ADD COLUMN note text;"),
        ("require-statement-timeout", "ALTER TABLE keys ADD COLUMN note text;"),
        ("require-concurrent-index-creation", TIMEOUTS + "CREATE INDEX keys_note ON keys (note);"),
        ("adding-required-field", TIMEOUTS + "ALTER TABLE keys ADD COLUMN note text NOT NULL;"),
        ("ban-drop-table", TIMEOUTS + "DROP TABLE keys;"),
    ],
)
def test_a_step_up_that_would_stop_the_service_is_caught(tmp_path, rule, text):
    """
    A step without timeouts, or one that locks or breaks what runs, is refused.
    """
    assert rule in squawk(tmp_path / "0009_notes.up.sql", text, ".squawk.toml")


def test_a_new_table_may_have_plain_indexes(tmp_path):
    """
    Nobody waits for a table that is made in the same transaction.
    """
    text = TIMEOUTS + "CREATE TABLE notes (id bigint NOT NULL);\nCREATE INDEX notes_id ON notes (id);"

    assert squawk(tmp_path / "0009_notes.up.sql", text, ".squawk.toml") == ""


def test_a_step_down_may_drop_but_must_not_wait(tmp_path):
    """
    Dropping is what a step down is for; it needs its timeouts all the same.
    """
    file, settings = tmp_path / "0009_notes.down.sql", "tools/lint/squawk_down.toml"

    assert squawk(file, TIMEOUTS + "DROP TABLE notes;\nDROP FUNCTION note();", settings) == ""
    assert "require-lock-timeout" in squawk(file, "ALTER TABLE keys DROP COLUMN note;", settings)

"""
How commands end: one exit code for each sort of trouble, a sentence on standard error, JSON where it was asked for.
"""

import asyncio
import json
import re
from pathlib import Path

import asyncpg
import pytest

from cli.clones import cloned
from cli.conftest import Rsolv, commands_on
from rsolv.cli.outcome import EXIT_OF_KIND, ExitCode, table
from rsolv.kernel.errors import KINDS
from rsolv.local.cluster import Cluster

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
UNREACHABLE = "postgresql://ada:hunter2@127.0.0.1:1/none"


@pytest.fixture(scope="module", autouse=True)
def ada(shared_url: str) -> None:
    """
    A customer for all tests of this file.
    """
    assert commands_on(shared_url)("customers", "provision", "ada@example.com").exit_code == 0


TROUBLE = [
    pytest.param(("customers", "show", "404"), 3, "unknown_customer", id="no such customer"),
    pytest.param(("customers", "show", "eve@example.com"), 3, "unknown_customer", id="no such address"),
    pytest.param(("customers", "show", "9" * 30), 3, "unknown_customer", id="a number beyond all ids"),
    pytest.param(("keys", "revoke", "ada@example.com", "404"), 3, "unknown_api_key", id="no such key"),
    pytest.param(("keys", "rotate", "ada@example.com", "404"), 3, "unknown_api_key", id="no such key to rotate"),
    pytest.param(("ledger", "balance", "404"), 3, "unknown_customer", id="no such customer's balance"),
    pytest.param(("customers", "provision", "ADA@example.com"), 5, "email_taken", id="the address is taken"),
    pytest.param(("customers", "provision", "ada"), 5, "validation_failed", id="no address"),
    pytest.param(
        ("customers", "provision", "b@example.com", "--source", "friend"), 5, "validation_failed", id="source"
    ),
    pytest.param(("keys", "issue", "ada@example.com", "--name", "n" * 101), 5, "api_key_name_invalid", id="long name"),
    pytest.param(("keys", "revoke", "ada@example.com", "9" * 30), 5, "validation_failed", id="a key beyond all ids"),
    pytest.param(
        ("ledger", "adjust", "ada@example.com", "--reason", "x", "--", "-999"), 5, "insufficient_credits", id="short"
    ),
]


@pytest.mark.parametrize(("arguments", "exit_code", "code"), TROUBLE)
def test_trouble_has_its_exit_code_and_a_sentence(
    rsolv: Rsolv, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    """
    Standard output stays empty.
    """
    result = rsolv(*arguments)

    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.strip()
    assert not result.stderr.startswith("{")
    assert code


@pytest.mark.parametrize(("arguments", "exit_code", "code"), TROUBLE)
def test_trouble_with_json_is_one_document_on_standard_error(
    rsolv: Rsolv, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    """
    The code is stable, the sentence the one a person is told.
    """
    spoken = rsolv(*arguments).stderr

    result = rsolv(arguments[0], arguments[1], "--json", *arguments[2:])

    told = json.loads(result.stderr)
    assert (result.exit_code, result.stdout, told["code"]) == (exit_code, "", code)
    assert told["error"] == spoken.rstrip("\n")


def test_the_sixth_key_is_a_conflict(rsolv: Rsolv) -> None:
    """
    A limit is told with its figure.
    """
    results = [rsolv("keys", "issue", "ada@example.com") for _ in range(5)]

    assert results[-1].exit_code == 5
    assert "at most 5 live API keys" in results[-1].stderr


USAGE = [
    pytest.param(("customer", "list"), "Did you mean 'customers'?", id="a command misspelt"),
    pytest.param(("keys", "revok", "7", "8"), "Did you mean 'revoke'?", id="a subcommand misspelt"),
    pytest.param(("keys", "revoke", "7"), "key_id", id="an argument is missing"),
    pytest.param(("customers", "list", "--limit", "0"), "--limit", id="a number out of bounds"),
    pytest.param(("ledger", "adjust", "ada@example.com", "3"), "--reason", id="a reason is missing"),
    pytest.param(("ledger", "adjust", "ada@example.com", "0", "--reason", "x"), "at least one credit", id="no credits"),
    pytest.param(("db", "restore", "monday.dump"), "--verify", id="what to do with it"),
]


@pytest.mark.parametrize(("arguments", "hint"), USAGE)
def test_a_mistake_in_the_command_is_2_with_a_hint(rsolv: Rsolv, arguments: tuple[str, ...], hint: str) -> None:
    """
    Nothing was done, and one is told what to type.
    """
    result = rsolv(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert hint.lower() in result.stderr.lower()


def test_wrong_settings_end_a_command_with_2_and_all_of_them(rsolv: Rsolv) -> None:
    """
    Names are told, values are not.
    """
    result = rsolv("customers", "list", "--json", PORT="eighty", DATABASE_URL="mysql://ada:hunter2@db/x")

    told = json.loads(result.stderr)
    assert (result.exit_code, told["code"]) == (2, "settings_invalid")
    assert re.findall(r"^[A-Z_]+", told["error"], flags=re.MULTILINE) == ["PORT", "DATABASE_URL"]
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("customers", "list"),
        ("ledger", "verify"),
        ("keys", "list", "7"),
        ("catalog", "plan"),
        ("migrate",),
        ("demo", "--url", "http://127.0.0.1:1"),
        ("demo",),
        ("db", "psql"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("url", [UNREACHABLE, None], ids=["unreachable", "none given"])
def test_without_its_database_or_server_a_command_ends_with_7(
    rsolv: Rsolv, arguments: tuple[str, ...], url: str | None
) -> None:
    """
    The password in the URL is not shown.
    """
    result = rsolv(*arguments, "--json", DATABASE_URL=url)

    assert (result.exit_code, result.stdout) == (7, "")
    assert set(json.loads(result.stderr)) == {"error", "code"}
    assert "hunter2" not in result.stderr


def test_config_check_says_that_all_is_right(rsolv: Rsolv) -> None:
    """
    Before a deployment one command answers.
    """
    key = f"sk_{'live'}_correcthorsebattery"

    spoken = rsolv("config", "check")
    production = {"RSOLV_ENV": "production", "STRIPE_API_KEY": key, "PUBLIC_URL": "https://billing.test"}
    told = rsolv("config", "check", "--json", **production)

    assert (spoken.exit_code, spoken.stdout) == (0, "✓ The settings are right for development.\n")
    assert json.loads(told.stdout) == {"ok": True, "environment": "production", "problems": []}


def test_config_check_lists_every_problem_and_ends_with_1(rsolv: Rsolv) -> None:
    """
    Its answer is the list, so it is on standard output.
    """
    wrong = {"PORT": "eighty", "LOG_LEVEL": "loud"}

    spoken, told = rsolv("config", "check", **wrong), rsolv("config", "check", "--json", **wrong)

    problems = ["PORT must be a whole number from 0 to 65535", "LOG_LEVEL must be one of debug, info, warning, error"]
    assert (spoken.exit_code, told.exit_code) == (1, 1)
    assert spoken.stdout.splitlines() == [f"✗ {problem}" for problem in problems]
    assert json.loads(told.stdout) == {"ok": False, "problems": problems}


def test_verify_ends_with_0_while_the_books_are_right(rsolv: Rsolv) -> None:
    """
    Every invariant has looked at something or at nothing, and found no breach.
    """
    findings = json.loads(rsolv("ledger", "verify", "--json").stdout)

    assert {finding["breaches"] for finding in findings} == {0}
    assert "All" in rsolv("ledger", "verify").stdout


def test_verify_ends_with_1_on_a_planted_breach(cluster: Cluster, templates: dict[str, str]) -> None:
    """
    A balance that was changed behind the books' back is named.
    """
    with cloned(cluster, templates["current"]) as url:
        own = commands_on(url)
        own("customers", "provision", "ada@example.com")
        asyncio.run(falsify(url))

        told, spoken = own("ledger", "verify", "--json"), own("ledger", "verify")

    broken = [finding["id"] for finding in json.loads(told.stdout) if finding["breaches"]]
    assert (told.exit_code, spoken.exit_code) == (1, 1)
    assert broken
    assert f"{len(broken)} of " in spoken.stdout


async def falsify(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER TABLE ledger_accounts DISABLE TRIGGER USER")
    await connection.execute("UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'available'")
    await connection.execute("ALTER TABLE ledger_accounts ENABLE TRIGGER USER")
    await connection.close()


def test_every_kind_of_error_has_an_exit_code() -> None:
    """
    A new kind cannot end a command in a stack trace.
    """
    assert set(EXIT_OF_KIND) == set(KINDS)
    assert {ExitCode.NOT_ALLOWED, ExitCode.RATE_LIMITED} <= set(EXIT_OF_KIND.values())


def test_the_reference_lists_every_exit_code() -> None:
    """
    Scripts rely on the table.
    """
    listed = re.findall(r"^\| (\d) \|", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert [int(code) for code in listed] == [int(code) for code in ExitCode]


def test_a_table_has_numbers_to_the_right_and_words_to_the_left() -> None:
    """
    Columns are as wide as their widest cell; what is absent is empty.
    """
    rows: list[list[object]] = [[7, "ada", None], [1000, "b", "x"]]

    assert table(["id", "name", "note"], rows).splitlines() == [
        "  id  name  note",
        "────  ────  ────",
        "   7  ada",
        "1000  b     x",
    ]
    assert table(["id"], []).splitlines() == ["id", "──"]

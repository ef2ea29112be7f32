"""
What holds of every command: `--json`, two examples, a place in the reference.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Rsolv, commands_on
from cli.events import store_event
from cli.paid import pay_for_a_fix
from cli.tree import commands

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
ALL = commands()

TRIED_ELSEWHERE = {
    "up": "tests/local",
    "web": "tests/test_web.py",
    "worker": "tests/test_worker.py",
    "demo": "tests/cli/test_demo.py",
    "db restore": "tests/local",
    "charges list": "tests/cli/test_charges.py",
    "charges show": "tests/cli/test_charges.py",
    "charges retry": "tests/cli/test_charges.py",
    "charges cancel": "tests/cli/test_charges.py",
    "charges give-up": "tests/cli/test_charges.py",
    "charges collect": "tests/cli/test_charges.py",
    "disputes show": "tests/disputes",
    "reconcile": "tests/cli/test_reconcile.py",
    "discrepancies show": "tests/cli/test_reconcile.py",
    "discrepancies close": "tests/cli/test_reconcile.py",
}

TRIED_HERE = {
    "migrate": "migrate",
    "config check": "config check",
    "db psql": "db psql",
    "db backup": "db backup {directory}/monday.dump",
    "catalog plan": "catalog plan",
    "catalog apply": "catalog apply",
    "customers provision": "customers provision new@example.com",
    "customers list": "customers list",
    "customers show": "customers show {who}",
    "keys list": "keys list {who}",
    "keys issue": "keys issue {who}",
    "keys rotate": "keys rotate {who} {key}",
    "keys revoke": "keys revoke {who} {key}",
    "caps show": "caps show {who}",
    "caps set": "caps set {who} --cents 10000",
    "refunds create": "refunds create {charge} --customer {payer} --amount 0.01 --reason test",
    "refunds list": "refunds list {payer}",
    "refunds show": "refunds show {refund} --customer {payer}",
    "disputes list": "disputes list {who}",
    "disputes release": "disputes release {who} --reason test",
    "discrepancies list": "discrepancies list",
    "discrepancies runs": "discrepancies runs",
    "events list": "events list",
    "events show": "events show {event}",
    "events replay": "events replay {event}",
    "ledger verify": "ledger verify",
    "ledger balance": "ledger balance {who}",
    "ledger transactions": "ledger transactions {who}",
    "ledger adjust": "ledger adjust {who} 3 --reason test",
    "ledger reverse": "ledger reverse {who} {posting} --reason test",
}


@pytest.fixture(scope="module")
def who(shared_url: str) -> str:
    """
    The id of a customer for all tests of this file.
    """
    made = commands_on(shared_url)("customers", "provision", "ada@example.com", "--json")
    return str(json.loads(made.stdout)["customer"]["id"])


@pytest.fixture(scope="module")
def refunded(shared_url: str) -> dict[str, str]:
    """
    A charge of another customer, and a refund of a cent of it.
    """
    paid = asyncio.run(pay_for_a_fix(shared_url))
    words = f"refunds create {paid.charge_id} --customer {paid.customer_id} --amount 0.01 --reason test --json"
    refund = json.loads(commands_on(shared_url)(*words.split(" ")).stdout)
    return {"payer": str(paid.customer_id), "charge": str(paid.charge_id), "refund": str(refund["id"])}


@pytest.fixture(scope="module")
def event(shared_url: str) -> str:
    """
    The id of an event of Stripe's for all tests of this file.
    """
    return asyncio.run(store_event(shared_url, "evt_ofthetests"))


@pytest.fixture
def made(rsolv: Rsolv, who: str, event: str, refunded: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """
    What the commands are about: the customer, a new key and posting, an event, and where files go.
    """
    key = json.loads(rsolv("keys", "issue", who, "--json").stdout)["api_key_id"]
    posting = json.loads(rsolv("ledger", "adjust", who, "3", "--reason", "test", "--json").stdout)["posting_id"]
    yield refunded | {"who": who, "key": str(key), "posting": str(posting), "event": event, "directory": str(tmp_path)}
    for key in json.loads(rsolv("keys", "list", who, "--json").stdout):
        if key["revoked_at"] is None:
            rsolv("keys", "revoke", who, str(key["id"]))


def test_every_command_is_tried_somewhere() -> None:
    """
    A new one is added to one of the two lists above.
    """
    assert sorted([*TRIED_HERE, *TRIED_ELSEWHERE]) == sorted(ALL)


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_takes_json(name: str) -> None:
    """
    Scripts need not know which ones do.
    """
    assert "--json" in [option for parameter in ALL[name].params for option in parameter.opts]


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_explains_itself_with_two_examples(name: str) -> None:
    """
    They are commands one can copy, and each is of this command.
    """
    _, _, after = ALL[name].help.partition("Examples:")
    examples = re.findall(r"`([^`]+)`", after)

    assert len(examples) >= 2
    assert [example for example in examples if f"rsolv {name}" not in example] == []


@pytest.mark.parametrize("name", sorted(TRIED_HERE))
def test_with_json_standard_output_is_one_document(rsolv: Rsolv, made: dict[str, str], name: str) -> None:
    """
    Nothing else is printed, on neither stream.
    """
    result = rsolv(*TRIED_HERE[name].format(**made).split(" "), "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    json.loads(result.stdout)


@pytest.mark.parametrize("name", sorted(set(TRIED_HERE) - {"db psql"}))
def test_without_json_a_person_is_told(rsolv: Rsolv, made: dict[str, str], name: str) -> None:
    """
    The text is no JSON, and there is some.
    """
    words = TRIED_HERE[name].replace("new@example.com", "newer@example.com")

    result = rsolv(*words.format(**made).split(" "))

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.strip()
    assert result.stdout[0] not in "[{"


def test_the_reference_has_every_command_and_no_other() -> None:
    """
    A command that is added, renamed or removed changes docs/reference/cli.md in the same commit.
    """
    assert sorted(sections()) == sorted(ALL)


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_reference_names_every_option(name: str) -> None:
    """
    `--json` is said once for all.
    """
    options = [parameter.opts[0] for parameter in ALL[name].params if parameter.param_type_name == "option"]

    assert [option for option in options if option != "--json" and f"`{option}" not in sections()[name]] == []


def sections() -> dict[str, str]:
    text = REFERENCE.read_text(encoding="utf-8")
    return dict(re.findall(r"^### `rsolv ([^`]+)`\n(.*?)(?=^##|\Z)", text, flags=re.MULTILINE | re.DOTALL))

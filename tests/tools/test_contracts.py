"""
The import contracts, on a scaffold of the house: it keeps them all, and each planted import breaks one.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "tools" / "lint" / "contracts.toml"
NAMES = {each["id"]: each["name"] for each in tomllib.loads(CONTRACTS.read_text())["tool"]["importlinter"]["contracts"]}

ROOMS = ["provisioning", "fixes", "charges", "api_keys", "ledger", "catalog", "customers", "audit", "jobs"]
INSIDE_A_ROOM = {
    "__init__.py": "from rsolv.{room}.service import act",
    "errors.py": "from rsolv.kernel.errors import NotFound",
    "rules.py": "from rsolv.{room}.errors import Missing",
    "queries.py": "import asyncpg\nfrom rsolv.db import Connection\nfrom rsolv.{room}.rules import Row",
    "service.py": "from rsolv.{room}.queries import find_row",
    "jobs.py": "from rsolv.{room} import service",
}
AROUND_THE_ROOMS = {
    "__init__.py": "",
    "kernel/__init__.py": "",
    "kernel/clock.py": "from datetime import UTC",
    "kernel/errors.py": "from typing import ClassVar",
    "settings.py": "import os",
    "schema.py": "import alembic, sqlalchemy",
    "db.py": "import asyncpg\nfrom rsolv.kernel import errors",
    "stripe_gateway/__init__.py": "",
    "stripe_gateway/client.py": "import stripe",
    "api/__init__.py": "import starlette.routing",
    "api/errors.py": "import starlette.responses\nfrom rsolv.kernel.errors import NotFound",
    "api/fixes.py": "import starlette.requests\nfrom rsolv import fixes, ledger",
    "portal/__init__.py": "",
    "local/__init__.py": "import uvicorn, stripe_twin\nfrom rsolv.settings import Settings",
    "web.py": "import starlette.applications, uvicorn\nfrom rsolv import api, settings, stripe_gateway",
    "worker.py": "from rsolv import settings\nfrom rsolv.fixes import jobs",
    "cli/__init__.py": "from rsolv import local, settings, schema",
    "cli/up.py": "from rsolv.local.errors import AlreadyRunning",
    "local/errors.py": "from rsolv.kernel.errors import Conflict",
    "__main__.py": "from rsolv.cli import main",
    "../stripe_twin/__init__.py": "",
    "../stripe_twin/contract.py": "",
    "../stripe_twin/core.py": "import stripe_twin.contract",
    "../stripe_twin/payments.py": "import stripe_twin.core",
    "../stripe_twin/billing.py": "import stripe_twin.payments",
}

PLANTED = [
    ("direction", "ledger/service.py", "import rsolv.fixes"),
    ("direction", "ledger/service.py", "import rsolv.api_keys"),
    ("direction", "api/fixes.py", "import rsolv.portal"),
    ("direction", "kernel/clock.py", "import rsolv.ledger"),
    ("direction", "fixes/service.py", "import rsolv.web"),
    ("direction", "vouchers/__init__.py", "import rsolv.kernel"),
    ("inside-a-room", "ledger/queries.py", "import rsolv.ledger.service"),
    ("inside-a-room", "ledger/rules.py", "from rsolv.ledger import queries"),
    ("faces", "fixes/service.py", "import rsolv.ledger.queries"),
    ("faces", "provisioning/service.py", "from rsolv.customers import service"),
    ("faces", "api/fixes.py", "from rsolv.fixes.errors import Missing"),
    ("faces", "worker.py", "import rsolv.fixes.service"),
    ("faces", "cli/up.py", "from rsolv.fixes.service import act"),
    ("direction", "worker.py", "import rsolv.cli"),
    ("pure", "ledger/rules.py", "import httpx"),
    ("pure", "ledger/errors.py", "from rsolv.db import Connection"),
    ("pure", "kernel/errors.py", "import httpx"),
    ("web-framework", "customers/service.py", "from starlette.requests import Request"),
    ("server", "worker.py", "import uvicorn"),
    ("migration-tools", "ledger/queries.py", "import sqlalchemy"),
    ("driver", "ledger/service.py", "import asyncpg"),
    ("driver", "api/fixes.py", "from asyncpg import Connection"),
    ("queue", "fixes/jobs.py", "import pgqueuer"),
    ("stripe", "charges/service.py", "import stripe"),
    ("stripe", "stripe_gateway/__init__.py", "import stripe"),
    ("stripe", "web.py", "import stripe_twin"),
    ("settings", "ledger/service.py", "from rsolv.settings import Settings"),
    ("settings", "api/fixes.py", "from rsolv import settings"),
    ("twin-apart", "../stripe_twin/core.py", "import rsolv.kernel"),
    ("twin-direction", "../stripe_twin/core.py", "import stripe_twin.payments"),
    ("twin-direction", "../stripe_twin/payments.py", "import stripe_twin.billing"),
]


@pytest.fixture(scope="module")
def scaffold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Build a house of empty files that import as the real ones may.
    """
    house: Path = tmp_path_factory.mktemp("scaffold") / "rsolv"
    files = AROUND_THE_ROOMS | {
        f"{room}/{name}": text.format(room=room) for room in ROOMS for name, text in INSIDE_A_ROOM.items()
    }
    for name, text in files.items():
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_text(text)
    return house


def broken_contracts(house: Path) -> set[str]:
    """
    Run import-linter on the scaffold and name what is broken by its short id.
    """
    linter = Path(sys.executable).with_name("lint-imports")
    command = [linter, "--config", CONTRACTS, "--no-cache", "--no-logo"]
    run = subprocess.run(
        command,
        cwd=house.parent,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", run.stdout, re.MULTILINE))
    assert set(verdicts) == set(NAMES.values())
    return {short for short, name in NAMES.items() if verdicts[name] == "BROKEN"}


@contextmanager
def plant(file: Path, line: str) -> Iterator[None]:
    """
    Add a line to a file of the scaffold, which may be a new one in a new room, until the block ends.
    """
    before = file.read_text() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before or ''}\n{line}\n")
    try:
        yield
    finally:
        if before is None:
            shutil.rmtree(file.parent)
        else:
            file.write_text(before)


def test_a_house_that_imports_as_it_should_keeps_all_contracts(scaffold):
    """
    What is meant to be allowed is allowed, with many rooms not yet there.
    """
    assert broken_contracts(scaffold) == set()


@pytest.mark.parametrize(("contract", "where", "planted"), PLANTED)
def test_a_planted_import_breaks_exactly_one_contract(scaffold, contract, where, planted):
    """
    Each forbidden import is reported, and by the contract that speaks of it.
    """
    with plant(scaffold / where, planted):
        assert broken_contracts(scaffold) == {contract}


def test_every_contract_has_a_planted_violation():
    """
    No contract is believed that was never seen broken.
    """
    assert {contract for contract, _, _ in PLANTED} == set(NAMES)

"""
The rules about every text of the repository. Examples are put together here, so that this file obeys.
"""

import pytest

KEY = "rsolv" + "_" + "a1B2" * 10 + "c3D"
MARK = ":" + "//"

CASES = [
    # rule, path, what is caught, what is wanted
    ("no-secrets", "docs/guides/start.md", f"Your key is {KEY}.", "Your key is rsolv_... (43 characters)."),
    ("no-secrets", "tests/api/test_keys.py", f"KEY = '{KEY}'", "KEY = 'rsolv' + '_' + 'a' * 43"),
    (
        "no-secrets",
        "deploy/compose.yml",
        "STRIPE_API_KEY: sk_" + "live_4eC39HqLyjW",
        "STRIPE_API_KEY: sk_test_x",
    ),
    ("no-secrets", "deploy/compose.yml", "SECRET: whsec" + "_" + "0123456789abcdef", "SECRET: whsec_..."),
    ("no-secrets", "deploy/tls.pem", "-----BEGIN RSA PRIVATE" + " KEY-----", "-----BEGIN CERTIFICATE-----"),
    (
        "no-machine-words",
        "docs/guides/start.md",
        "See /" + "work/main/README.md.",
        "See README.md; home/work/ is free.",
    ),
    ("no-machine-words", "requirements/run.in", "# from pypi" + ".org", "# from an index of yours"),
    ("no-machine-words", "deploy/Dockerfile", "FROM ghcr" + ".io/astral-sh/uv", "FROM python:3.11"),
    (
        "lock-files",
        "requirements/run.txt",
        f"uv @ https{MARK}example.org/uv.whl",
        "uv==0.9 --hash=sha256:abc",
    ),
    (
        "migration-timeouts",
        "migrations/versions/0009_flags.up.sql",
        "SET LOCAL lock_timeout = '2s';",
        "SET LOCAL lock_timeout = '2s';\nSET LOCAL statement_timeout = '30s';",
    ),
]


@pytest.mark.parametrize(("rule", "path", "caught", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_catches_what_is_wrong_and_accepts_what_is_wanted(broken, rule, path, caught, wanted):
    """
    The wrong text breaks the rule; the right one at the same path does not.
    """
    assert rule in broken(path, caught)
    assert rule not in broken(path, wanted)


def test_a_secret_is_not_repeated_in_the_finding(ask):
    """
    A finding shows where a secret stands, never the secret.
    """
    (finding,) = ask("docs/guides/start.md", f"Your key is {KEY}.")

    assert KEY not in str(finding)

"""
`python -m stripe_twin.conformance [--real] [--only WORD]`: ask what the twin believes of Stripe.

Against a twin in this process; with --real, against the test account whose key is in STRIPE_API_KEY. The status is 0
when every belief holds, 1 when one does not, 2 when nothing was asked.
"""

import asyncio
import os
import re
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping, Sequence

import stripe

from stripe_twin.conformance import QUESTIONS, Question, Row, Witness, inquire, table
from stripe_twin.embedded import InProcessClient
from stripe_twin.scenarios import SCENARIOS, Stage, twin_stage
from stripe_twin.twin import Twin

PATIENCE_SECONDS = 120.0
HOLDS, DIFFERS, NOTHING_ASKED = 0, 1, 2
_TEST_KEY = re.compile(r"(sk|rk)_test_[0-9A-Za-z_]+")


class KeyRefused(ValueError):
    """
    Not a key of a test account; the message never shows it.
    """


def main(arguments: Sequence[str], environment: Mapping[str, str], questions: Iterable[Question] = QUESTIONS) -> int:
    """
    Ask the questions, play all scenarios, and print what came out.
    """
    parser = ArgumentParser(
        prog="python -m stripe_twin.conformance", description="Ask what the twin believes of Stripe."
    )
    parser.add_argument("--real", action="store_true", help="ask the test account whose key is in STRIPE_API_KEY")
    parser.add_argument("--only", default="", metavar="WORD", help="ask only what has this in its name")
    given = parser.parse_args(arguments)
    try:
        asked = [question for question in questions if given.only in question.name]
        rows = asyncio.run(_real(environment, asked, given.only) if given.real else _embedded(asked, given.only))
    except KeyRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return NOTHING_ASKED
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in ("holds", "differs", "skipped")}
    sys.stdout.write(f"{table(rows)}\n{', '.join(f'{outcome}: {count}' for outcome, count in counts.items())}\n")
    if not counts["holds"] + counts["differs"]:
        return NOTHING_ASKED
    return DIFFERS if counts["differs"] else HOLDS


def key_of_test_account(environment: Mapping[str, str]) -> str:
    """
    Return the key of a test account.

    Raises:
        KeyRefused: there is none, or it is a live one.
    """
    key = environment.get("STRIPE_API_KEY", "")
    if re.match(r"(sk|rk)_live_", key):
        raise KeyRefused("STRIPE_API_KEY is a live key. Conformance makes customers and charges cards: test keys only.")
    if not _TEST_KEY.fullmatch(key):
        raise KeyRefused("--real needs the key of a test account, sk_test_... or rk_test_..., in STRIPE_API_KEY.")
    return key


async def _real(environment: Mapping[str, str], questions: Iterable[Question], only: str) -> list[Row]:
    key = key_of_test_account(environment)
    sys.stdout.write("This makes test customers, payments and subscriptions in the account of STRIPE_API_KEY.\n")
    witness = Witness(stripe.HTTPXClient())
    sdk = stripe.StripeClient(key, http_client=witness, max_network_retries=2)
    return await _rows(Stage(sdk, str(time.time_ns()), patience_seconds=PATIENCE_SECONDS), witness, questions, only)


async def _embedded(questions: Iterable[Question], only: str) -> list[Row]:
    twin = Twin()
    witness = Witness(InProcessClient(twin))
    try:
        rows = await _rows(twin_stage(twin, witness), witness, questions, only)
    finally:
        twin.close()
    return rows + [Row("the twin's own mistakes", "none", repr(mistake), "differs") for mistake in twin.mistakes]


async def _rows(stage: Stage, witness: Witness, questions: Iterable[Question], only: str) -> list[Row]:
    scenarios = [scenario for scenario in SCENARIOS if only in f"scenario {scenario.name}"]
    try:
        return await inquire(stage, witness, questions, scenarios)
    finally:
        await witness.close_async()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))

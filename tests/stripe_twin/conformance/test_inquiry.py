"""
The inquiry: what differs is shown and fails, what cannot be asked is skipped by name, and no live key is ever used.
"""

import json
from dataclasses import replace

import pytest
import stripe

from stripe_twin.conformance import QUESTIONS, Question, Witness, inquire, table
from stripe_twin.conformance.__main__ import DIFFERS, HOLDS, NOTHING_ASKED, main
from stripe_twin.embedded import InProcessClient, sdk_client
from stripe_twin.scenarios import SCENARIOS, Stage, twin_stage
from stripe_twin.twin import Twin

NAME = "a second end finds nothing"
LIVE = "sk_live_" + "0" * 24


class Forgetful(InProcessClient):
    """
    A line on which objects lose the time of their making.
    """

    async def request_async(self, method, url, headers, post_data=None):
        """
        Take the field out of the answer.
        """
        body, status, told = await super().request_async(method, url, headers, post_data)
        answer = json.loads(body)
        answer.pop("created", None)
        return json.dumps(answer).encode(), status, told


def test_what_holds_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Questions and scenarios are in the table, and the status is 0.
    """
    assert main(["--only", "refund"], {}) == HOLDS

    said = capsys.readouterr().out
    assert "holds    refunds add up on the charge | " in said
    assert "holds    scenario refund.failed | refund.failed | the same" in said
    assert said.splitlines()[-1].endswith("differs: 0, skipped: 0")


def test_a_belief_that_does_not_hold_ends_badly(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A planted bug: one belief is altered, and the status is 1 with both versions in the table.
    """
    wrong = replace(QUESTIONS[NAME], believes={**QUESTIONS[NAME].believes, "status": 200})

    assert main(["--only", NAME], {}, [wrong]) == DIFFERS

    row = capsys.readouterr().out.splitlines()[1]
    assert row.startswith(f"differs  {NAME} | ")
    assert '"status": 200' in row.split(" | ")[1]
    assert '"status": 404' in row.split(" | ")[2]


def test_a_question_that_breaks_is_a_difference_and_ends_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """
    The others are asked all the same.
    """

    async def breaks(stage: Stage) -> dict[str, object]:
        customer = await stage.sdk.v1.customers.retrieve_async("cus_nobody")
        return {"id": customer.id}

    broken = Question("broken", "It breaks.", "[K]", {"id": "cus"}, breaks)

    assert main(["--only", "n"], {}, [broken, QUESTIONS[NAME]]) == DIFFERS

    said = capsys.readouterr().out
    assert "differs  broken | " in said
    assert "No such customer" in said
    assert f"holds    {NAME}" in said


async def test_a_wrong_shape_is_a_difference(twin: Twin) -> None:
    """
    A planted bug: the facts are as believed, but an answer lacks a field.
    """
    witness = Witness(Forgetful(twin))

    rows = await inquire(twin_stage(twin, witness), witness, [QUESTIONS["metadata is merged"]], [])

    assert [row.outcome for row in rows] == ["differs"]
    assert "POST /v1/customers: " in rows[0].observed
    assert "created" in rows[0].observed


async def test_what_needs_nature_is_skipped_by_name_and_reason(twin: Twin) -> None:
    """
    A real account has nobody who fills in a page.
    """
    question = QUESTIONS["a payment succeeds after authentication"]
    scenario = SCENARIOS.find("checkout.session.completed")
    witness = Witness(InProcessClient(twin))

    rows = await inquire(Stage(sdk_client(twin), "run"), witness, [question], [scenario])

    assert [row.outcome for row in rows] == ["skipped", "skipped"]
    assert "skipped  scenario checkout.session.completed | " in table(rows)
    assert "a customer fills in the hosted page" in table(rows)
    assert twin.store.all("event") == []


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"STRIPE_API_KEY": LIVE}, "live key"),
        ({"STRIPE_API_KEY": LIVE.replace("sk", "rk")}, "live key"),
        ({"STRIPE_API_KEY": "nonsense"}, "needs the key of a test account"),
        ({}, "needs the key of a test account"),
    ],
)
def test_only_the_key_of_a_test_account_is_taken(
    capsys: pytest.CaptureFixture[str], environment: dict[str, str], why: str
) -> None:
    """
    Any other is refused before anything is said to anybody, and never shown.
    """
    assert main(["--real"], environment) == NOTHING_ASKED

    said = capsys.readouterr()
    assert said.out == ""
    assert why in said.err
    assert environment.get("STRIPE_API_KEY", LIVE) not in said.err


def test_nothing_asked_is_no_success() -> None:
    """
    A word that no name has must not look like an account that conforms.
    """
    assert main(["--only", "no such word"], {}) == NOTHING_ASKED


async def test_a_witness_lets_troubles_pass(twin: Twin) -> None:
    """
    Refusals are answers without a shape to check; they reach the asker as they are.
    """
    witness = Witness(InProcessClient(twin))

    with pytest.raises(stripe.InvalidRequestError):
        await twin_stage(twin, witness).sdk.v1.customers.retrieve_async("cus_nobody")

    assert (witness.calls, witness.taken()) == (1, [])

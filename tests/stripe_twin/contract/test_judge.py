"""
The judge of recorded logs, who trusts no twin.
"""

import json
import subprocess
import sys

import pytest

from stripe_twin.contract.__main__ import main

HEADERS = {
    "authorization": "Bearer sk_test_****",
    "stripe-version": "2026-10-28.endive",
    "idempotency-key": "key-1",
    "content-type": "application/x-www-form-urlencoded",
}


@pytest.fixture
def created(payment_intent) -> dict:
    """
    The record of a payment intent's creation.
    """
    return {
        "kind": "call",
        "method": "POST",
        "path": "/v1/payment_intents",
        "query": "",
        "headers": HEADERS,
        "body": "amount=2900&currency=usd&expand[0]=latest_charge",
        "status": 200,
        "answer": payment_intent,
    }


@pytest.fixture
def declined(created, payment_intent) -> dict:
    """
    The record of a declined payment.
    """
    error = {"type": "card_error", "code": "card_declined", "message": "No.", "payment_intent": payment_intent}
    return created | {"status": 402, "answer": {"error": error}}


@pytest.fixture
def judged(tmp_path, capsys):
    """
    Judge a log of these lines; gives the status, the problems and the summary.
    """

    def judge(*lines: str) -> tuple[int, list[str], str]:
        log = tmp_path / "twin.jsonl"
        log.write_text("".join(lines))
        status = main([str(log)])
        *problems, summary = capsys.readouterr().out.splitlines()
        return status, problems, summary

    return judge


def line(entry: object) -> str:
    """
    Write one record.
    """
    return json.dumps(entry) + "\n"


def test_a_good_log_is_clean(judged, created, declined, event):
    """
    Calls that were taken, declined and refused, and an event: all counted, nothing found.
    """
    listed = created | {
        "method": "GET",
        "body": "",
        "query": "customer=cus_1&limit=3",
        "answer": {"object": "list", "data": [], "has_more": False, "url": "/v1/payment_intents"},
    }
    refused = created | {"body": "amount=x", "status": 400, "answer": {"error": {"message": "No."}}}
    lost = created | {"path": "/v1/nowhere", "status": 501, "answer": None}

    status, problems, summary = judged(
        *map(line, [created, declined, listed, refused, lost, {"kind": "event", "event": event}])
    )

    assert (status, problems) == (0, [])
    assert summary == ("contract: 5 calls, 3 accepted, 2 refused by the twin, 3 objects, 1 events, 0 problems")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"path": "/v1/payments"}, "POST /v1/payments: is no address of the API"),
        ({"body": "currency=usd"}, "POST /v1/payment_intents: parameter amount: Missing required param: amount."),
        ({"query": "foo=1"}, "POST /v1/payment_intents: parameter foo: Received unknown parameter: foo"),
        (
            {"headers": HEADERS | {"authorization": "Bearer sk_live_****"}},
            "POST /v1/payment_intents: authorization: carries a live key",
        ),
        ({"headers": HEADERS | {"idempotency-key": ""}}, "idempotency-key: has 0 characters, must have 1 to 255"),
        ({"answer": {"object": "charge"}}, "POST /v1/payment_intents: answers object: is 'charge'"),
        ({"answer": None}, "POST /v1/payment_intents: answers the object: is None, must be an object"),
        ({"status": 402}, "POST /v1/payment_intents: answers error.the object: is None, must be an object"),
        ({"path": "/v2/billing/meter_events", "body": "{"}, "POST /v2/billing/meter_events: the body is no JSON"),
        ({"kind": "guess"}, "is no record of a call or an event"),
        ({"status": "200"}, "is no record of a call or an event"),
    ],
)
def test_a_planted_mistake_is_found(judged, created, change, problem):
    """
    Whatever the twin took or answered against the contract is said with its line, and the status is not zero.
    """
    status, problems, _ = judged(line(created), line(created | change))

    assert status == 1
    assert all(found.startswith("twin.jsonl:2: ") for found in problems)
    assert any(problem in found for found in problems)


def test_a_mistake_in_the_object_of_a_decline_is_found(judged, declined):
    """
    The payment intent in an error is checked like any other.
    """
    declined["answer"]["error"]["payment_intent"]["charges"] = []

    assert judged(line(declined))[:2] == (
        1,
        ["twin.jsonl:1: POST /v1/payment_intents: answers error.payment_intent.charges: is unknown"],
    )


def test_a_mistake_in_an_event_is_found(judged, event):
    """
    Events are checked with the objects in them.
    """
    event["data"]["object"]["amount"] = None

    assert judged(line({"kind": "event", "event": event}))[:2] == (
        1,
        ["twin.jsonl:1: event payment_intent.succeeded: data.object.amount: is None, must be int"],
    )


def test_a_last_line_that_was_cut_off_is_only_counted(judged, created):
    """
    A twin that was ended in the middle of a line did nothing wrong.
    """
    status, problems, summary = judged(line(created), line(created)[:50])

    assert (status, problems) == (0, [])
    assert summary.endswith("0 problems, 1 cut off at the end")


def test_a_broken_line_in_the_middle_is_a_problem(judged, created):
    """
    Only the last line may be cut off.
    """
    status, problems, _ = judged(line(created)[:50] + "\n", line(created))

    assert (status, problems) == (1, ["twin.jsonl:1: is no record of a call or an event"])


def test_nothing_recorded_proves_nothing(judged):
    """
    An empty log is no clean log.
    """
    status, _, summary = judged()

    assert status == 1
    assert summary.startswith("contract: 0 calls")


def test_the_judge_is_a_program_of_its_own(tmp_path, created):
    """
    It runs apart from any twin, over several logs, and says in its status what it found.
    """
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text(line(created))
    bad.write_text(line(created | {"path": "/v1/payments"}))

    done = subprocess.run(
        [sys.executable, "-m", "stripe_twin.contract", good, bad], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "bad.jsonl:1: POST /v1/payments: is no address of the API"


@pytest.mark.parametrize(("name", "status"), [("twin.jsonl", 0), ("notes.txt", 1)])
def test_a_folder_is_all_the_logs_in_it(tmp_path, capsys, created, name: str, status: int):
    """
    What else lies there is no log; a folder without one proves nothing.
    """
    (tmp_path / name).write_text(line(created))

    assert main([str(tmp_path)]) == status
    assert capsys.readouterr().out.startswith(f"contract: {1 - status} calls")

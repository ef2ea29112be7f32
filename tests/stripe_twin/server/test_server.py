"""
The loopback server: it serves, survives, and stops as asked.
"""

import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

DEADLINE_SECONDS = 30
TROUBLES = [("refused", httpx.ReadError), ("timeout_after", httpx.ReadTimeout), ("cut_body", httpx.RemoteProtocolError)]


def customers(served) -> list[str]:
    """
    Return the ids of all customers.
    """
    return [one.id for one in served.sdk().v1.customers.list({"limit": 100}).auto_paging_iter()]


def test_stripe_s_own_client_works_over_http(serve) -> None:
    """
    A payment and the page of a checkout, where the server says it listens.
    """
    served = serve()
    sdk = served.sdk()

    intent = sdk.v1.payment_intents.create(
        {
            "amount": 2900,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "return_url": "https://shop.test",
        }
    )
    session = sdk.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "success_url": "https://shop.test/done"}
    )
    page = httpx.get(session.url)

    assert served.url.startswith("http://127.0.0.1:")
    assert intent.status == "succeeded"
    assert session.url.startswith(served.url)
    assert (page.status_code, "Save your card" in page.text) == (200, True)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # what the SDK asks of httpx
async def test_the_asynchronous_client_works_over_http(serve) -> None:
    """
    As the product uses it.
    """
    served = serve()
    client = stripe.HTTPXClient()
    sdk = stripe.StripeClient("sk_test_served_twin", base_addresses={"api": served.url}, http_client=client)

    customer = await sdk.v1.customers.create_async({"name": "Ada"})
    await client.close_async()

    assert customers(served) == [customer.id]


def test_no_answered_call_is_lost_when_it_is_killed(serve) -> None:
    """
    Four clients create customers until the process is killed; whatever was answered is there after the restart.
    """
    served = serve()
    answered: list[str] = []
    enough = threading.Event()

    def create_until_it_dies() -> None:
        sdk = served.sdk()
        try:
            while True:
                answered.append(sdk.v1.customers.create({}).id)
                if len(answered) >= 50:
                    enough.set()
        except stripe.APIConnectionError:
            return

    with ThreadPoolExecutor(4) as clients:
        for _ in range(4):
            clients.submit(create_until_it_dies)
        assert enough.wait(DEADLINE_SECONDS)
        served.kill()

    kept = customers(serve("--port", served.port))
    assert set(answered) <= set(kept)
    assert len(kept) <= len(answered) + 4


def test_after_a_restart_all_is_as_before(serve) -> None:
    """
    Counts, keys of answered calls, and a clock that does not go back.
    """
    served = serve()
    first = served.sdk().v1.customers.create({"name": "Ada"}, {"idempotency_key": "once"})
    moved = httpx.post(f"{served.url}/_twin/clock", json={"advance_seconds": 3600}).json()["now"]
    before = httpx.get(f"{served.url}/_twin/state").json()
    served.kill()

    served = serve()
    after = httpx.get(f"{served.url}/_twin/state").json()
    again = served.sdk().v1.customers.create({"name": "Ada"}, {"idempotency_key": "once"})

    assert after["counts"] == before["counts"]
    assert after["clock"]["now"] >= moved
    assert again.id == first.id
    assert customers(served) == [first.id]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_with_0(serve, number: signal.Signals) -> None:
    """
    Being asked to stop is no failure.
    """
    served = serve()
    httpx.get(f"{served.url}/_twin/clock")

    served.process.send_signal(number)

    assert served.process.wait(DEADLINE_SECONDS) == 0


def test_a_client_that_waits_for_ever_does_not_keep_it(serve, until) -> None:
    """
    A call that will never be answered ends with the server.
    """
    served = serve()
    httpx.post(f"{served.url}/_twin/faults", json=[{"kind": "timeout_before"}])
    with socket.create_connection(("127.0.0.1", int(served.port))) as client:
        client.sendall(b"GET /v1/customers HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        until(lambda: httpx.get(f"{served.url}/_twin/faults").json()["faults"][0]["times"] == 0)

        served.process.send_signal(signal.SIGTERM)

        assert served.process.wait(DEADLINE_SECONDS) == 0


def test_it_serves_on_an_inherited_socket(serve) -> None:
    """
    Who holds the socket can start it anew without a connection being refused.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = serve("--fd", str(listener.fileno()), inherited=(listener.fileno(),))
        first = httpx.get(f"{served.url}/_twin/clock").status_code
        served.kill()
        serve("--fd", str(listener.fileno()), inherited=(listener.fileno(),))
        second = httpx.get(f"{served.url}/_twin/clock").status_code

    assert (first, second) == (200, 200)


def test_a_socket_on_another_address_is_not_served(tmp_path) -> None:
    """
    Nobody but this machine shall reach it.
    """
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104 -- the very thing that is refused
        ended = ending("--home", str(tmp_path), "--fd", str(listener.fileno()), inherited=(listener.fileno(),))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "not on 127.0.0.1" in ended.stderr


def test_two_twins_do_not_share_one_state(serve, tmp_path) -> None:
    """
    The second one says so and ends.
    """
    serve()

    ended = ending("--home", str(tmp_path / "home"))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Another twin runs with the state in ")


def test_a_port_that_is_taken_is_a_sentence(serve, tmp_path) -> None:
    """
    No stack trace.
    """
    served = serve()

    ended = ending("--home", str(tmp_path / "other"), "--port", served.port)

    assert ended.returncode == 1
    assert ended.stderr.startswith("The twin cannot be served: ")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("kind", "trouble"), TROUBLES)
def test_troubles_happen_on_the_wire(serve, kind: str, trouble: type[Exception]) -> None:
    """
    A reset before any byte, no answer, half an answer; the next call is answered.
    """
    served = serve()
    httpx.post(f"{served.url}/_twin/faults", json=[{"kind": kind, "method": "POST"}])
    headers = {"authorization": "Bearer sk_test_served_twin"}

    with pytest.raises(trouble):
        httpx.post(f"{served.url}/v1/customers", data={"name": "Ada"}, headers=headers, timeout=1)

    assert len(customers(served)) == (0 if kind == "refused" else 1)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:99", 200),
        ("evil.test", 403),
        ("127.0.0.1.evil.test", 403),
        ("", 403),
        ("[", 403),
    ],
)
def test_it_answers_to_this_machine_s_names_only(serve, host: str, status: int) -> None:
    """
    A page elsewhere whose name resolves here gets nothing.
    """
    served = serve()

    assert httpx.get(f"{served.url}/", headers={"host": host}).status_code == status


def test_a_large_body_is_refused(serve) -> None:
    """
    A mebibyte is taken, a byte more is not.
    """
    served = serve()

    taken = httpx.post(f"{served.url}/v1/customers", content=b"x" * 1024 * 1024)
    refused = httpx.post(f"{served.url}/v1/customers", content=b"x" * (1024 * 1024 + 1))

    assert (taken.status_code, refused.status_code) == (401, 413)


def test_a_client_that_leaves_in_the_middle_harms_nobody(serve) -> None:
    """
    Half a request, then nothing.
    """
    served = serve()
    with socket.create_connection(("127.0.0.1", int(served.port))) as client:
        client.sendall(b"POST /v1/customers HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n\r\nname=")

    assert customers(served) == []


def test_calls_are_recorded_when_told_to(serve, tmp_path) -> None:
    """
    For the contract's judge.
    """
    served = serve("--log", str(tmp_path / "log.jsonl"))
    served.sdk().v1.customers.create({})
    served.process.terminate()
    served.process.wait(DEADLINE_SECONDS)

    assert [line[:16] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [
        '{"kind":"event",',
        '{"kind":"call","',
    ]


def ending(*arguments: str, inherited: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    """
    Run a twin that ends by itself.
    """
    return subprocess.run(
        [sys.executable, "-m", "stripe_twin", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        pass_fds=inherited,
        check=False,
    )

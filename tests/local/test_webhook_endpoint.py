"""
The twin of Stripe delivers to our web, wherever that listens today.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rsolv.local.errors import LocalFailure
from rsolv.local.webhook_endpoint import WebhookEndpoint, ensure_endpoint
from test_worker import twin_process

KEY = "sk_test_of_the_twin"


@pytest.fixture(scope="module")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    The address of a twin.
    """
    with twin_process(tmp_path_factory.mktemp("stripe")) as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """
    Where the endpoint is remembered.
    """
    return tmp_path / "webhook_endpoint.json"


def url_of(stripe_url: str, endpoint: WebhookEndpoint) -> str:
    answer = httpx.get(f"{stripe_url}/v1/webhook_endpoints/{endpoint.id}", headers={"authorization": f"Bearer {KEY}"})
    return str(answer.json()["url"])


def test_the_endpoint_is_made_once_and_follows_the_web(stripe_url: str, file: Path) -> None:
    """
    At the next start it has the same secret, so that what is still to be delivered is taken.
    """
    first = ensure_endpoint(stripe_url, api_key=KEY, base_url="http://127.0.0.1:4000", file=file)
    second = ensure_endpoint(stripe_url, api_key=KEY, base_url="http://127.0.0.1:5000", file=file)

    assert first == second
    assert first.secret.startswith("whsec_")
    assert first.secret not in repr(first)
    assert url_of(stripe_url, first) == "http://127.0.0.1:5000/api/webhooks/stripe"


@pytest.mark.parametrize("kept", ['{"id": "we_none", "secret": "whsec_none"}', "no json", "[]"])
def test_an_endpoint_that_the_twin_does_not_know_is_made_anew(stripe_url: str, file: Path, kept: str) -> None:
    """
    It may have been reset, or the file damaged.
    """
    file.write_text(kept)

    made = ensure_endpoint(stripe_url, api_key=KEY, base_url="http://127.0.0.1:4000", file=file)

    assert json.loads(file.read_text()) == {"id": made.id, "secret": made.secret}
    assert made.id != "we_none"


def test_a_twin_that_does_not_answer_is_a_sentence(file: Path) -> None:
    """
    Nothing is remembered.
    """
    with socket.create_server(("127.0.0.1", 0)) as unheard:
        port = unheard.getsockname()[1]

    with pytest.raises(LocalFailure, match="does not answer"):
        ensure_endpoint(f"http://127.0.0.1:{port}", api_key=KEY, base_url="http://127.0.0.1:4000", file=file)
    assert not file.exists()


def test_a_twin_that_refuses_is_a_sentence(stripe_url: str, file: Path) -> None:
    """
    Here for an address that is none.
    """
    with pytest.raises(LocalFailure, match="takes no webhook endpoint"):
        ensure_endpoint(stripe_url, api_key=KEY, base_url="nowhere", file=file)

"""
Have the stand-in for Stripe deliver its events to our web, signed with a secret that both know.
"""

import http.client
import json
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from rsolv.local.errors import LocalFailure
from rsolv.local.private_files import write_private

PATH = "/api/webhooks/stripe"
ANSWER_SECONDS_MAX = 60
_ENDPOINTS = "/v1/webhook_endpoints"


@dataclass(frozen=True)
class WebhookEndpoint:
    """
    What the stand-in calls the endpoint, and the secret with which it signs, shown when it was made and never again.
    """

    id: str
    secret: str = field(repr=False)


def ensure_endpoint(stripe_url: str, *, api_key: str, base_url: str, file: Path) -> WebhookEndpoint:
    """
    Return the endpoint that leads to *base_url*: the one remembered in *file*, moved there, or a new one.

    Waits until the stand-in answers.

    Raises:
        LocalFailure: it does not, or refuses.
    """
    asked = {"url": f"{base_url}{PATH}"}
    known = _remembered(file)
    if known is not None and _post(stripe_url, f"{_ENDPOINTS}/{known.id}", asked, api_key) is not None:
        return known
    made = _post(stripe_url, _ENDPOINTS, {**asked, "enabled_events[]": "*"}, api_key)
    if made is None:
        raise LocalFailure("The twin of Stripe takes no webhook endpoint; its log says why.")
    endpoint = WebhookEndpoint(id=made["id"], secret=made["secret"])
    write_private(file, json.dumps(asdict(endpoint)) + "\n")
    return endpoint


def _remembered(file: Path) -> WebhookEndpoint | None:
    try:
        kept = json.loads(file.read_text())
        return WebhookEndpoint(id=str(kept["id"]), secret=str(kept["secret"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _post(stripe_url: str, path: str, asked: dict[str, str], api_key: str) -> dict[str, str] | None:
    connection = http.client.HTTPConnection(stripe_url.removeprefix("http://"), timeout=ANSWER_SECONDS_MAX)
    headers = {"authorization": f"Bearer {api_key}", "content-type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", path, urlencode(asked), headers)
        answer = connection.getresponse()
        said: dict[str, str] = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LocalFailure(f"The twin of Stripe does not answer ({type(error).__name__}); its log says why.") from None
    finally:
        connection.close()
    return said if answer.status == HTTPStatus.OK else None

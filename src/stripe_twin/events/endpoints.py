"""
Webhook endpoints: where events are sent, and the secrets they are signed with (docs.stripe.com/api/webhook_endpoints).
"""

from typing import Any
from urllib.parse import urlsplit

from stripe_twin.core import Account, Call, Record, Routes, invalid_request, not_done, page
from stripe_twin.core.account import API_VERSION
from stripe_twin.core.tasks import MAIN_CLOCK

KIND = "webhook_endpoint"
SECRETS = "_endpoint_secrets"
ENDPOINTS_MAX = 16
ROLL_SECONDS_MAX = 24 * 3600
_SECRET_LENGTH = 32

ROUTES = Routes()


@ROUTES.post("/v1/webhook_endpoints")
def create(account: Account, call: Call) -> Record:
    """
    Create an endpoint; only this answer shows its secret (docs.stripe.com/api/webhook_endpoints/create).
    """
    params = call.params
    _require_url(params["url"])
    if params.get("connect"):
        raise not_done("webhook endpoints for connected accounts")
    if params.get("api_version", API_VERSION) != API_VERSION:
        raise not_done(f"events of another API version than {API_VERSION}")
    if account.store.count(KIND) >= ENDPOINTS_MAX:
        raise invalid_request(f"You have reached the maximum of {ENDPOINTS_MAX} test webhook endpoints.")
    endpoint = account.store.add(
        KIND,
        {
            "id": account.new_id("we"),
            "object": KIND,
            "api_version": params.get("api_version"),
            "application": None,
            "created": account.now,
            "description": params.get("description") or None,
            "enabled_events": params["enabled_events"],
            "livemode": False,
            "metadata": _merged({}, params.get("metadata")),
            "status": "enabled",
            "url": params["url"],
        },
    )
    secret = account.new_id("whsec", _SECRET_LENGTH)
    account.store.add(SECRETS, {"id": endpoint["id"], "current": secret, "previous": None, "previous_until": 0})
    return {**endpoint, "secret": secret}


@ROUTES.get("/v1/webhook_endpoints/{webhook_endpoint}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Return an endpoint (docs.stripe.com/api/webhook_endpoints/retrieve).
    """
    return account.get(KIND, call.ids["webhook_endpoint"], what="webhook endpoint")


@ROUTES.post("/v1/webhook_endpoints/{webhook_endpoint}")
def update(account: Account, call: Call) -> Record:
    """
    Change where, what and whether (docs.stripe.com/api/webhook_endpoints/update).
    """
    endpoint = account.edit(KIND, call.ids["webhook_endpoint"], what="webhook endpoint")
    params = call.params
    if "url" in params:
        _require_url(params["url"])
        endpoint["url"] = params["url"]
    if "enabled_events" in params:
        endpoint["enabled_events"] = params["enabled_events"]
    if "description" in params:
        endpoint["description"] = params["description"] or None
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        endpoint["metadata"] = _merged(endpoint["metadata"], params["metadata"])
    return endpoint


@ROUTES.delete("/v1/webhook_endpoints/{webhook_endpoint}")
def delete(account: Account, call: Call) -> Record:
    """
    Forget an endpoint; what was still to be sent there is not (docs.stripe.com/api/webhook_endpoints/delete).
    """
    endpoint_id = account.get(KIND, call.ids["webhook_endpoint"], what="webhook endpoint")["id"]
    account.store.remove(KIND, endpoint_id)
    account.store.remove(SECRETS, endpoint_id)
    return {"id": endpoint_id, "object": KIND, "deleted": True}


@ROUTES.get("/v1/webhook_endpoints")
def list_endpoints(account: Account, call: Call) -> Record:
    """
    List the endpoints, newest first (docs.stripe.com/api/webhook_endpoints/list).
    """
    return page(call, account.store.all(KIND), url="/v1/webhook_endpoints")


def roll_secret(account: Account, endpoint_id: str, *, previous_valid_seconds: int = 0) -> str:
    """
    Give an endpoint a new secret; the previous one signs as well for up to a day (docs.stripe.com/webhooks, "Roll").
    """
    account.get(KIND, endpoint_id, what="webhook endpoint")
    if not 0 <= previous_valid_seconds <= ROLL_SECONDS_MAX:
        raise invalid_request(f"The previous secret can stay valid for 0 to {ROLL_SECONDS_MAX} seconds.")
    secrets = account.store.edit(SECRETS, endpoint_id)
    secrets["previous"] = secrets["current"]
    secrets["previous_until"] = account.now_on(MAIN_CLOCK) + previous_valid_seconds
    secrets["current"] = account.new_id("whsec", _SECRET_LENGTH)
    return str(secrets["current"])


def valid_secrets(account: Account, endpoint_id: str) -> list[str]:
    """
    Return the secrets that sign now, the current one first.
    """
    secrets = account.get(SECRETS, endpoint_id)
    previous_is_valid = secrets["previous"] and account.now_on(MAIN_CLOCK) < secrets["previous_until"]
    return [secrets["current"], secrets["previous"]] if previous_is_valid else [secrets["current"]]


def _require_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_web_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web_address = False
    if not is_web_address:
        raise invalid_request("Invalid URL: an absolute http or https URL is needed.", code="url_invalid", param="url")


def _merged(metadata: Record, given: Any) -> Record:
    """
    Set what is given, take out what is given empty; nothing at all empties it (docs.stripe.com/api/metadata).
    """
    if not given:
        return {}
    return {name: value for name, value in {**metadata, **given}.items() if value}

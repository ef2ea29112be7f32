"""
The control of the twin: JSON under `/_twin/`, for what no API of Stripe's can do, because nature or a network does it.

    GET  /_twin/                                    what there is
    GET  /_twin/state                               clock, counts, deliveries, what is set, the twin's mistakes
    POST /_twin/reset                               {"seed"?}: forget everything, also the clock
    GET  /_twin/clock                               the main clock
    POST /_twin/clock                               {"advance_seconds"} or {"to"}: move it, doing what becomes due
    GET, POST, DELETE /_twin/faults                 of the API: [{kind, method?, template?, times?, ...}]
    GET, POST /_twin/latency                        {"seconds"}: a real pause before each call
    GET, POST /_twin/idempotency                    {"on"}: off, every repeat is executed again
    GET, POST /_twin/settings                       retries of webhooks, dunning and its end
    GET, POST, DELETE /_twin/webhook_faults         of webhooks: [{kind, event_type?, times?, ...}]
    POST /_twin/webhook_faults/release              send at once what a burst holds
    POST /_twin/webhook_endpoints/{id}/roll_secret  {"previous_valid_seconds"?}: a new secret
    GET  /_twin/deliveries                          newest first with their tries: ?state= &event= &endpoint= &limit=
    POST /_twin/deliveries/{id}/redeliver           once more
    POST /_twin/checkout_sessions/{id}/complete     {"number", "exp_month", "exp_year", "cvc", ...}: as on its page
    POST /_twin/intents/{id}/authenticate           {"succeeded"}: end 3-D Secure of a payment or setup intent
    POST /_twin/payment_methods/{id}/renew          the card's network renews it
    POST /_twin/disputes/{id}/decide                {"won"}: the bank decides
    POST /_twin/refunds/{id}/fail                   the bank sends a refund back
    POST /_twin/trigger                             {"event"}: play the scenario that ends in this event

Bodies are JSON with this content type, and pages of another origin are kept out. Nothing is ignored: a field that is
unknown or wrong is refused with a sentence in `error.message`.
"""

import inspect
from typing import TYPE_CHECKING

from stripe_twin.control import deliveries, moves, nature, troubles
from stripe_twin.control.door import Ask, Controls, Refused
from stripe_twin.core import StripeError
from stripe_twin.core.exchange import Request, Response, json_response

if TYPE_CHECKING:
    from stripe_twin.twin import Twin

__all__ = ["respond"]

_CONTROLS = Controls()
for part in (moves, troubles, deliveries, nature):
    _CONTROLS.include(part.CONTROLS)


@_CONTROLS.on("GET", "/_twin/")
def _listed(_ask: Ask) -> dict[str, list[str]]:
    return {"control": _CONTROLS.listed()}


async def respond(twin: "Twin", request: Request) -> Response:
    """
    Answer one call of the control.
    """
    try:
        _require_no_stranger(request)
        answerer, ids = _CONTROLS.find(request.method, request.path)
        answer = answerer(Ask(twin, request, ids))
        return json_response(200, await answer if inspect.isawaitable(answer) else answer)
    except Refused as refused:
        return json_response(refused.status, {"error": {"message": str(refused)}})
    except StripeError as error:
        return json_response(error.status, error.body("req_control"))


def _require_no_stranger(request: Request) -> None:
    """
    Keep pages of other origins out: a browser names theirs, and sends no JSON for them.
    """
    if request.headers.get("origin") not in {None, request.base_url}:
        raise Refused("The control is not for pages of another origin.", status=403)
    if request.method == "POST" and request.body:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if content_type != "application/json":
            raise Refused("The control takes JSON, with the content type application/json.", status=415)

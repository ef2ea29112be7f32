"""
The control: clock, settings, state, a new beginning; and what it refuses.
"""

import httpx
import pytest
import stripe

from stripe_twin.twin import STARTS_AT, Twin

DAY = 24 * 3600


async def test_it_lists_what_it_has(http: httpx.AsyncClient) -> None:
    """
    Every method and path.
    """
    listed = (await http.get("/_twin/")).json()["control"]

    assert "POST /_twin/clock" in listed
    assert "POST /_twin/refunds/{id}/fail" in listed


async def test_the_clock_moves_forward(http: httpx.AsyncClient, twin: Twin) -> None:
    """
    By seconds or to a time, doing what becomes due.
    """
    before = (await http.get("/_twin/clock")).json()
    by = (await http.post("/_twin/clock", json={"advance_seconds": 60})).json()
    to = (await http.post("/_twin/clock", json={"to": STARTS_AT + DAY})).json()

    assert before == {"now": STARTS_AT, "utc": "2026-01-01T00:00:00+00:00"}
    assert by["now"] == STARTS_AT + 60
    assert to == {"now": STARTS_AT + DAY, "utc": "2026-01-02T00:00:00+00:00"}
    assert twin.account.now == STARTS_AT + DAY


async def test_the_state_tells_what_there_is(http: httpx.AsyncClient, sdk: stripe.StripeClient) -> None:
    """
    Counts, deliveries by state, what is due next, settings, and that the twin made no mistake.
    """
    await sdk.v1.webhook_endpoints.create_async({"url": "http://127.0.0.1:1/", "enabled_events": ["*"]})
    await sdk.v1.customers.create_async({})

    state = (await http.get("/_twin/state")).json()

    assert state["counts"]["customer"] == 1
    assert state["deliveries"] == {"waiting": 1}
    assert (state["idempotency_on"], state["latency_seconds"], state["seed"]) == (True, 0, "twin")
    assert state["settings"]["webhook_retry_seconds"] == [600, 3600, 7200]
    assert state["mistakes"] == []


async def test_settings_change_what_they_name(http: httpx.AsyncClient) -> None:
    """
    The others stay.
    """
    before = (await http.get("/_twin/settings")).json()

    after = (
        await http.post("/_twin/settings", json={"webhook_retry_seconds": [5, 10], "after_last_retry": "unpaid"})
    ).json()

    assert after == {**before, "webhook_retry_seconds": [5, 10], "after_last_retry": "unpaid"}
    assert (await http.get("/_twin/settings")).json() == after


async def test_refused_settings_change_nothing(http: httpx.AsyncClient) -> None:
    """
    Neither the wrong one nor those beside it.
    """
    before = (await http.get("/_twin/settings")).json()

    answer = await http.post("/_twin/settings", json={"webhook_retry_seconds": [5], "after_last_retry": "shrug"})

    assert answer.status_code == 400
    assert (await http.get("/_twin/settings")).json() == before


async def test_a_reset_forgets_everything(http: httpx.AsyncClient, sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    Also the clock; the same seed makes the same ids again, another seed others.
    """
    first = (await sdk.v1.customers.create_async({})).id
    await http.post("/_twin/clock", json={"advance_seconds": DAY})

    state = (await http.post("/_twin/reset")).json()
    again = (await sdk.v1.customers.create_async({})).id
    await http.post("/_twin/reset", json={"seed": "other"})
    other = (await sdk.v1.customers.create_async({})).id

    assert (state["counts"]["customer"], state["clock"]["now"]) == (0, STARTS_AT)
    assert first == again != other
    assert twin.seed == "other"


async def test_a_reset_with_a_file_forgets_the_file(tmp_path) -> None:
    """
    What was forgotten does not come back with the next start.
    """
    file = tmp_path / "stripe.sqlite3"
    twin = Twin(file=file)
    with twin.store.unit():
        twin.store.add("customer", {"id": "cus_1"})
    twin.reset()
    with twin.store.unit():
        twin.store.add("customer", {"id": "cus_2"})
    twin.close()

    again = Twin(file=file)

    assert [one["id"] for one in again.store.all("customer")] == ["cus_2"]
    again.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("GET", "/_twin/nothing", None, 404, "The control has no /_twin/nothing"),
        ("PUT", "/_twin/clock", None, 405, "/_twin/clock takes GET, POST, not PUT."),
        ("POST", "/_twin/clock", {}, 400, "Say either advance_seconds or to."),
        ("POST", "/_twin/clock", {"advance_seconds": 1, "to": 2}, 400, "Say either advance_seconds or to."),
        ("POST", "/_twin/clock", {"advance_seconds": -1}, 400, "it only goes forward"),
        ("POST", "/_twin/clock", {"to": 10**12}, 400, "not beyond the year 9999"),
        ("POST", "/_twin/clock", {"advance_seconds": "1"}, 400, "Expected `int | null`, got `str`"),
        ("POST", "/_twin/clock", {"advance": 1}, 400, "unknown field `advance`"),
        ("POST", "/_twin/clock", [1], 400, "Expected `object`, got `array`"),
        ("POST", "/_twin/settings", {"webhook_retry_seconds": [0]}, 400, "1 second or longer"),
        ("POST", "/_twin/settings", {"retry_after_days": [3, 2]}, 400, "retry_after_days"),
        ("POST", "/_twin/latency", {"seconds": 61}, 400, "The latency is 0 to 60 seconds."),
        ("POST", "/_twin/faults", [{"kind": "sulk"}], 400, "Invalid enum value 'sulk'"),
        ("POST", "/_twin/faults", [{"kind": "slow", "often": 1}], 400, "unknown field `often`"),
        ("POST", "/_twin/faults", [{"kind": "slow", "probability": 2}], 400, "between 0 and 1"),
        ("POST", "/_twin/faults", [{"kind": "slow", "times": -1}], 400, "not negative"),
        ("POST", "/_twin/faults", {"kind": "slow"}, 400, "Expected `array`, got `object`"),
        ("POST", "/_twin/webhook_faults", [{"kind": "slow"}], 400, "Invalid enum value 'slow'"),
        ("GET", "/_twin/deliveries?limit=0", None, 400, "limit is 1 to 1000."),
        ("GET", "/_twin/deliveries?limit=many", None, 400, "limit is 1 to 1000."),
        ("POST", "/_twin/deliveries/whd_1/redeliver", None, 404, "No such delivery: 'whd_1'"),
        ("POST", "/_twin/webhook_endpoints/we_1/roll_secret", {}, 404, "No such webhook endpoint: 'we_1'"),
        ("POST", "/_twin/intents/pi_1/authenticate", {"succeeded": True}, 404, "No such intent: 'pi_1'"),
        ("POST", "/_twin/intents/pi_1/authenticate", {}, 400, "missing required field `succeeded`"),
        ("POST", "/_twin/refunds/re_1/fail", {}, 404, "No such refund: 're_1'"),
        ("POST", "/_twin/disputes/du_1/decide", {"won": True}, 404, "No such dispute: 'du_1'"),
        ("POST", "/_twin/payment_methods/pm_1/renew", {}, 404, "No such PaymentMethod: 'pm_1'"),
    ],
)
async def test_what_is_wrong_is_refused_with_a_sentence(
    http: httpx.AsyncClient, method: str, path: str, body: object, status: int, sentence: str
) -> None:
    """
    Unknown paths, methods, fields, words, numbers and ids.
    """
    answer = await http.request(method, path, json=body) if body is not None else await http.request(method, path)

    assert answer.status_code == status
    assert sentence in answer.json()["error"]["message"]


async def test_a_form_is_no_json(http: httpx.AsyncClient) -> None:
    """
    A page elsewhere can send forms and plain text, but not this content type.
    """
    answer = await http.post("/_twin/clock", content=b'{"advance_seconds": 60}', headers={"content-type": "text/plain"})

    assert answer.status_code == 415


@pytest.mark.parametrize("origin", ["https://evil.test", "null"])
async def test_a_page_of_another_origin_is_kept_out(
    http: httpx.AsyncClient, sdk: stripe.StripeClient, twin: Twin, origin: str
) -> None:
    """
    Also with an empty body, which needs no content type.
    """
    await sdk.v1.customers.create_async({})

    answer = await http.post("/_twin/reset", headers={"origin": origin})

    assert answer.status_code == 403
    assert twin.store.count("customer") == 1


async def test_a_mistake_of_the_twin_is_told_as_such(
    http: httpx.AsyncClient, twin: Twin, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Nobody shall take it for Stripe's.
    """
    with twin.store.unit():
        twin.account.schedule("nobody knows this", {}, at=STARTS_AT + 5)

    answer = await http.post("/_twin/clock", json={"advance_seconds": 10})
    mistakes = len(twin.mistakes)
    twin.mistakes.clear()

    assert (answer.status_code, mistakes) == (500, 1)
    assert "nobody knows this" in answer.json()["error"]["message"]
    assert "own mistake" in caplog.text

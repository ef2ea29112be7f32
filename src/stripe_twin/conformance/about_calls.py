"""
Questions about calls as such: idempotency keys, parameters, ids, lists, metadata, events.
"""

import asyncio
from typing import Any

import stripe

from stripe_twin.conformance.questions import Facts, Questions, plain, refusal, told_by
from stripe_twin.scenarios import Stage, props

questions = Questions()

_KEYS = "docs.stripe.com/api/idempotent_requests"
_ERRORS = "docs.stripe.com/error-codes"
_LISTS = "docs.stripe.com/api/pagination"
_METADATA = "docs.stripe.com/api/metadata"
_EVENTS = "docs.stripe.com/api/events/object"


def _headers(answer: stripe.StripeObject) -> dict[str, str]:
    assert answer.last_response is not None, "an answer has headers"
    return {name.lower(): value for name, value in dict(answer.last_response.headers).items()}


async def _created_with(stage: Stage, key: str, **params: Any) -> stripe.Customer:
    wanted: Any = params
    return await stage.sdk.v1.customers.create_async(wanted, {"idempotency_key": key})


@questions.on(_KEYS, same_id=True, first_mark=None, mark="true", names_first_request=True)
async def a_repeated_key_replays_the_first_answer(stage: Stage) -> Facts:
    """
    The answer is the same, and a header that the first one has not says that it is a replay [K].
    """
    key = stage.unique("key")
    first, again = [await _created_with(stage, key, name="One") for _ in range(2)]
    told = _headers(again)
    return {
        "same_id": first.id == again.id,
        "first_mark": _headers(first).get("idempotent-replayed"),
        "mark": told.get("idempotent-replayed"),
        "names_first_request": told.get("original-request") == _headers(first)["request-id"],
    }


@questions.refused(_KEYS, type="idempotency_error")
async def a_key_used_with_other_parameters_is_refused(stage: Stage) -> None:
    """
    A key belongs to the parameters it came with first.
    """
    key = stage.unique("key")
    await _created_with(stage, key, name="One")
    await _created_with(stage, key, name="Other")


@questions.refused(_KEYS, type="idempotency_error")
async def a_key_used_at_another_endpoint_is_refused(stage: Stage) -> None:
    """
    A key belongs to the endpoint it came to first.
    """
    key = stage.unique("key")
    await _created_with(stage, key)
    await stage.sdk.v1.products.create_async({"name": "A Product"}, {"idempotency_key": key})


@questions.on(_KEYS, status=402, same_charge=True, mark="true")
async def a_decline_is_replayed(stage: Stage) -> Facts:
    """
    The same key after a decline charges nothing again: the decline is the answer for a day.
    """
    options: Any = {"idempotency_key": stage.unique("key")}
    intent = await props.intent(stage)
    told = []
    for _ in range(2):
        try:
            how: Any = {"payment_method": "pm_card_visa_chargeDeclined"}
            await stage.sdk.v1.payment_intents.confirm_async(intent.id, how, options)
        except stripe.CardError as error:
            told.append(error)
    charges = [told_by(error, "charge")["charge"] for error in told]
    headers = {name.lower(): value for name, value in dict(told[-1].headers or {}).items()}
    return {
        "status": told[-1].http_status,
        "same_charge": charges[0] == charges[1],
        "mark": headers.get("idempotent-replayed"),
    }


@questions.on(_KEYS, refused=400, then="created")
async def a_refused_parameter_keeps_no_answer(stage: Stage) -> Facts:
    """
    What was refused before anything was done may be sent again, corrected, under the same key.
    """
    key = stage.unique("key")
    refused = await refusal(_created_with(stage, key, nonsense="x"))
    customer = await _created_with(stage, key, name="One")
    return {"refused": refused["status"], "then": "created" if customer.id else "nothing"}


@questions.on(_KEYS, customers=1, otherwise=[])
async def four_calls_at_once_with_one_key_make_one_object(stage: Stage) -> Facts:
    """
    Each of them gets the one answer, or is told that the key is in use.
    """
    key = stage.unique("key")
    answers = await asyncio.gather(*(_created_with(stage, key) for _ in range(4)), return_exceptions=True)
    in_use = [one for one in answers if isinstance(one, stripe.StripeError) and one.code == "idempotency_key_in_use"]
    made = [one for one in answers if isinstance(one, stripe.Customer)]
    return {
        "customers": len({customer.id for customer in made}),
        "otherwise": [repr(one) for one in answers if one not in made and one not in in_use],
    }


@questions.on("docs.stripe.com/api/authentication", status=401, type="invalid_request_error", code=None, param=None)
async def a_key_that_is_none_is_refused(stage: Stage) -> Facts:
    """
    With 401 [K: no code].
    """
    nonsense: Any = {"api_key": "sk_test_"}
    return await refusal(stage.sdk.v1.customers.list_async({"limit": 1}, nonsense))


@questions.on("[K]", status=400)
async def a_key_of_256_characters_is_refused(stage: Stage) -> Facts:
    """
    Keys are at most 255 characters long.
    """
    return {"status": (await refusal(_created_with(stage, "k" * 256)))["status"]}


@questions.on(_EVENTS, key_is_ours=True, request_is_ours=True, api_version=stripe.api_version, livemode=False)
async def an_event_names_the_call_that_caused_it(stage: Stage) -> Facts:
    """
    Request id and idempotency key of the call are in the event, with the version it is written in.
    """
    before, key = await stage.latest_event_id(), stage.unique("key")
    customer = await _created_with(stage, key)
    event = await stage.awaited(lambda: stage.event_since(before, "customer.created", customer.id))
    assert event is not None, "customer.created"
    assert event.request is not None, "a request caused it"
    return {
        "key_is_ours": event.request.idempotency_key == key,
        "request_is_ours": event.request.id == _headers(customer)["request-id"],
        "api_version": event.api_version,
        "livemode": event.livemode,
    }


@questions.on(_EVENTS, previous={"name": "A Customer"}, name="Another Name")
async def an_updated_event_tells_what_was_before(stage: Stage) -> Facts:
    """
    The snapshot has the new values, `previous_attributes` the old ones of what changed.
    """
    before, customer = await stage.latest_event_id(), await props.customer(stage)
    await stage.sdk.v1.customers.update_async(customer.id, {"name": "Another Name"})
    event = await stage.awaited(lambda: stage.event_since(before, "customer.updated", customer.id))
    assert event is not None, "customer.updated"
    data = plain(event)["data"]
    return {"previous": data.get("previous_attributes"), "name": data["object"]["name"]}


@questions.refused(_ERRORS, code="parameter_unknown", param="nonsense")
async def an_unknown_parameter_is_refused(stage: Stage) -> None:
    """
    And named.
    """
    nonsense: Any = {"nonsense": "x"}
    await stage.sdk.v1.customers.create_async(nonsense)


@questions.refused(_ERRORS, code="parameter_missing", param="currency")
async def a_missing_parameter_is_refused(stage: Stage) -> None:
    """
    And named.
    """
    incomplete: Any = {"amount": 2900}
    await stage.sdk.v1.payment_intents.create_async(incomplete)


@questions.refused(_ERRORS, code="parameter_invalid_integer", param="amount")
async def an_amount_that_is_no_integer_is_refused(stage: Stage) -> None:
    """
    And named.
    """
    await props.intent(stage, amount="12x")


@questions.refused(
    "docs.stripe.com/changelog/endive/2026-09-30/"
    "removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents",
    code="payment_method_types_no_longer_supported",
    param="payment_method_types",
)
async def payment_method_types_are_refused(stage: Stage) -> None:
    """
    Since endive the parameter that everybody remembers has a refusal of its own.
    """
    await props.intent(stage, payment_method_types=["card"])


@questions.refused(_ERRORS, status=404, code="resource_missing", param="id")
async def a_customer_nobody_has_is_not_found(stage: Stage) -> None:
    """
    In the path: 404.
    """
    await stage.sdk.v1.customers.retrieve_async("cus_nobody")


@questions.refused(_ERRORS, status=404, code="resource_missing", param="intent")
async def a_payment_intent_nobody_has_is_not_found(stage: Stage) -> None:
    """
    In the path: 404; the parameter is called as in the path's template [K].
    """
    await stage.sdk.v1.payment_intents.retrieve_async("pi_nobody")


@questions.refused(_ERRORS, code="resource_missing", param="customer")
async def a_parameter_that_names_nothing_is_refused(stage: Stage) -> None:
    """
    In a parameter: 400.
    """
    await props.intent(stage, customer="cus_nobody")


@questions.on(_LISTS, sizes=[2, 1], has_more=[True, False], whole=True)
async def pages_go_from_new_to_old(stage: Stage) -> Facts:
    """
    By cursor, without gaps or repeats.
    """
    email = f"{stage.unique('listed')}@example.com"
    made = [(await props.customer(stage, email=email)).id for _ in range(3)]
    first = await stage.sdk.v1.customers.list_async({"email": email, "limit": 2})
    second = await stage.sdk.v1.customers.list_async({"email": email, "limit": 2, "starting_after": first.data[-1].id})
    found = [customer.id for customer in (*first.data, *second.data)]
    return {
        "sizes": [len(first.data), len(second.data)],
        "has_more": [first.has_more, second.has_more],
        "whole": sorted(found) == sorted(made),
    }


@questions.refused(_LISTS, code="parameter_invalid_integer", param="limit")
async def a_page_of_101_is_refused(stage: Stage) -> None:
    """
    A hundred are the most [K: code].
    """
    await stage.sdk.v1.customers.list_async({"limit": 101})


@questions.on("docs.stripe.com/api/customers/list", exact=1, other_case=0)
async def an_email_is_found_exactly(stage: Stage) -> Facts:
    """
    The filter minds upper and lower case.
    """
    email = f"{stage.unique('Exact')}@example.com"
    await props.customer(stage, email=email)
    customers = stage.sdk.v1.customers
    return {
        "exact": len((await customers.list_async({"email": email})).data),
        "other_case": len((await customers.list_async({"email": email.lower()})).data),
    }


@questions.on(_METADATA, merged={"a": "1", "b": "3", "c": "4"}, one_less={"a": "1", "c": "4"}, cleared={})
async def metadata_is_merged(stage: Stage) -> Facts:
    """
    Keys are added and replaced; an empty text takes one away, or all.
    """
    customer = await props.customer(stage, metadata={"a": "1", "b": "2"})
    changes: list[Any] = [{"b": "3", "c": "4"}, {"b": ""}, ""]
    seen = [plain(await stage.sdk.v1.customers.update_async(customer.id, {"metadata": one})) for one in changes]
    return dict(zip(("merged", "one_less", "cleared"), [one["metadata"] for one in seen], strict=True))


@questions.on("[K]", too_many=400, long_key=400, long_value=400, at_the_limit=200)
async def metadata_has_limits(stage: Stage) -> Facts:
    """
    Fifty keys of forty characters, values of five hundred.
    """

    async def status(metadata: dict[str, str]) -> int:
        return int((await refusal(props.customer(stage, metadata=metadata)))["status"])

    return {
        "too_many": await status({f"key{number}": "x" for number in range(51)}),
        "long_key": await status({"k" * 41: "x"}),
        "long_value": await status({"k": "v" * 501}),
        "at_the_limit": await status({"k" * 40: "v" * 500}),
    }

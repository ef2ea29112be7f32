"""
Which requests Stripe takes, and in which words it refuses the others.
"""

import pytest

from stripe_twin.contract import RequestRefused

CUSTOMER = ("POST", "/v1/customers")
PAYMENT = ("POST", "/v1/payment_intents")
REFUND = ("POST", "/v1/refunds")
SETUP = ("POST", "/v1/setup_intents")
SUBSCRIPTION = ("POST", "/v1/subscriptions")
MONEY = [("amount", "2900"), ("currency", "usd")]


@pytest.mark.parametrize(
    ("endpoint", "pairs", "values"),
    [
        (
            CUSTOMER,
            [("email", "a@example.com"), ("metadata[id]", "7"), ("metadata[gone]", ""), ("address", "")],
            {"email": "a@example.com", "metadata": {"id": "7", "gone": ""}, "address": ""},
        ),
        (
            PAYMENT,
            [*MONEY, ("automatic_payment_methods[enabled]", "true"), ("expand[0]", "latest_charge")],
            {
                "amount": 2900,
                "currency": "usd",
                "automatic_payment_methods": {"enabled": True},
                "expand": ["latest_charge"],
            },
        ),
        (PAYMENT, [*MONEY, ("off_session", "true")], {"amount": 2900, "currency": "usd", "off_session": True}),
        (PAYMENT, [*MONEY, ("off_session", "one_off")], {"amount": 2900, "currency": "usd", "off_session": "one_off"}),
        (
            SETUP,
            [("mandate_data[customer_acceptance][type]", "online"), ("usage", "off_session")],
            {"mandate_data": {"customer_acceptance": {"type": "online"}}, "usage": "off_session"},
        ),
        (
            SUBSCRIPTION,
            [("items[1][price]", "price_2"), ("items[0][price]", "price_1"), ("items[0][quantity]", "2")],
            {"items": [{"price": "price_1", "quantity": 2}, {"price": "price_2"}]},
        ),
        (("GET", "/v1/invoices"), [("created[gte]", "12"), ("limit", "3")], {"created": {"gte": 12}, "limit": 3}),
        (("GET", "/v1/invoices"), [("created", "12")], {"created": 12}),
        (
            ("POST", "/v1/prices"),
            [("currency", "usd"), ("unit_amount_decimal", "0.5")],
            {"currency": "usd", "unit_amount_decimal": "0.5"},
        ),
        (
            ("POST", "/v1/tax_rates"),
            [("display_name", "VAT"), ("inclusive", "false"), ("percentage", "19.5")],
            {"display_name": "VAT", "inclusive": False, "percentage": 19.5},
        ),
        (
            ("POST", "/v1/accounts/acct_1/external_accounts"),
            [
                ("external_account[object]", "bank_account"),
                *((f"external_account[{word}]", "1") for word in ("account_number", "country")),
            ],
            {"external_account": {"object": "bank_account", "account_number": "1", "country": "1"}},
        ),
        (
            ("POST", "/v1/accounts/acct_1/external_accounts"),
            [("external_account", "btok_1")],
            {"external_account": "btok_1"},
        ),
    ],
)
def test_a_valid_request_is_decoded_to_types(contract, endpoint, pairs, values):
    """
    Integers, booleans, lists and hashes come typed; decimals stay text; an empty text empties what may be emptied.
    """
    assert contract.find(*endpoint).decode(pairs) == values


@pytest.mark.parametrize(
    ("endpoint", "pairs", "param", "code", "message"),
    [
        (PAYMENT, [*MONEY, ("foo", "1")], "foo", "parameter_unknown", "Received unknown parameter: foo"),
        (PAYMENT, [("foo", "1"), ("bar", "1")], "foo", "parameter_unknown", "Received unknown parameters: foo, bar"),
        (PAYMENT, [("currency", "usd")], "amount", "parameter_missing", "Missing required param: amount."),
        (PAYMENT, [*MONEY, ("amount", "12x")], "amount", "parameter_invalid_integer", "Invalid integer: 12x"),
        (PAYMENT, [*MONEY, ("amount", "29.0")], "amount", "parameter_invalid_integer", "Invalid integer: 29.0"),
        (PAYMENT, [*MONEY, ("confirm", "maybe")], "confirm", None, "Invalid boolean: maybe"),
        (
            PAYMENT,
            [*MONEY, ("capture_method", "later")],
            "capture_method",
            None,
            "Invalid capture_method: must be one of automatic, automatic_async, or manual",
        ),
        (
            PAYMENT,
            [*MONEY, ("payment_method_types[0]", "card")],
            "payment_method_types",
            "payment_method_types_no_longer_supported",
            (
                "The parameter `payment_method_types` is no longer supported. Use `allowed_payment_method_types` or "
                "`excluded_payment_method_types` instead."
            ),
        ),
        (
            PAYMENT,
            [*MONEY, ("automatic_payment_methods[foo]", "1")],
            "automatic_payment_methods[foo]",
            "parameter_unknown",
            "Received unknown parameter: automatic_payment_methods[foo]",
        ),
        (
            PAYMENT,
            [*MONEY, ("automatic_payment_methods[allow_redirects]", "never")],
            "automatic_payment_methods[enabled]",
            "parameter_missing",
            "Missing required param: automatic_payment_methods[enabled].",
        ),
        (PAYMENT, [*MONEY, ("automatic_payment_methods", "yes")], "automatic_payment_methods", None, "Invalid object"),
        (PAYMENT, [*MONEY, ("expand", "latest_charge")], "expand", None, "Invalid array"),
        (PAYMENT, [*MONEY, ("expand[first]", "latest_charge")], "expand", None, "Invalid array"),
        (PAYMENT, [*MONEY, ("customer[id]", "cus_1")], "customer", None, "Invalid string: {'id': 'cus_1'}"),
        (REFUND, [("reason", "nah")], "reason", None, None),
        (SUBSCRIPTION, [("items[0][quantity]", "two")], "items[0][quantity]", "parameter_invalid_integer", None),
        (CUSTOMER, [("coupon", "free")], "coupon", "parameter_unknown", None),
        (CUSTOMER, [("metadata", "x")], "metadata", None, "Invalid object"),
        (CUSTOMER, [("metadata[a][b]", "x")], "metadata[a]", None, None),
        (
            ("POST", "/v1/tax_rates"),
            [("display_name", "VAT"), ("inclusive", "true"), ("percentage", "a lot")],
            "percentage",
            None,
            "Invalid decimal: a lot",
        ),
        (
            ("POST", "/v1/prices"),
            [("currency", "usd"), ("unit_amount_decimal", "1e3")],
            "unit_amount_decimal",
            None,
            "Invalid decimal: 1e3",
        ),
        (
            ("POST", "/v1/accounts/acct_1/external_accounts"),
            [("external_account[object]", "bank_account"), ("external_account[foo]", "1")],
            "external_account[foo]",
            "parameter_unknown",
            None,
        ),
        (("GET", "/v1/customers/cus_1"), [("limit", "3")], "limit", "parameter_unknown", None),
    ],
)
def test_an_invalid_request_is_refused_by_name(contract, endpoint, pairs, param, code, message):
    """
    The refusal has the parameter's full name, and Stripe's code and words where they are known.
    """
    with pytest.raises(RequestRefused) as refused:
        contract.find(*endpoint).decode(pairs)

    assert (refused.value.param, refused.value.code) == (param, code)
    assert refused.value.message == (message or refused.value.message)


@pytest.mark.parametrize("name", ["amount", "currency", "confirm", "capture_method", "customer", "shipping", "expand"])
def test_what_cannot_be_unset_is_not_emptied(contract, name):
    """
    An empty text asks to unset a parameter; most cannot be unset.
    """
    with pytest.raises(RequestRefused, match=f"You passed an empty string for '{name}'") as refused:
        contract.find(*PAYMENT).decode([*MONEY, (name, "")])

    assert (refused.value.param, refused.value.code) == (name, "parameter_invalid_empty")


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ({"k" * 40: "v" * 500}, None),
        ({f"key {number}": "v" for number in range(50)}, None),
        ({"k" * 41: "v"}, f"metadata[{'k' * 41}]"),
        ({"key": "v" * 501}, "metadata[key]"),
        ({f"key {number}": "v" for number in range(51)}, "metadata"),
    ],
    ids=["largest", "most", "long key", "long value", "too many"],
)
def test_metadata_has_limits(contract, metadata, param):
    """
    50 keys of 40 characters, with values of 500, and not one more.
    """
    assert _refused_param(contract, [(f"metadata[{key}]", value) for key, value in metadata.items()]) == param


def test_a_hash_of_one_kind_has_the_limits_of_metadata_only_when_it_is_metadata(contract):
    """
    Other hashes with free keys take long values.
    """
    operation = contract.find("POST", "/v1/billing/meter_events")

    values = operation.decode([("event_name", "fix"), ("payload[note]", "v" * 501)])

    assert len(values["payload"]["note"]) == 501


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"event_name": "fix", "payload": {"value": "1"}}, None),
        ({"event_name": "fix", "payload": {"value": 1}}, "payload[value]"),
        ({"event_name": 7, "payload": {}}, "event_name"),
        ({"event_name": None, "payload": {}}, "event_name"),
        ({"payload": {}}, "event_name"),
        ({"event_name": "fix", "payload": []}, "payload"),
        ([], ""),
    ],
)
def test_json_is_held_to_the_same_types(contract, document, param):
    """
    Bodies of v2 are JSON: the same parameters, whose values have their types already.
    """
    assert _refused_param(contract, document, path="/v2/billing/meter_events", decode="decode_json") == param


def _refused_param(contract, content, *, path="/v1/customers", decode="decode"):
    try:
        getattr(contract.find("POST", path), decode)(content)
    except RequestRefused as refusal:
        return refusal.param
    return None


def test_null_is_taken_where_json_may_clear_a_value(contract):
    """
    In v2 a null removes a key of metadata; a form has no nulls.
    """
    operation = contract.find("POST", "/v2/money_management/transactions/trxn_1")

    assert operation.decode_json({"metadata": {"gone": None}}) == {"metadata": {"gone": None}}

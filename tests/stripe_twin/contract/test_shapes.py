"""
What Stripe's objects look like.
"""

import pytest

from stripe_twin.contract.kinds import ClassName, Kind
from stripe_twin.contract.sdk import Sdk

DELETED = {"id": "cus_1", "object": "customer", "deleted": True}
PAGE = {"object": "list", "data": [], "has_more": False, "url": "/v1/charges"}


def test_a_whole_object_with_all_it_carries_is_clean(contract, payment_intent):
    """
    Nested hashes, lists, expanded objects and enumerations are followed, and nothing is found.
    """
    assert contract.object_problems(payment_intent) == []


def test_a_deleted_object_is_clean_with_three_fields(contract, payment_intent):
    """
    What is deleted keeps its id and its kind, also where it is expanded.
    """
    payment_intent["customer"] = DELETED

    assert contract.object_problems(DELETED) == []
    assert contract.object_problems(payment_intent) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": "2900"}, "amount: is '2900', must be int"),
        ({"amount": 29.0}, "amount: is 29.0, must be int"),
        ({"amount": True}, "amount: is True, must be int"),
        ({"amount": None}, "amount: is None, must be int"),
        ({"livemode": 0}, "livemode: is 0, must be bool"),
        ({"currency": 7}, "currency: is 7, must be str"),
        ({"status": "charged"}, "status: is 'charged', must be failed, pending or succeeded"),
        ({"invoice": "in_1"}, "invoice: is unknown"),
        ({"billing_details": None}, "billing_details: is None, must be an object"),
        ({"billing_details": []}, "billing_details: is a list, must be an object"),
        ({"metadata": {"a": 1}}, "metadata.a: is 1, must be str"),
        ({"metadata": "none"}, "metadata: is 'none', must be an object"),
        (
            {"payment_method_details": {"type": "card", "card": {"foo": 1}}},
            "payment_method_details.card.foo: is unknown",
        ),
        ({"refunds": {**PAGE, "data": [{"object": "charge"}]}}, "refunds.data[0].object: is 'charge', must be refund"),
        ({"refunds": {**PAGE, "data": None}}, "refunds.data: is None, must be a list"),
        ({"refunds": {**PAGE, "total": 1}}, "refunds.total: is unknown"),
        ({"customer": {**DELETED, "name": "Jenny"}}, "customer.created: is missing"),
        ({"customer": 7}, "customer: is 7, must be str, an object or null"),
        ({"source": {"object": "coupon"}}, "source.object: is 'coupon', must be account, bank_account, card or source"),
    ],
)
def test_what_departs_from_the_shape_is_named(contract, charge, change, problem):
    """
    Wrong types, foreign words, unknown and missing fields are found at any depth, with their place.
    """
    problems = contract.object_problems(charge | change)

    assert problem in [str(found) for found in problems]


def test_a_field_that_must_be_there_is_missed(contract, charge):
    """
    Fields that are never null are always there; what may be null may be left out.
    """
    del charge["paid"], charge["description"]

    assert [str(problem) for problem in contract.object_problems(charge)] == ["paid: is missing"]


@pytest.mark.parametrize(
    "value", [None, [], "pi_1", {}, {"object": None}, {"object": ["charge"]}, {"object": "usage_record"}]
)
def test_what_is_no_object_of_stripe_is_a_problem(contract, value):
    """
    Every object names itself by a word that Stripe has.
    """
    assert len(contract.object_problems(value)) == 1


@pytest.mark.parametrize(
    "page",
    [
        PAGE | {"data": [DELETED]},
        {"object": "search_result", "data": [DELETED], "has_more": True, "url": "/v1/x", "next_page": "p"},
        {"data": [], "next_page_url": None, "previous_page_url": None},
    ],
)
def test_a_page_is_checked_with_the_objects_on_it(contract, page):
    """
    Lists, search results and the pages of v2 are clean when everything on them is.
    """
    broken = page | {"data": [DELETED, {"object": "customer"}]}

    assert contract.page_problems(page) == []
    assert {problem.path.split(".")[0] for problem in contract.page_problems(broken)} == {"data[1]"}


def test_an_answer_must_be_of_the_class_its_endpoint_gives(contract, charge):
    """
    A clean charge is no answer where a payment intent is promised.
    """
    right, wrong = contract.find("GET", "/v1/charges/ch_1"), contract.find("GET", "/v1/payment_intents/pi_1")

    assert right.answer_problems(charge) == []
    assert "object: is 'charge', must be payment_intent" in [str(found) for found in wrong.answer_problems(charge)]


def test_an_error_is_checked_with_the_objects_in_it(contract, payment_intent):
    """
    A decline carries its payment intent, which must be as clean as any.
    """
    error = {"type": "card_error", "code": "card_declined", "payment_intent": payment_intent}
    broken = error | {"payment_intent": payment_intent | {"charges": []}}

    assert contract.error_problems(error) == []
    assert [problem.path for problem in contract.error_problems(broken)] == ["payment_intent.charges"]


class Samples:
    """
    The smallest objects the SDK's classes allow.
    """

    def __init__(self) -> None:
        self.sdk = Sdk()

    def of_class(self, name: ClassName) -> dict:
        """
        Give an object with its obligatory fields only.
        """
        fields = self.sdk.fields(name).items()
        return {word: self.of_kind(field.kind) for word, field in fields if field.required}

    def of_kind(self, kind: Kind) -> object:
        """
        Give a value of a kind, the simplest there is.
        """
        simple = {"str": "text", "int": 7, "bool": False, "float": 0.5, "decimal": "0.50", "int64": "7", "any": {}}
        page = {"object": "list", "data": [], "has_more": False, "url": "/v1/x"}
        candidates = [
            *kind.words,
            *(simple[scalar] for scalar in kind.scalars),
            *([] for _ in kind.items),
            *({} for _ in kind.values),
            *(page for _ in kind.pages),
        ]
        return candidates[0] if candidates else self.of_class(kind.records[0])


def test_every_object_of_the_api_is_clean_when_whole_and_unclean_when_not(contract):
    """
    For all classes: obligatory fields suffice, none of them can be left out or be something else, none can be added.
    """
    samples = Samples()
    named = {word: name for word, name in samples.sdk.object_classes.items() if word not in {"list", "search_result"}}
    whole = {word: samples.of_class(name) for word, name in named.items() if "object" in samples.sdk.fields(name)}

    cut = [(word, one) for word, sample in whole.items() for one in sample if one != "object"]
    missing = [contract.object_problems({k: v for k, v in whole[word].items() if k != one}) for word, one in cut]
    mistyped = [contract.object_problems(whole[word] | {one: object}) for word, one in cut]

    assert len(whole) > 150
    assert {word: problems for word, sample in whole.items() if (problems := contract.object_problems(sample))} == {}
    assert [found[0].path for found in missing if len(found) == 1] == [one for _, one in cut]
    assert [found[0].path for found in mistyped if len(found) == 1] == [one for _, one in cut]
    assert all(contract.object_problems(sample | {"unheard_of": 1}) for sample in whole.values())

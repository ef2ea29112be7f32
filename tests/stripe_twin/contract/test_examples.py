"""
Stripe's own example requests: all are accepted, and each is refused again when one thing in it is made wrong.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from stripe_twin.contract import Contract, Operation, RequestRefused
from stripe_twin.contract.kinds import ANYTHING, TEXT, ClassName, Field, Kind
from stripe_twin.contract.sdk import Sdk

MULTIPART = "/v1/files"  # the one upload: its body is no form


@dataclass(frozen=True)
class Mutation:
    """
    An accepted request with one thing wrong, and the parameter that a refusal must name.
    """

    rule: str
    method: str
    path: str
    pairs: tuple[tuple[str, str], ...]
    param: str


def refusal(contract: Contract, mutation: Mutation) -> str | None:
    """
    Name the parameter that the contract refuses, or None.
    """
    operation = contract.find(mutation.method, mutation.path)
    assert operation is not None
    try:
        operation.decode(mutation.pairs)
    except RequestRefused as refused:
        return refused.param
    return None


def mutations(sdk: Sdk, example, operation: Operation) -> Iterator[Mutation]:
    """
    Break a request in every way that is one change: something added, something left out, a value of another kind.
    """
    pairs = example.pairs
    fields = sdk.fields(operation.route.parameters.records[0])
    given = {name.partition("[")[0] for name, _ in pairs}

    def without(word: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in pairs if name.partition("[")[0] != word]

    def mutation(rule: str, changed: list[tuple[str, str]], param: str) -> Mutation:
        return Mutation(rule, example.method, example.path, tuple(changed), param)

    yield mutation("unknown", [*pairs, ("unheard_of", "1")], "unheard_of")
    for word in sorted(given):
        kind = fields[word].kind
        is_nested = bool(kind.items or kind.values or kind.records)
        if fields[word].required:
            yield mutation("required", without(word), word)
        if any(name.startswith(f"{word}[") for name, _ in pairs) and kind.records:
            yield mutation("unknown", [*pairs, (f"{word}[unheard_of]", "1")], f"{word}[unheard_of]")
        if not kind.scalars & {"str", "any"}:
            rule = "nested" if is_nested else "scalars" if kind.scalars else "words"
            yield mutation(rule, [*without(word), (word, "unheard-of")], word)
        if not is_nested and "any" not in kind.scalars:
            yield mutation("single", [*without(word), (f"{word}[unheard_of]", "1")], word)


@pytest.fixture(scope="module")
def broken(contract, examples) -> list[Mutation]:
    """
    Every mutation of every example that has a form or a query string.
    """
    sdk = Sdk()
    return [
        mutation
        for example in examples
        if not example.is_json and example.path != MULTIPART
        if (operation := contract.find(example.method, example.path)) is not None
        for mutation in mutations(sdk, example, operation)
    ]


def accepts(contract: Contract, example) -> bool:
    """
    Tell whether an example finds its endpoint and is decoded there.
    """
    operation = contract.find(example.method, example.path)
    if operation is None:
        return False
    try:
        operation.decode_json(json.loads(example.body)) if example.is_json else operation.decode(example.pairs)
    except RequestRefused:
        return False
    return True


def test_all_of_stripes_own_requests_are_accepted_but_the_upload(contract, examples):
    """
    Over five hundred requests find their endpoint and are decoded; only the multipart upload is not a form.
    """
    refused = [example for example in examples if not accepts(contract, example)]

    assert len(examples) >= 500
    assert [(example.method, example.path) for example in refused] == [("post", MULTIPART)]


def test_every_mutation_is_refused_by_the_name_of_what_is_wrong(contract, broken):
    """
    One change makes each of them invalid, and the refusal names it.
    """
    wrongly = [(mutation, found) for mutation in broken if (found := refusal(contract, mutation)) != mutation.param]

    assert len(broken) >= 1000
    assert {mutation.rule for mutation in broken} == {"unknown", "required", "words", "nested", "scalars", "single"}
    assert wrongly == []


class LaxSdk(Sdk):
    """
    A reading of the SDK with one rule switched off.
    """

    def __init__(self, loosen: Callable[[dict[str, Field]], dict[str, Field]]) -> None:
        super().__init__()
        self._loosen = loosen

    def fields(self, name: ClassName) -> dict[str, Field]:
        """
        Read the fields, then forget the rule.
        """
        return self._loosen(super().fields(name))


def _optional(fields: dict[str, Field]) -> dict[str, Field]:
    return {word: replace(field, required=False) for word, field in fields.items()}


def _opened(fields: dict[str, Field]) -> dict[str, Field]:
    return {word: replace(field, kind=_open(field.kind)) for word, field in fields.items()}


def _open(kind: Kind) -> Kind:
    return replace(kind, scalars=kind.scalars | TEXT.scalars) if any(kind.words) else kind


def _textual(fields: dict[str, Field]) -> dict[str, Field]:
    return {word: replace(field, kind=TEXT if field.kind.scalars else field.kind) for word, field in fields.items()}


def _anything(fields: dict[str, Field]) -> dict[str, Field]:
    return {word: replace(field, kind=ANYTHING) for word, field in fields.items()}


@pytest.mark.parametrize(
    ("loosen", "rules"),
    [
        (_optional, {"required"}),
        (_opened, {"words"}),
        (_textual, {"scalars"}),
        (lambda fields: fields | {"unheard_of": Field(TEXT, required=False)}, {"unknown"}),
        (_anything, {"unknown", "words", "nested", "scalars", "single"}),
    ],
    ids=["nothing is required", "words are open", "text for numbers", "unknown is known", "anything goes"],
)
def test_a_contract_without_one_rule_lets_mutations_through(broken, loosen, rules):
    """
    Planted bug: each rule that is switched off is missed by its own mutations, and by no others.
    """
    lax = Contract(LaxSdk(loosen))

    assert {mutation.rule for mutation in broken if refusal(lax, mutation) is None} == rules

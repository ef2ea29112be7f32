"""
Whether the installed SDK can be read to its last annotation, and how its annotations are understood.
"""

import ast

import pytest
import stripe

from stripe_twin.contract.kinds import ANYTHING, NULL, TEXT, ClassName, Kind
from stripe_twin.contract.modules import Module
from stripe_twin.contract.routes import Routes
from stripe_twin.contract.sdk import Sdk

INTEGER = Kind(scalars=frozenset({"int"}))


def classes_of(kinds: list[Kind]) -> set[ClassName]:
    """
    Name the classes in kinds, however deep in lists, hashes and pages.
    """
    inner = [deeper for kind in kinds for deeper in (*kind.items, *kind.values, *(page.item for page in kind.pages))]
    found = {name for kind in kinds for name in kind.records}
    return found | classes_of(inner) if inner else found


def reachable(sdk: Sdk, kinds: list[Kind]) -> set[ClassName]:
    """
    Read the fields of every class that can be reached from kinds.
    """
    seen: set[ClassName] = set()
    news = classes_of(kinds)
    while news:
        seen |= news
        news = classes_of([field.kind for name in news for field in sdk.fields(name).values()]) - seen
    return seen


def test_every_parameter_of_every_endpoint_can_be_read():
    """
    No annotation is met, in over four thousand typed dictionaries, that the reader does not know.
    """
    sdk = Sdk()

    assert len(reachable(sdk, [route.parameters for route in Routes(sdk)])) > 4000


def test_every_field_of_every_object_and_event_can_be_read():
    """
    No annotation is met, in over three thousand classes of objects, that the reader does not know.
    """
    sdk = Sdk()
    names = (*sdk.object_classes.values(), *sdk.event_classes.values())
    lists = {name for name in names if name.name in {"ListObject", "SearchResultObject"}}

    assert len(reachable(sdk, [Kind(records=tuple(set(names) - lists))])) > 3000


def test_the_contract_is_of_the_version_that_the_sdk_sends():
    """
    The version read from the source is the one the SDK pins.
    """
    assert Sdk().api_version == stripe.api_version


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("int", INTEGER),
        ("Optional[int]", INTEGER | NULL),
        ("NotRequired['int|None']", INTEGER | NULL),
        ("Any", ANYTHING),
        ("Literal['a', 'b']", Kind(words=("a", "b"))),
        ("Union[Literal['a', 'b'], str]", Kind(words=("a", "b"))),
        ('\'Literal["", "a"]|str\'', Kind(words=("", "a"))),
        ("Union[Literal[''], str]", Kind(words=("",), scalars=frozenset({"str"}))),
        ("Union[int, Literal['now'], str]", Kind(words=("now",), scalars=frozenset({"int"}))),
        ("List[str]", Kind(items=(TEXT,))),
        ("'Dict[str, str]|UntypedStripeObject[str]'", Kind(values=(TEXT,))),
        ("ExpandableField['Charge']", TEXT | Kind(records=(ClassName("stripe._charge", "Charge"),))),
    ],
)
def test_an_annotation_is_understood_as_a_kind(annotation, kind):
    """
    Unions merge, open lists of words are closed, and the empty word only empties.
    """
    module = Module("here", imports={"Charge": ClassName("stripe._charge", "Charge")})

    assert Sdk().kind(ast.parse(annotation, mode="eval").body, module) == kind


@pytest.mark.parametrize("annotation", ["Tuple[int]", "typing.List", "Nobody", "lambda: 1"])
def test_an_annotation_that_is_not_known_is_said(annotation):
    """
    An SDK of tomorrow may annotate otherwise: that fails loudly rather than letting everything through.
    """
    with pytest.raises(NotImplementedError, match="here: no reading of the annotation"):
        Sdk().kind(ast.parse(annotation, mode="eval").body, Module("here"))

"""
The installed SDK, read as text: its routes' files, its classes' fields, its tables. Nothing of it is imported.

Reading costs a few milliseconds a file, importing the whole SDK seconds; so files are read when first asked for.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from stripe_twin.contract.kinds import ANYTHING, NULL, TEXT, ClassName, Field, Kind, Page, Scalar, sum_of
from stripe_twin.contract.modules import Module, assigned, class_table, literal_table, read_module


class Sdk:
    """
    The SDK's source, file by file.
    """

    def __init__(self) -> None:
        spec = find_spec("stripe")
        assert spec is not None, "the contract is read from the stripe package, which is not installed"
        assert spec.origin is not None, "the contract is read from the source of the stripe package"
        self._root = Path(spec.origin).parent
        self._modules: dict[str, Module] = {}
        self._fields: dict[ClassName, dict[str, Field]] = {}

    @cached_property
    def api_version(self) -> str:
        """
        Tell the version of the API this SDK was generated for, and sends with every request.
        """
        body = self.module("stripe._api_version").classes["_ApiVersion"].body
        return str(ast.literal_eval(assigned(body)["CURRENT"]))

    @cached_property
    def object_classes(self) -> dict[str, ClassName]:
        """
        Tell the class of every object, by the word in its `object` field.
        """
        tables = self.module("stripe._object_classes").tables
        return class_table(tables["OBJECT_CLASSES"]) | class_table(tables["V2_OBJECT_CLASSES"])

    @cached_property
    def event_classes(self) -> dict[str, ClassName]:
        """
        Tell the class of every thin event, by its type.
        """
        return class_table(self.module("stripe.events._event_classes").tables["_V2_EVENT_CLASS_LOOKUP"])

    def subject(self, event_type: str) -> ClassName | None:
        """
        Tell the class of what a snapshot event is about, as far as its thin counterpart says so.
        """
        name = self.event_classes.get(f"v1.{event_type}")
        if name is None:
            return None
        module = self.module(name.module)
        for statement in module.classes[name.name].body:
            if (
                isinstance(statement, ast.FunctionDef)
                and statement.name == "fetch_related_object"
                and statement.returns
            ):
                return next(iter(self.kind(statement.returns, module).records), None)
        return None

    def services(self) -> Iterator[Module]:
        """
        Read all files in which the SDK calls the API.
        """
        for path in sorted(self._root.rglob("*_service.py")):
            yield self.module(".".join(("stripe", *path.relative_to(self._root).with_suffix("").parts)))

    def module(self, name: str) -> Module:
        """
        Read one file, once.
        """
        if name not in self._modules:
            path = self._root.joinpath(*name.split(".")[1:])
            self._modules[name] = read_module(name, path / "__init__.py" if path.is_dir() else path.with_suffix(".py"))
        return self._modules[name]

    def fields(self, name: ClassName) -> dict[str, Field]:
        """
        Tell the fields of a class with those it inherits, as they are called on the wire.
        """
        if name not in self._fields:
            module = self.module(name.module)
            is_call = name.name in module.tables
            self._fields[name] = dict(
                self._called_fields(module, name) if is_call else self._class_fields(module, name)
            )
        return self._fields[name]

    def _class_fields(self, module: Module, name: ClassName) -> Iterator[tuple[str, Field]]:
        definition = module.classes[name.name]
        for base in definition.bases:
            inherited = module.resolve(base.id) if isinstance(base, ast.Name) else None
            if inherited is not None and inherited.module.startswith("stripe.") and inherited.name != _REQUEST_OPTIONS:
                yield from self.fields(inherited).items()
        tables = assigned(definition.body)
        wire_names = literal_table(tables.get("_field_remappings"))
        encodings = literal_table(tables.get("_field_encodings"))
        for statement in definition.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=word), annotation=annotation) if _is_field(word, annotation):
                    field = self._field(annotation, module, name.name)
                    if encodings.get(word) == "int64_string":
                        field = Field(Kind(scalars=frozenset({"int64"}), nullable=field.kind.nullable), field.required)
                    yield wire_names.get(word, word), field

    def _called_fields(self, module: Module, name: ClassName) -> Iterator[tuple[str, Field]]:
        """
        Read a typed dictionary that is written as a call, because one of its keys is a keyword of Python.
        """
        match module.tables[name.name]:
            case ast.Call(args=[_, ast.Dict(keys=keys, values=annotations)]):
                for key, annotation in zip(keys, annotations, strict=True):
                    assert key is not None, "typed dictionaries unpack nothing"
                    yield str(ast.literal_eval(key)), self._field(annotation, module, "")

    def _field(self, annotation: ast.expr, module: Module, scope: str) -> Field:
        kind = self.kind(annotation, module, scope)
        return Field(kind, required=not kind.nullable and _head(annotation) != "NotRequired")

    def kind(self, node: ast.expr, module: Module, scope: str = "") -> Kind:
        """
        Read an annotation that stands in *module*, inside the class *scope*.
        """
        match node:
            case ast.Constant(value=None):
                return NULL
            case ast.Constant(value=str() as text):
                return self.kind(ast.parse(text, mode="eval").body, module, scope)
            case ast.BinOp(left=left, right=right):
                return self.kind(left, module, scope) | self.kind(right, module, scope)
            case ast.Subscript(value=ast.Name(id=head), slice=inner):
                return self._generic(head, inner.elts if isinstance(inner, ast.Tuple) else [inner], module, scope)
            case ast.Name(id=word) if word in _NAMED:
                return _NAMED[word]
            case ast.Name(id=word) if name := module.resolve(word, scope):
                return Kind(records=(name,))
        raise _unknown(node, module)

    def _generic(self, head: str, arguments: list[ast.expr], module: Module, scope: str) -> Kind:
        if head == "Literal":
            return Kind(words=tuple(ast.literal_eval(word) for word in arguments))
        kinds = [self.kind(argument, module, scope) for argument in arguments]
        if head in _GENERIC:
            return _GENERIC[head](kinds)
        name = module.resolve(head)
        if name is None or name.module not in _PAGES:
            raise _unknown(ast.Name(head), module)
        return Kind(pages=(Page(_PAGES[name.module], kinds[0]),))


def _is_field(word: str, annotation: ast.expr) -> bool:
    return not word.startswith("_") and _head(annotation) != "ClassVar"


def _head(annotation: ast.expr) -> str | None:
    match annotation:
        case ast.Subscript(value=ast.Name(id=head)):
            return head
    return None


def _unknown(node: ast.expr, module: Module) -> NotImplementedError:
    return NotImplementedError(f"{module.name}: no reading of the annotation {ast.unparse(node)} is known")


def _scalar(name: Scalar) -> Kind:
    return Kind(scalars=frozenset({name}))


_REQUEST_OPTIONS = "RequestOptions"  # settings of the SDK itself (key, version, retries), inherited by parameters
_NAMED = {
    "Any": ANYTHING,
    "bool": _scalar("bool"),
    "int": _scalar("int"),
    "float": _scalar("float"),
    "Decimal": _scalar("decimal"),
    "str": TEXT,
}
_GENERIC: dict[str, Callable[[list[Kind]], Kind]] = {
    "NotRequired": sum_of,
    "Optional": lambda kinds: kinds[0] | NULL,
    "ExpandableField": lambda kinds: TEXT | kinds[0],
    "Union": sum_of,
    "List": lambda kinds: Kind(items=(kinds[0],)),
    "Dict": lambda kinds: Kind(values=(kinds[1],)),
    "UntypedStripeObject": lambda kinds: Kind(values=(kinds[0],)),
}
_PAGES = {
    "stripe._list_object": "list",
    "stripe._search_result_object": "search_result",
    "stripe.v2._list_object": "v2",
}

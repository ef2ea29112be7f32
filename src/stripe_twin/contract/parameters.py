"""
Parameters: what a request says, decoded to typed values or refused by the name of what is wrong.

Every kind becomes a closure, built when first needed; a request costs only the closures its parameters touch.
The same closures take JSON (v2), whose values have types already.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from stripe_twin.contract import limits, refusals
from stripe_twin.contract.kinds import ClassName, Kind, Scalar
from stripe_twin.contract.refusals import RequestRefused
from stripe_twin.contract.sdk import Sdk

Decoder: TypeAlias = Callable[[Any, str], Any]

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_POSITION = re.compile(r"[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


class Parameters:
    """
    The decoders of one SDK's parameters, each built once.
    """

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self._hashes: dict[ClassName, Decoder] = {}

    def decoder(self, kind: Kind) -> Decoder:
        """
        Build the decoder of a kind: it takes the raw value and the parameter's full name.
        """
        text, listed, hashed = self._text(kind), self._list(kind), self._hash(kind)

        def decode(raw: Any, name: str) -> Any:
            if type(raw) is dict:
                if hashed is not None:
                    return hashed(raw, name)
                if listed is not None:
                    return listed(_by_position(raw, name), name)
            elif type(raw) is list and listed is not None:
                return listed(raw, name)
            elif raw is None and kind.nullable:
                return None
            if text is not None:
                return text(raw, name)
            if raw == "":
                raise refusals.empty(name)
            raise refusals.invalid("object" if hashed is not None else "array", name)

        return decode if listed is not None or hashed is not None or text is None or kind.nullable else text

    def _text(self, kind: Kind) -> Decoder | None:
        """
        Build the decoder of a single value: a word of the list first, then the widest type that is allowed.
        """
        scalar = next((_SCALARS[word] for word in _PRECEDENCE if word in kind.scalars), None)
        words = kind.words
        if not words:
            return scalar
        known = frozenset(words)

        def decode(raw: Any, name: str) -> Any:
            if type(raw) is str:
                if raw in known:
                    return raw
                if raw == "":
                    raise refusals.empty(name)
            if scalar is not None:
                return scalar(raw, name)
            if known == {""}:
                raise refusals.invalid("object" if kind.records or kind.values else "array", name)
            raise refusals.not_among(name, words)

        return decode

    def _list(self, kind: Kind) -> Decoder | None:
        if not kind.items:
            return None
        item = self.decoder(kind.items[0])

        def decode(raw: list[Any], name: str) -> list[Any]:
            return [item(value, f"{name}[{position}]") for position, value in enumerate(raw)]

        return decode

    def _hash(self, kind: Kind) -> Decoder | None:
        if kind.values:
            value = self.decoder(kind.values[0])

            def decode_map(raw: dict[str, Any], name: str) -> dict[str, Any]:
                return {key: "" if one == "" else value(one, f"{name}[{key}]") for key, one in raw.items()}

            return decode_map
        if len(kind.records) > 1:
            return self._variants(kind.records)
        return self.hash_decoder(kind.records[0]) if kind.records else None

    def _variants(self, names: tuple[ClassName, ...]) -> Decoder:
        """
        Decode a hash that may be of several classes: whichever takes it.

        When none does, the refusal comes from one that at least has the right `object` word, if there is such.
        """
        decoders = [self.hash_decoder(name) for name in names]

        def decode(raw: dict[str, Any], name: str) -> Any:
            refused: list[RequestRefused] = []
            for one in decoders:
                try:
                    return one(raw, name)
                except RequestRefused as refusal:
                    refused.append(refusal)
            raise next((refusal for refusal in refused if refusal.param != f"{name}[object]"), refused[0])

        return decode

    def hash_decoder(self, name: ClassName) -> Decoder:
        """
        Build the decoder of a typed dictionary; its fields are read when the first value comes.
        """
        known = self._hashes.get(name)
        if known is not None:
            return known
        built: list[Decoder] = []

        def decode(raw: dict[str, Any], path: str) -> Any:
            if not built:
                built.append(self._record(name))
            return built[0](raw, path)

        self._hashes[name] = decode
        return decode

    def _record(self, name: ClassName) -> Decoder:
        """
        Build the decoder of a typed dictionary: what is unknown is refused first, then what is wrong, then what lacks.
        """
        fields = self._sdk.fields(name)
        decoders = {word: limits.guarded(word, self.decoder(field.kind)) for word, field in fields.items()}
        required = [word for word, field in fields.items() if field.required]

        def decode(raw: dict[str, Any], path: str) -> dict[str, Any]:
            values: dict[str, Any] = {}
            for word, value in raw.items():
                decoder = decoders.get(word)
                if decoder is None:
                    raise refusals.unknown([_within(path, other) for other in raw if other not in decoders])
                values[word] = decoder(value, f"{path}[{word}]" if path else word)
            for word in required:
                if word not in values:
                    raise refusals.missing(_within(path, word))
            return values

        return decode


def _within(path: str, word: str) -> str:
    return f"{path}[{word}]" if path else word


def _by_position(raw: dict[str, Any], name: str) -> list[Any]:
    if not all(_POSITION.fullmatch(key) for key in raw):
        raise refusals.invalid("array", name)
    return [raw[key] for key in sorted(raw, key=int)]


def _boolean(raw: Any, name: str) -> bool:
    if raw is True or raw == "true":
        return True
    if raw is False or raw == "false":
        return False
    raise refusals.empty(name) if raw == "" else refusals.invalid("boolean", name, raw)


def _integer(raw: Any, name: str) -> int:
    if type(raw) is int:
        return raw
    if type(raw) is str and _INTEGER.fullmatch(raw):
        return int(raw)
    raise refusals.empty(name) if raw == "" else refusals.invalid("integer", name, raw)


def _float(raw: Any, name: str) -> float:
    if type(raw) in {int, float}:
        return float(raw)
    if type(raw) is str and _DECIMAL.fullmatch(raw):
        return float(raw)
    raise refusals.empty(name) if raw == "" else refusals.invalid("decimal", name, raw)


def _decimal(raw: Any, name: str) -> str:
    text = str(raw) if type(raw) in {int, float} else raw
    if type(text) is str and _DECIMAL.fullmatch(text):
        return text
    raise refusals.empty(name) if raw == "" else refusals.invalid("decimal", name, raw)


def _string(raw: Any, name: str) -> str:
    if type(raw) is str and raw:
        return raw
    raise refusals.empty(name) if raw == "" else refusals.invalid("string", name, raw)


def _as_it_is(raw: Any, _name: str) -> Any:
    return raw


_SCALARS: dict[Scalar, Decoder] = {
    "any": _as_it_is,
    "bool": _boolean,
    "int": _integer,
    "int64": _integer,
    "float": _float,
    "decimal": _decimal,
    "str": _string,
}
_PRECEDENCE: tuple[Scalar, ...] = ("any", "bool", "int", "float", "decimal", "str")

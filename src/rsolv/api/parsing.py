"""
From bytes to typed values, and every way in which that can fail.
"""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from rsolv.api.errors import WireRefusal

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PLACE = re.compile(r" - at `(?P<place>[^`]*)`$")
_TYPES = re.compile(r"^Expected `(?P<wanted>[^`]*)`, got `[^`]*`$")
_WORDS = {"int": "a whole number", "str": "text", "bool": "true or false", "object": "an object", "array": "a list"}
_FIELD = re.compile(r"(?:missing required|unknown) field `(?P<field>[^`]*)`")
_WEIGHT = re.compile(r"([01])(?:\.([0-9]{0,3}))?")
QUERY_PARAMETERS_AT_MOST = 50
CURSOR_MAX = 2**63 - 1


def parse_body(decoder: "msgspec.json.Decoder[Any]", body: bytes, content_type: bytes) -> Any:  # noqa: ANN401 -- the decoder decides
    """
    Decode a JSON body into the operation's shape.

    Raises:
        WireRefusal: 415 for another content type, 400 for what is not JSON, 422 for JSON of another shape.
    """
    media_type = content_type.split(b";", 1)[0].strip().lower()
    if media_type not in (b"", b"application/json") and not media_type.endswith(b"+json"):
        raise WireRefusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send JSON, with Content-Type: application/json.",
        )
    try:
        body.decode("utf-8")
        value = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid_shape(str(error)) from error
    except UnicodeDecodeError as error:
        raise _malformed("The body is not valid UTF-8.") from error
    except RecursionError as error:
        raise nested_too_deeply() from error
    except msgspec.DecodeError as error:
        raise _malformed("The body is not valid JSON.") from error
    if b"\\u0000" in body and _ESCAPED_NUL.search(body):  # the first is forty times as fast
        raise invalid_fields({"body": ["must not contain NUL characters"]})
    return value


def parse_query(shape: type[Any], query_string: bytes) -> Any:  # noqa: ANN401 -- the shape decides
    """
    Read a query string into the operation's shape.

    Raises:
        WireRefusal: 422 for a parameter that is unknown, repeated, missing or of the wrong type.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_PARAMETERS_AT_MOST,
        )
    except ValueError as error:
        raise _malformed("The query string is not valid.") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise invalid_fields(
            {name: ["is given more than once"] for name, _ in pairs if [n for n, _ in pairs].count(name) > 1}
        )
    if any("\0" in value for value in parameters.values()):
        raise invalid_fields({name: ["must not contain NUL characters"] for name, value in pairs if "\0" in value})
    try:
        return msgspec.convert(parameters, shape, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_shape(str(error)) from error


def parse_cursor(cursor: str | None) -> int | None:
    """
    Read the place in a list that the page before has told.

    Raises:
        WireRefusal: 422 for what is no cursor of ours.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit()) or int(cursor) > CURSOR_MAX:
        raise invalid_fields({"cursor": ["is not a cursor of ours"]})
    return int(cursor)


def parse_path(shape: type[Any], parameters: dict[str, str]) -> Any:  # noqa: ANN401 -- the shape decides
    """
    Read what stands in the path into the operation's shape.

    Raises:
        WireRefusal: 404 for what can be no id of ours.
    """
    try:
        return msgspec.convert(parameters, shape, strict=False)
    except msgspec.ValidationError as error:
        raise unknown_path() from error


def prefers_html(accept: bytes) -> bool:
    """
    Say whether a caller would rather have a page than JSON (RFC 9110, 12.5.1); whoever does not say has JSON.
    """
    weights = dict(_media_range(part) for part in accept.decode("latin-1").lower().split(","))
    return weights.get("text/html", 0) > weights.get("application/json", weights.get("application/*", 0))


def _media_range(part: str) -> tuple[str, int]:
    """
    Read one entry of Accept as media type and weight in thousandths.
    """
    media_type, *parameters = (word.strip() for word in part.split(";"))
    weight = next((word.removeprefix("q=") for word in parameters if word.startswith("q=")), "1")
    found = _WEIGHT.fullmatch(weight)
    return media_type, int(found[1] + (found[2] or "").ljust(3, "0")) if found else 0


def unknown_path() -> WireRefusal:
    """
    Return the 404 of a path at which there is nothing.
    """
    return WireRefusal(HTTPStatus.NOT_FOUND, "unknown_path", "There is nothing at this path.")


def invalid_shape(message: str) -> WireRefusal:
    """
    Turn msgspec's sentence into a refusal that names the field.
    """
    place = _PLACE.search(message)
    field = _FIELD.search(message)
    parent = place.group("place").removeprefix("$").removeprefix(".") if place else ""
    name = ".".join(part for part in (parent, field.group("field") if field else "") if part) or "body"
    sentence = _PLACE.sub("", message)
    types = _TYPES.match(sentence)
    if types:
        wanted = [_WORDS.get(name, name) for name in types.group("wanted").split(" | ") if name != "null"]
        sentence = f"must be {' or '.join(wanted)}"
    if field:
        sentence = "is required" if "missing" in message else "is not a known field"
    return invalid_fields({name: [sentence]})


def invalid_fields(fields: dict[str, list[str]]) -> WireRefusal:
    """
    Return the 422 that says what is wrong with each field.
    """
    first = next(iter(fields))
    return WireRefusal(
        HTTPStatus.UNPROCESSABLE_ENTITY, "validation_failed", f"{first}: {fields[first][0]}", fields=fields
    )


def encoded_again(data: dict[str, Any]) -> str:
    """
    Write decoded JSON as text again.

    Raises:
        WireRefusal: it is nested too deeply.
    """
    try:
        return msgspec.json.encode(data).decode()
    except RecursionError as error:  # we stand some calls deeper than where it was decoded
        raise nested_too_deeply() from error


def nested_too_deeply() -> WireRefusal:
    """
    Return the 400 for JSON that is deeper than we can read or write.
    """
    return _malformed("The body is nested too deeply.")


def _malformed(sentence: str) -> WireRefusal:
    return WireRefusal(HTTPStatus.BAD_REQUEST, "malformed_request", sentence)

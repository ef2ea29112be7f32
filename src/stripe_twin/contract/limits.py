"""
The few limits that the SDK's types cannot say (docs.stripe.com/api/metadata, docs.stripe.com/api/idempotent_requests).
"""

from collections.abc import Callable
from typing import Any

from stripe_twin.contract.refusals import RequestRefused

METADATA_KEYS_MAX = 50
METADATA_KEY_CHARACTERS_MAX = 40
METADATA_VALUE_CHARACTERS_MAX = 500
IDEMPOTENCY_KEY_CHARACTERS_MAX = 255


def guarded(word: str, decoder: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """
    Put the limits of metadata behind the decoder of a parameter of that name; leave all others alone.
    """
    if word != "metadata":
        return decoder

    def decode(raw: Any, name: str) -> Any:
        metadata = decoder(raw, name)
        if isinstance(metadata, dict):
            _measure(metadata, name)
        return metadata

    return decode


def _measure(metadata: dict[str, Any], name: str) -> None:
    if len(metadata) > METADATA_KEYS_MAX:
        raise RequestRefused(f"Metadata can have up to {METADATA_KEYS_MAX} keys, but you passed in more.", param=name)
    for key, value in metadata.items():
        if len(key) > METADATA_KEY_CHARACTERS_MAX:
            raise RequestRefused(_too_long("keys", "a key", METADATA_KEY_CHARACTERS_MAX, key), param=f"{name}[{key}]")
        if len(value or "") > METADATA_VALUE_CHARACTERS_MAX:
            message = _too_long("values", "a value", METADATA_VALUE_CHARACTERS_MAX, value)
            raise RequestRefused(message, param=f"{name}[{key}]")


def _too_long(plural: str, singular: str, most: int, text: str) -> str:
    return (
        f"Metadata {plural} can have up to {most} characters, but you passed in {singular} that is "
        f"{len(text)} characters. Invalid {singular.removeprefix('a ')}: {text}"
    )

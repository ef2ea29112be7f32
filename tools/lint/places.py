"""
Where a file stands in the house. Rules say by these names which files they speak of.
"""

from collections.abc import Callable

from tools.lint.source import Source

Place = Callable[[Source], bool]

SURFACES = frozenset({"api", "portal", "admin", "webhooks"})
GATEWAYS = frozenset({"stripe_gateway", "mail", "forge"})
NO_NOUNS = SURFACES | GATEWAYS | {"cli", "local", "kernel"}
MONEY_ROOMS = frozenset({"ledger", "charges", "catalog", "subscriptions", "payment_methods"})


def room(source: Source) -> str:
    """
    Name the folder of src/rsolv that the file is in; "" when it is in none.
    """
    match source.path.parts:
        case ("src", "rsolv", name, _, *_):
            return name
        case _:
            return ""


def part(source: Source) -> str:
    """
    Name the file's part in its room (`service` for service.py and for service/issue_key.py); "" outside.
    """
    return source.path.parts[3].removesuffix(".py") if room(source) else ""


def in_product(source: Source) -> bool:
    """
    Python of src/rsolv.
    """
    return source.is_python and source.path.is_relative_to("src/rsolv")


def in_noun(source: Source) -> bool:
    """
    Python of a room that is a noun of the business or cuts across them: no surface, gateway or kernel.
    """
    return in_product(source) and bool(room(source)) and room(source) not in NO_NOUNS


def in_queries(source: Source) -> bool:
    """
    Where SQL lives: a file named queries.py or in a folder of that name.
    """
    return in_product(source) and (source.path.stem == "queries" or "queries" in source.path.parts)


def in_money(source: Source) -> bool:
    """
    Python of a room that counts money or credits.
    """
    return in_product(source) and room(source) in MONEY_ROOMS


def in_tests(source: Source) -> bool:
    """
    Python of tests/.
    """
    return source.is_python and source.path.is_relative_to("tests")


def is_python(source: Source) -> bool:
    """
    Any Python.
    """
    return source.is_python


def anywhere(_source: Source) -> bool:
    """
    Any text.
    """
    return True


def but(place: Place, *patterns: str) -> Place:
    """
    Leave out of *place* the paths that match one of these patterns.
    """
    return lambda source: place(source) and not any(source.path.match(pattern) for pattern in patterns)

"""
How pages are written: templates, in which everything is escaped, and how times and amounts are shown.
"""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import jinja2
import msgspec

from stripe_twin.core.exchange import Response, html_response
from stripe_twin.core.records import encoded

_WITHOUT_CENTS = frozenset({"clp", "gnf", "jpy", "krw", "pyg", "ugx", "vnd", "xaf", "xof", "xpf"})
_UNRESERVED = "%!#$&'()*+,/:;=?@[]~"


def rendered(template: str, status: int = 200, **values: object) -> Response:
    """
    Return a page made of a template.
    """
    return html_response(status, _TEMPLATES.get_template(template).render(**values))


def message_page(status: int, title: str, text: str) -> Response:
    """
    Return a page that says one thing.
    """
    return rendered("message.html", status, title=title, text=text)


def see_other(url: str) -> Response:
    """
    Send the browser on with GET.
    """
    return Response(303, headers={"location": quote(url, safe=_UNRESERVED), "cache-control": "no-store"})


def moment(seconds: int | None) -> str:
    """
    Write a time.
    """
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def amount(minor_units: int | None, currency: str | None) -> str:
    """
    Write an amount of money.
    """
    if minor_units is None or currency is None:
        return ""
    if currency in _WITHOUT_CENTS:
        return f"{minor_units:,} {currency.upper()}"
    sign, cents = "-" if minor_units < 0 else "", abs(minor_units)
    return f"{sign}{cents // 100:,}.{cents % 100:02} {currency.upper()}"


def pretty(value: object) -> str:
    """
    Write a value as indented JSON.
    """
    return msgspec.json.format(encoded(value), indent=2).decode()


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update({"moment": moment, "amount": amount, "pretty": pretty})

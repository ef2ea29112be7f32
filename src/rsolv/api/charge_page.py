"""
The page on which a customer pays one charge: no script, no request to anywhere, one button.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from rsolv.api.operation import Reply

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.55 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:14vh 1.25rem 4rem}"
    "h1{font-size:1.6rem;margin:0 0 .5rem}"
    "dl{border-block:1px solid color-mix(in srgb,currentColor 18%,transparent);margin:1.5rem 0;padding:.75rem 0}"
    "dl div{display:flex;gap:1rem;padding:.15rem 0}dt{flex:0 0 5rem}dd{margin:0;overflow-wrap:anywhere;font-weight:600}"
    ".notice{border-left:.25rem solid #b45309;padding-left:.75rem}"
    "button{background:#1d4ed8;border:0;border-radius:.5rem;color:#fff;cursor:pointer;font:inherit;font-weight:600;"
    "min-height:2.75rem;padding:.5rem 1.25rem}"
    "button:focus-visible,a:focus-visible{outline:.2rem solid #f59e0b;outline-offset:.15rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    Path(__file__).with_name("charge_page.html.j2").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    What a page says: a title and a sentence first; `button` is what pressing it does, `link` words and where they lead.
    """

    title: str
    text: str
    notice: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    button: str = ""
    after: str = ""
    link: tuple[str, str] | None = None


def charge_page(message: Message, *, address: str, status: int | None = None, retry_after_seconds: int = 0) -> Reply:
    """
    Render a page; its button posts to *address*. The address of the page is told to nobody: it is what allows to pay.
    """
    html = _TEMPLATE.render(
        title=message.title,
        text=message.text,
        notice=message.notice,
        facts=message.facts,
        button=message.button,
        after=message.after,
        link=message.link,
        address=address,
        style=_STYLE,
    )
    headers = [(b"content-security-policy", _policy(address).encode()), (b"referrer-policy", b"no-referrer")]
    if retry_after_seconds:
        headers.append((b"retry-after", str(retry_after_seconds).encode()))
    return Reply(html.encode(), status=status, headers=tuple(headers), content_type=b"text/html; charset=utf-8")


def _policy(address: str) -> str:
    # A browser holds this against each stop of the way on which the form leads, and no one knows a customer's bank.
    anywhere = "https:" if address.startswith("https:") else "https: http:"
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'self' {anywhere}; "
        "frame-ancestors 'none'"
    )

"""
The small page for who comes back from entering a card: no script, no request to anywhere.
"""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from rsolv.api.operation import Reply

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.55 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:20vh 1.25rem 4rem}"
    "h1{font-size:1.6rem;margin:0 0 .5rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = (
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
)
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    Path(__file__).with_name("return_page.html.j2").read_text(encoding="utf-8")
)


def return_page(
    title: str, text: str, *, status: int | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Reply:
    """
    Render a title and a sentence. The address of the page is told to nobody: it names a card setup.
    """
    html = _TEMPLATE.render(title=title, text=text, style=_STYLE)
    return Reply(html.encode(), status=status, headers=(*_HEADERS, *headers), content_type=b"text/html; charset=utf-8")

"""
The reference page: written by the server from the OpenAPI document, without a script or a request to anywhere.
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from rsolv.api.operation import Reply

_CSP = b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_TEMPLATE = Path(__file__).with_name("documentation.html.j2")


def documentation_page(document: dict[str, Any]) -> Reply:
    """
    Render the page once; it changes only with the program.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    html = template.render(document=document, schemas=document["components"]["schemas"])
    return Reply(html.encode(), headers=((b"content-security-policy", _CSP),), content_type=b"text/html; charset=utf-8")

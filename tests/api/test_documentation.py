"""
GET /api/docs, the reference page, and GET /api/openapi, which it is made from.
"""

from collections import Counter
from html.parser import HTMLParser

import httpx
import pytest

VOID = {"meta", "link", "br", "img", "input", "hr"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


class Page(HTMLParser):
    """
    What a page is made of, and what is wrong with how its elements are nested.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[int] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """
        Note an element and remember that it is open.
        """
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        self.headings += [HEADINGS.index(tag) + 1] if tag in HEADINGS else []
        self.open += [] if tag in VOID else [tag]
        if tag == "p" and "p" in self.open[:-1]:
            self.misnested.append("p in p")

    def handle_endtag(self, tag: str) -> None:
        """
        Close the element that is open, or note that another one is.
        """
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, text: str) -> None:
        """
        Collect what a reader sees.
        """
        self.words += text

    def values(self, name: str) -> list[str]:
        """
        Return every value of an attribute, in the order of the page.
        """
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.fixture
async def answer(client: httpx.AsyncClient) -> httpx.Response:
    """
    The answer that holds the page.
    """
    return await client.get("/api/docs")


@pytest.fixture
async def page(answer: httpx.Response) -> Page:
    """
    The page, taken apart.
    """
    return Page(answer.text)


async def test_the_page_is_for_everybody(answer: httpx.Response) -> None:
    """
    GET /api/docs is HTML in UTF-8, without a key.
    """
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.lstrip().lower().startswith("<!doctype html>")


async def test_the_page_is_well_nested(page: Page) -> None:
    """
    Every element is closed where it should be, and there is one html, head, body, main and h1.
    """
    assert page.misnested == []
    assert page.open == []
    assert [page.tags[tag] for tag in ("html", "head", "body", "main", "h1", "title")] == [1] * 6
    assert "lang" in {name for tag, name, _ in page.attributes if tag == "html"}


def test_the_check_of_nesting_notices_a_slip() -> None:
    """
    Planted: crossed, unclosed and nested elements are all noticed.
    """
    assert Page("<p><b>x</p></b>").misnested != []
    assert Page("<main><p>x</p>").open != []
    assert Page("<p><p>x</p></p>").misnested != []


async def test_headings_leave_out_no_level(page: Page) -> None:
    """
    Who jumps from heading to heading finds an outline without gaps.
    """
    steps = [after - before for before, after in zip([0, *page.headings], page.headings, strict=False)]

    assert max(steps) == 1


async def test_every_link_of_the_page_leads_somewhere(page: Page) -> None:
    """
    Anchors are unique, each link within the page meets one, and the others are paths of ours.
    """
    anchors = page.values("id")
    links = page.values("href")

    assert len(anchors) == len(set(anchors))
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)
    assert {link for link in links if not link.startswith("#")} == {"/api/openapi"}


async def test_the_page_asks_nobody_else_for_anything(answer: httpx.Response, page: Page) -> None:
    """
    No script, no picture, no address outside, and a policy that would not let the browser fetch any.
    """
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))

    assert "//" not in answer.text
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name == "src" or name.startswith("on")]
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy


async def test_the_page_names_every_operation_and_shape(client: httpx.AsyncClient, page: Page) -> None:
    """
    Every path, method, parameter and field of the OpenAPI document can be read on the page.
    """
    document = (await client.get("/api/openapi")).json()

    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    fields = [name for shape in document["components"]["schemas"].values() for name in shape.get("properties", {})]
    parameters = [parameter["name"] for operation in operations for parameter in operation["parameters"]]
    for word in [*document["paths"], *document["components"]["schemas"], *fields, *parameters]:
        assert word in page.words
    assert {operation["operationId"] for operation in operations} <= set(page.values("id"))


async def test_the_page_is_read_by_rows_with_headers(page: Page) -> None:
    """
    Every table has a caption, and every row a header that says so.
    """
    scopes = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]

    assert page.tags["table"] == page.tags["caption"]
    assert page.tags["tr"] == page.tags["th"]
    assert scopes == ["row"] * page.tags["th"]

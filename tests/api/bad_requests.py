"""
Requests that nobody should send, with what each is answered.
"""

from dataclasses import dataclass, field
from typing import Any

import httpx

from api.wire import ONBOARD, RETRIEVE, STORE, TRANSACTIONS, fix

MALFORMED = (httpx.codes.BAD_REQUEST, "malformed_request")
INVALID = (httpx.codes.UNPROCESSABLE_ENTITY, "validation_failed")
TAKEN = (httpx.codes.UNPROCESSABLE_ENTITY, "email_taken")
WRONG_METHOD = (httpx.codes.METHOD_NOT_ALLOWED, "method_not_allowed")
NO_SUCH_PATH = (httpx.codes.NOT_FOUND, "unknown_path")
WRONG_TYPE = (httpx.codes.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class BadRequest:
    """
    A request, the status and code of its refusal, and (of a 422) the field that is named.
    """

    name: str
    method: str
    path: str
    refusal: tuple[int, str]
    named: str | None = None
    sent: dict[str, Any] = field(default_factory=dict)


def post(name: str, path: str, content: bytes, refusal: tuple[int, str], named: str | None = None) -> BadRequest:
    """
    Describe a POST of these very bytes.
    """
    return BadRequest(name, "POST", path, refusal, named, {"content": content, "headers": JSON})


def store(name: str, named: str, /, **changes: object) -> BadRequest:
    """
    Describe a store that is good but for the changes; None takes the field away.
    """
    body = {field: value for field, value in (fix(7) | changes).items() if value is not None}
    return BadRequest(f"store {name}", "POST", STORE, INVALID, named, {"json": body})


def onboard(name: str, named: str, /, **changes: object) -> BadRequest:
    """
    Describe a sign-up that is good but for the changes; None takes the field away.
    """
    body = {"email": "new@example.com"} | changes
    body = {field: value for field, value in body.items() if value is not None}
    return BadRequest(f"onboard {name}", "POST", ONBOARD, INVALID, named, {"json": body})


def retrieve(name: str, query: str, refusal: tuple[int, str] = INVALID, named: str | None = None) -> BadRequest:
    """
    Describe a retrieval with this very query string.
    """
    return BadRequest(f"retrieve {name}", "GET", f"{RETRIEVE}?{query}", refusal, named)


def page(name: str, query: str, refusal: tuple[int, str] = INVALID, named: str | None = None) -> BadRequest:
    """
    Describe a page of transactions with this very query string.
    """
    return BadRequest(f"transactions {name}", "GET", f"{TRANSACTIONS}?{query}", refusal, named)


def data(name: str, value: bytes, refusal: tuple[int, str], named: str | None = None) -> BadRequest:
    """
    Describe a scan whose data holds these very bytes as a value.
    """
    content = b'{"phase":"scan","repo":"acme/shop","commitSha":"c","data":{"value":' + value + b"}}"
    return post(f"data {name}", STORE, content, refusal, named)


NOT_JSON = [
    ("empty", b""),
    ("blank", b"   "),
    ("half an object", b'{"email": "new@example.com"'),
    ("single quotes", b"{'email': 'new@example.com'}"),
    ("trailing comma", b'{"email": "new@example.com",}'),
    ("a form", b"email=new%40example.com"),
    ("byte order mark", b'\xef\xbb\xbf{"email": "new@example.com"}'),
    ("utf-16", '{"email": "new@example.com"}'.encode("utf-16")),
    ("invalid utf-8", b'{"email": "new@example.com", "name": "\xff\xfe"}'),
    ("overlong utf-8", b'{"email": "new@example.com", "name": "\xc0\x80"}'),
    ("surrogate in utf-8", b'{"email": "new@example.com", "name": "\xed\xa0\x80"}'),
    ("raw NUL in a string", b'{"email": "new@example.com", "name": "a\x00b"}'),
    ("lone high surrogate", b'{"email": "new@example.com", "name": "\\ud800 alone"}'),
    ("lone low surrogate", b'{"email": "new@example.com", "name": "\\udc00 alone"}'),
    ("not a number", b'{"email": NaN}'),
    ("infinity", b'{"email": -Infinity}'),
    ("10,000 arrays", b"[" * 10_000 + b"]" * 10_000),
    ("10,000 open arrays", b"[" * 10_000),
    ("10,000 objects unknown", b'{"x":' * 10_000 + b"1" + b"}" * 10_000),
    ("control character", b'{"email": "new@example.com", "name": "a\x01b"}'),
]

OF_ANOTHER_SHAPE = [
    ("array", b"[]", "body"),
    ("text", b'"new@example.com"', "body"),
    ("number", b"7", "body"),
    ("null", b"null", "body"),
    ("true", b"true", "body"),
]

BAD_REQUESTS = [
    *(post(f"onboard {name}", ONBOARD, content, MALFORMED) for name, content in NOT_JSON if name[:7] != "10,000 "),
    *(post(f"store {name}", STORE, content, MALFORMED) for name, content in NOT_JSON if "array" not in name),
    post("onboard two objects", ONBOARD, b'{"email":"new@example.com"}{}', MALFORMED),
    post("onboard raw NUL at the end", ONBOARD, b'{"email":"new@example.com"}\x00', MALFORMED),
    *(post(f"onboard {name}", ONBOARD, content, INVALID, named) for name, content, named in OF_ANOTHER_SHAPE),
    *(post(f"store {name}", STORE, content, INVALID, named) for name, content, named in OF_ANOTHER_SHAPE),
    # Signing up
    onboard("nothing", "email", email=None),
    onboard("number for an address", "email", email=7),
    onboard("list for an address", "email", email=["new@example.com"]),
    onboard("true for an address", "email", email=True),
    onboard("no @", "email", email="new.example.com"),
    onboard("two @", "email", email="new@one@example.com"),
    onboard("empty address", "email", email=""),
    onboard("blank address", "email", email="   "),
    onboard("no domain", "email", email="new@"),
    onboard("no local part", "email", email="@example.com"),
    onboard("domain without a dot", "email", email="new@example"),
    onboard("two dots", "email", email="new@example..com"),
    onboard("space inside", "email", email="ne w@example.com"),
    onboard("a display name", "email", email="New <new@example.com>"),
    onboard("line break", "email", email="new@example.com\nBcc: x@example.com"),
    onboard("NUL in the address", "body", email="new\x00@example.com"),
    onboard("address too long", "email", email="a" * 250 + "@example.com"),
    onboard("address far too long", "email", email="a" * 400 + "@example.com"),
    onboard("name too long", "name", name="n" * 201),
    onboard("name far too long", "name", name="n" * 1_001),
    onboard("name with a control character", "name", name="New\x1b[31m"),
    onboard("name with NUL", "body", name="New\x00"),
    onboard("number for a name", "name", name=7),
    onboard("unknown source", "source", source="moon"),
    onboard("campaign too long", "utm_source", utm_source="u" * 201),
    onboard("campaign with a control character", "utm_content", utm_content="a\tb"),
    onboard("unknown field", "credits", credits=1_000_000),
    onboard("field of the server", "subscription_type", subscription_type="pro"),
    BadRequest("onboard taken", "POST", ONBOARD, TAKEN, "email", {"json": {"email": "acme@example.com"}}),
    BadRequest("onboard taken, other case", "POST", ONBOARD, TAKEN, "email", {"json": {"email": "ACME@Example.Com"}}),
    # Storing
    store("unknown phase", "phase", phase="deploy"),
    store("phase in capitals", "phase", phase="MITIGATE"),
    store("empty phase", "phase", phase=""),
    store("no phase", "phase", phase=None),
    store("number for a phase", "phase", phase=1),
    store("no repo", "repo", repo=None),
    store("repo without an owner", "repo", repo="shop"),
    store("repo with a path", "repo", repo="acme/shop/../../etc"),
    store("repo with a line break", "repo", repo="acme/shop\n"),
    store("repo very long", "repo", repo="acme/" + "s" * 101),
    store("repo far too long", "repo", repo="a" * 100_000 + "/shop"),
    store("repo in another script", "repo", repo="\u0430cme/shop"),
    store("no commit", "commitSha", commitSha=None),
    store("empty commit", "commitSha", commitSha=""),
    store("commit very long", "commitSha", commitSha="c" * 101),
    store("commit with a line break", "commitSha", commitSha="c0ffee\n"),
    store("commit with a quote", "commitSha", commitSha="'; DROP TABLE fixes; --"),
    store("number for a commit", "commitSha", commitSha=7),
    store("no issue", "issueNumber", issueNumber=None),
    store("negative issue", "issueNumber", issueNumber=-1),
    store("issue zero", "issueNumber", issueNumber=0),
    store("issue too large", "issueNumber", issueNumber=2**31),
    store("issue huge", "issueNumber", issueNumber=10**400),
    store("half an issue", "issueNumber", issueNumber=1.5),
    store("text for an issue", "issueNumber", issueNumber="7"),
    store("true for an issue", "issueNumber", issueNumber=True),
    store("true for an issue in snake case", "issue_number", issueNumber=None, issue_number=True),
    store("no data", "data", data=None),
    store("list for data", "data", data=[]),
    store("text for data", "data", data="fixed"),
    store("NUL in the repo", "repo", repo="acme/shop\x00"),
    store("NUL in the data", "body", data={"note": "a\x00b"}),
    store("NUL in a name of the data", "body", data={"a\x00b": 1}),
    store("NUL in an unknown field", "body", later={"note": "\x00"}),
    data("integer of 5,000 digits", b"9" * 5_000, INVALID),
    data("1e999999", b"1e999999", INVALID),
    data("-1e400", b"-1e400", INVALID),
    data("10,000 arrays", b"[" * 10_000 + b"]" * 10_000, MALFORMED),
    data("10,000 objects", b'{"x":' * 10_000 + b"1" + b"}" * 10_000, MALFORMED),
    data("lone surrogate", b'"\\ud83d"', MALFORMED),
    # Asking
    retrieve("nothing", "", named="repo"),
    retrieve("no commit", "repo=acme/shop", named="commit"),
    retrieve("no repo", "commit=c", named="repo"),
    retrieve("bad repo", "repo=shop&commit=c", named="repo"),
    retrieve("repo with a line break", "repo=acme/shop%0A&commit=c", named="repo"),
    retrieve("repo very long", f"repo=acme/{'s' * 5_000}&commit=c", named="repo"),
    retrieve("commit very long", f"repo=acme/shop&commit={'c' * 5_000}", named="commit"),
    retrieve("commit with a line break", "repo=acme/shop&commit=c%0A", named="commit"),
    retrieve("negative issue", "repo=acme/shop&commit=c&issue=-1", named="issue"),
    retrieve("text for an issue", "repo=acme/shop&commit=c&issue=seven", named="issue"),
    retrieve("true for an issue", "repo=acme/shop&commit=c&issue=true", named="issue"),
    retrieve("empty issue", "repo=acme/shop&commit=c&issue=", named="issue"),
    retrieve("huge issue", f"repo=acme/shop&commit=c&issue={'9' * 5_000}", named="issue"),
    retrieve("1e999999 for an issue", "repo=acme/shop&commit=c&issue=1e999999", named="issue"),
    retrieve("repeated parameter", "repo=acme/shop&commit=c&commit=d", named="commit"),
    retrieve("unknown parameter", "repo=acme/shop&commit=c&customer_id=1", named="customer_id"),
    retrieve("NUL in a value", "repo=acme/shop&commit=c%00", named="commit"),
    retrieve("NUL in a name", "repo=acme/shop&commit=c&x%00=1"),
    retrieve("invalid utf-8", "repo=acme/shop&commit=%ff", MALFORMED),
    retrieve("surrogate in utf-8", "repo=acme/shop&commit=%ed%a0%80", MALFORMED),
    retrieve("too many parameters", "&".join(f"p{number}=1" for number in range(51)), MALFORMED),
    page("limit zero", "limit=0", named="limit"),
    page("limit too large", "limit=101", named="limit"),
    page("negative limit", "limit=-1", named="limit"),
    page("text for a limit", "limit=all", named="limit"),
    page("repeated limit", "limit=1&limit=2", named="limit"),
    page("unknown parameter", "offset=3", named="offset"),
    page("cursor not ours", "cursor=abc", named="cursor"),
    page("empty cursor", "cursor=", named="cursor"),
    page("negative cursor", "cursor=-1", named="cursor"),
    page("cursor of other digits", "cursor=%D9%A3", named="cursor"),
    page("cursor beyond 64 bits", "cursor=9999999999999999999", named="cursor"),
    page("cursor far too long", f"cursor={'9' * 41}", named="cursor"),
    page("NUL in the cursor", "cursor=1%00", named="cursor"),
    # Elsewhere, otherwise, in another form
    *(
        BadRequest(f"{method} store", method, STORE, WRONG_METHOD)
        for method in ("GET", "PUT", "PATCH", "DELETE", "TRACE")
    ),
    *(BadRequest(f"{method} transactions", method, TRANSACTIONS, WRONG_METHOD) for method in ("POST", "OPTIONS")),
    BadRequest("made-up method", "BREW", ONBOARD, WRONG_METHOD),
    *(
        BadRequest(f"path {path}", "GET", path, NO_SUCH_PATH)
        for path in ("/", "/api", "/api/v2/billing/usage", f"{TRANSACTIONS}/", "/health%00", "//health")
    ),
    BadRequest("path very long", "GET", "/" + "a" * 50_000, NO_SUCH_PATH),
    *(
        BadRequest(
            f"content type {kind}", "POST", STORE, WRONG_TYPE, None, {"json": fix(7), "headers": {"content-type": kind}}
        )
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense", "text/json")
    ),
    BadRequest("a file", "POST", STORE, WRONG_TYPE, None, {"files": {"data": b"{}"}}),
    BadRequest("a scan as a form", "POST", STORE, WRONG_TYPE, None, {"data": {"phase": "scan"}}),
]

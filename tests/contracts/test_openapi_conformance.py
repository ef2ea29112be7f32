"""
The running API against its own description.

Requests are generated from the document, good and bad ones, and every answer is held to it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

import asyncpg
import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.python.asgi import get_client, shutdown_lifespans
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from api.wire import INVOICES, METHODS, ONBOARD, STORE, SUBSCRIPTION, USAGE, fix, result
from rsolv.api.routes import OPERATIONS
from rsolv.local.cluster import Cluster
from rsolv.settings import load_settings
from rsolv.web import Web
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin

DESCRIBED = [
    *((operation.method, operation.path) for operation in OPERATIONS),
    ("GET", "/api/openapi"),
    ("GET", "/api/docs"),
]
OWN_DATABASE = {
    f"{SUBSCRIPTION}/cancel": "canceled",
    f"{SUBSCRIPTION}/resume": "resumed",
    f"{INVOICES}/{{id}}": "billed",
}
"""
Operations that need a subscription, each of its own, since one of them ends it.
"""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
    negative_data_rejection,
]
EXAMPLES_PER_OPERATION = 25
SEED = 20_261_101


@pytest.fixture(scope="module")
def database_url(
    request: pytest.FixtureRequest, cluster: Cluster, templates: dict[str, str], catalog_name: str
) -> Iterator[str]:
    """
    One database for all generated requests; those that take things away have another one to themselves.
    """
    name = f"test_conformance_{getattr(request, 'param', 'kept')}"

    asyncio.run(execute(cluster.url(), f"CREATE DATABASE {name} TEMPLATE {templates[catalog_name]}"))
    # The document's examples are of the first customer; rolled back tests have taken numbers of the template.
    asyncio.run(execute(cluster.url(name), "ALTER TABLE customers ALTER COLUMN id RESTART"))
    yield cluster.url(name)
    asyncio.run(execute(cluster.url(), f"DROP DATABASE {name} WITH (FORCE)"))


def web_process(database_url: str) -> Web:
    """
    Build the application of a whole web process.
    """
    settings = {
        "DATABASE_URL": database_url,
        "SECRET_KEY_BASE": "0123456789abcdef" * 4,
        "STRIPE_API_KEY": "sk_test_ofthetests",
    }
    return Web(load_settings(settings), TwinTransport(Twin()))


@pytest.fixture(scope="module")
def web(database_url: str) -> Iterator[Web]:
    """
    The application, opened and closed as a server would.
    """
    yield web_process(database_url)
    shutdown_lifespans()


@pytest.fixture(scope="module")
def schema(web: Web) -> OpenApiSchema:
    """
    The document as the application serves it, with how to generate requests from it.
    """
    return schemathesis.openapi.from_asgi("/api/openapi", web)


@pytest.fixture(scope="module")
def key(web: Web, database_url: str) -> str:
    """
    The key of a customer of this application, who has stored a scan, and is subscribed where that is needed.
    """
    with get_client(web) as client:
        signed_up = client.post(ONBOARD, json={"email": "acme@example.com"}).json()
        # What the document gives as examples of repository and commit is there to be retrieved.
        client.headers["x-api-key"] = signed_up["api_key"]
        client.post(STORE, json=result("scan"))
        # And there is the payment method 1, and another one to go on with.
        for card in ("pm_card_visa", "pm_card_mastercard"):
            client.post(METHODS, json={"stripe_payment_method_id": card, "billing_consent": True})
        # With the credits gone, a fix more is the charge 1.
        for issue in range(1, client.get(USAGE).json()["credit_balance"] + 2):
            client.post(STORE, json=fix(issue))
        for plan in ["pro"] * any(own in database_url for own in OWN_DATABASE.values()):
            client.post(SUBSCRIPTION, json={"plan": plan, "billing_consent": True})
    # Whose link has the token that the document gives as an example.
    asyncio.run(execute(database_url, "UPDATE charge_intents SET link_token = repeat('0', 64)"))
    return str(signed_up["api_key"])


async def execute(url: str, statement: str) -> None:
    """
    Do as the owner of the tables does.
    """
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def held_to_its_description(operation: APIOperation, check: Callable[[schemathesis.Case], None]) -> None:
    """
    Run the check with every example and corner case of an operation, and with generated requests, good and bad.
    """
    config = operation.schema.config
    config.generation.update(modes=list(GenerationMode), max_examples=EXAMPLES_PER_OPERATION, deterministic=True)
    run = create_test(
        operation=operation,
        test_func=check,
        config=HypothesisTestConfig(
            project=config,
            modes=list(HypothesisTestMode),
            settings=settings(config.get_hypothesis_settings(), max_examples=EXAMPLES_PER_OPERATION, database=None),
            seed=SEED,
        ),
    )
    run()


@pytest.mark.parametrize(
    ("database_url", "method", "path"),
    [("taken" if method == "DELETE" else OWN_DATABASE.get(path, "kept"), method, path) for method, path in DESCRIBED],
    indirect=["database_url"],
    ids=[" ".join(each) for each in DESCRIBED],
)
def test_every_answer_is_as_described(schema: OpenApiSchema, key: str, method: str, path: str) -> None:
    """
    Good or bad, a request with a key is answered without a server error, in a declared status, type and shape.
    """
    answered: Counter[int] = Counter()

    def answer_fits(case: schemathesis.Case) -> None:
        response = case.call(headers={"x-api-key": key})
        case.validate_response(response, checks=CHECKS, headers={"x-api-key": key})
        answered[response.status_code] += 1

    held_to_its_description(schema[path][method], answer_fits)

    assert {200, 201} & set(answered), answered
    assert answered.total() >= 10, answered


def with_health_answering(web: Web, status: int, content_type: str, body: bytes) -> ASGIApp:
    """
    Plant another answer of GET /health.
    """

    async def planted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/health":
            await web(scope, receive, send)
            return
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return planted


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        pytest.param(500, "application/json", b'{"status": "ok"}', id="server-error"),
        pytest.param(204, "application/json", b"", id="undeclared-status"),
        pytest.param(200, "text/plain", b'{"status": "ok"}', id="another-type"),
        pytest.param(200, "application/json", b'{"status": 1}', id="another-shape"),
        pytest.param(200, "application/json", b'{"status": "ok"}', id="every-method"),
    ],
)
def test_the_comparison_notices_an_answer_that_is_not_as_described(
    web: Web, database_url: str, status: int, content_type: str, body: bytes
) -> None:
    """
    Planted: a server error, an undeclared status, another type or shape, and an answer to every method are noticed.
    """
    planted = with_health_answering(web_process(database_url), status, content_type, body)
    operation = schemathesis.openapi.from_asgi("/api/openapi", planted)["/health"]["GET"]

    with pytest.raises(FailureGroup):
        held_to_its_description(operation, lambda case: case.call_and_validate(checks=CHECKS))

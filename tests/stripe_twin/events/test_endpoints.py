"""
Webhook endpoints as the API has them.
"""

import pytest
import stripe

URL = "https://acme.test/hook"
ANY = {"url": URL, "enabled_events": ["*"]}


async def test_the_secret_is_shown_once(sdk: stripe.StripeClient) -> None:
    """
    Creation answers with the secret; reading and listing do not.
    """
    created = await sdk.v1.webhook_endpoints.create_async(ANY)
    read = await sdk.v1.webhook_endpoints.retrieve_async(created.id)
    listed = await sdk.v1.webhook_endpoints.list_async()

    assert created.secret.startswith("whsec_")
    assert "secret" not in read
    assert [one.id for one in listed.data] == [created.id]
    assert "secret" not in listed.data[0]


async def test_an_endpoint_is_as_it_was_asked_for(sdk: stripe.StripeClient) -> None:
    """
    URL, types, description, metadata and version are kept; it is enabled.
    """
    created = await sdk.v1.webhook_endpoints.create_async(
        {
            "url": URL,
            "enabled_events": ["invoice.paid", "charge.refunded"],
            "description": "books",
            "metadata": {"for": "acme"},
            "api_version": "2026-10-28.endive",
        }
    )

    assert (created.url, created.status, created.description) == (URL, "enabled", "books")
    assert created.enabled_events == ["invoice.paid", "charge.refunded"]
    assert (created.metadata.to_dict(), created.api_version) == ({"for": "acme"}, "2026-10-28.endive")


async def test_an_update_changes_what_it_names(sdk: stripe.StripeClient) -> None:
    """
    URL, types, description and state change; metadata is merged, an empty value takes a key out.
    """
    created = await sdk.v1.webhook_endpoints.create_async({**ANY, "metadata": {"a": "1", "b": "2"}})

    updated = await sdk.v1.webhook_endpoints.update_async(
        created.id,
        {
            "url": "https://globex.test/hook",
            "enabled_events": ["invoice.paid"],
            "description": "other",
            "disabled": True,
            "metadata": {"a": "", "c": "3"},
        },
    )

    assert (updated.url, updated.status, updated.description) == ("https://globex.test/hook", "disabled", "other")
    assert updated.enabled_events == ["invoice.paid"]
    assert updated.metadata.to_dict() == {"b": "2", "c": "3"}


async def test_a_deleted_endpoint_is_gone(sdk: stripe.StripeClient) -> None:
    """
    Deletion says so, and reading it then is a 404.
    """
    created = await sdk.v1.webhook_endpoints.create_async(ANY)

    deleted = await sdk.v1.webhook_endpoints.delete_async(created.id)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await sdk.v1.webhook_endpoints.retrieve_async(created.id)

    assert deleted.deleted is True
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"url": "acme.test/hook"}, 400, "url_invalid", "url"),
        ({"url": "ftp://acme.test/hook"}, 400, "url_invalid", "url"),
        ({"url": "http://"}, 400, "url_invalid", "url"),
        ({"url": "http://[oops"}, 400, "url_invalid", "url"),
        ({"enabled_events": []}, 400, "parameter_missing", "enabled_events"),
        ({"enabled_events": ["invoice.eaten"]}, 400, None, "enabled_events[0]"),
        ({"connect": True}, 501, None, None),
        ({"api_version": "2025-03-31.basil"}, 501, None, None),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_an_impossible_endpoint_is_refused(
    sdk: stripe.StripeClient, change: dict, status: int, code: str | None, param: str | None
) -> None:
    """
    A URL that is no web address, no or unknown types, and what the twin does not do.
    """
    with pytest.raises(stripe.StripeError) as refusal:
        await sdk.v1.webhook_endpoints.create_async({**ANY, **change})

    assert (refusal.value.http_status, refusal.value.code) == (status, code)
    assert (refusal.value.error.param if param else None) == param


async def test_there_are_sixteen_endpoints_at_most(sdk: stripe.StripeClient) -> None:
    """
    The seventeenth test endpoint is refused.
    """
    for _ in range(16):
        await sdk.v1.webhook_endpoints.create_async(ANY)

    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
        await sdk.v1.webhook_endpoints.create_async(ANY)

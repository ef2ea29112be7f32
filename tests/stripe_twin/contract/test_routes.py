"""
Which addresses the API has.
"""

import pytest


@pytest.mark.parametrize(
    ("method", "path", "template", "parameters"),
    [
        ("POST", "/v1/payment_intents", "/v1/payment_intents", {}),
        ("GET", "/v1/payment_intents/pi_1", "/v1/payment_intents/{intent}", {"intent": "pi_1"}),
        ("POST", "/v1/payment_intents/pi_1/confirm", "/v1/payment_intents/{intent}/confirm", {"intent": "pi_1"}),
        (
            "GET",
            "/v1/customers/cus_1/payment_methods/pm_1",
            "/v1/customers/{customer}/payment_methods/{payment_method}",
            {"customer": "cus_1", "payment_method": "pm_1"},
        ),
        ("POST", "/v2/billing/meter_events", "/v2/billing/meter_events", {}),
        ("DELETE", "/v1/customers/cus_1", "/v1/customers/{customer}", {"customer": "cus_1"}),
        ("post", "/v1/refunds", "/v1/refunds", {}),
    ],
)
def test_a_request_finds_its_endpoint(contract, method, path, template, parameters):
    """
    Method and path give the template and the parameters in the path.
    """
    operation = contract.find(method, path)

    assert (operation.method, operation.template, operation.path_parameters) == (method.upper(), template, parameters)


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/v1/customers/search", "/v1/customers/search"),
        ("GET", "/v1/customers/searches", "/v1/customers/{customer}"),
        ("POST", "/v1/invoices/create_preview", "/v1/invoices/create_preview"),
    ],
)
def test_a_literal_path_wins_over_a_template(contract, method, path, template):
    """
    `search` is an address of its own, not the id of a customer.
    """
    assert contract.find(method, path).template == template


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/payment_intents/pi_1/confirm"),
        ("POST", "/v1/subscription_items/si_1/usage_records"),
        ("GET", "/v1/customers/"),
        ("GET", "/v1/customers//sources"),
        ("GET", "/v3/customers"),
        ("GET", "/v1"),
        ("GET", ""),
        ("PATCH", "/v1/customers/cus_1"),
    ],
)
def test_an_address_that_stripe_has_not_is_not_found(contract, method, path):
    """
    Removed routes, wrong methods, empty ids and other versions have no endpoint.
    """
    assert contract.find(method, path) is None


def test_the_whole_api_is_known(contract):
    """
    Every endpoint the SDK can call is there, in both namespaces.
    """
    templates = [route.template for route in contract.routes]

    assert len(templates) > 600
    assert len({template for template in templates if template.startswith("/v2/")}) > 20

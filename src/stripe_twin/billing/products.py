"""
Products (docs.stripe.com/api/products).
"""

from stripe_twin.billing.scope import emit_if_changed, merged, only_done
from stripe_twin.core import Account, Call, Record, Routes, invalid_request, page

routes = Routes()

_FIELDS = (
    "active",
    "description",
    "images",
    "marketing_features",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)


def create_product(account: Account, params: Record) -> Record:
    """
    Create a product; emits product.created.
    """
    only_done(params, {*_FIELDS, "id", "name", "metadata", "type"}, "POST /v1/products")
    product_id = params.get("id") or account.new_id("prod", 14)
    if account.store.find("product", product_id):
        raise invalid_request("Product already exists.", code="resource_already_exists", param="id")
    product = {
        "id": product_id,
        "object": "product",
        "active": True,
        "created": account.now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": merged({}, params.get("metadata")),
        "name": params["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": params.get("type", "service"),
        "unit_label": None,
        "updated": account.now,
        "url": None,
        **{name: params[name] for name in _FIELDS if name in params},
    }
    account.store.add("product", product)
    account.emit("product.created", product)
    return product


@routes.post("/v1/products")
def create(account: Account, call: Call) -> Record:
    """
    Create a product.
    """
    return create_product(account, call.params)


@routes.get("/v1/products/{id}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Return a product.
    """
    return account.get("product", call.ids["id"])


@routes.post("/v1/products/{id}")
def update(account: Account, call: Call) -> Record:
    """
    Change a product; emits product.updated.
    """
    only_done(call.params, {*_FIELDS, "name", "metadata", "default_price"}, "POST /v1/products/{id}")
    product = account.edit("product", call.ids["id"])
    if "default_price" in call.params:
        account.get("price", call.params["default_price"], param="default_price")
    for name in (*_FIELDS, "name", "default_price"):
        if name in call.params:
            product[name] = call.params[name] if call.params[name] != "" else None
    product["metadata"] = merged(product["metadata"], call.params.get("metadata"))
    emit_if_changed(account, "product.updated", product)
    return product


@routes.get("/v1/products")
def list_all(account: Account, call: Call) -> Record:
    """
    List products, also by `active` and `ids`.
    """
    only_done(call.params, {"active", "created", "ids", "limit", "starting_after", "ending_before"}, "GET /v1/products")
    ids = call.params.get("ids")
    products = [product for product in account.store.all("product") if ids is None or product["id"] in ids]
    return page(call, products, url="/v1/products", matching=("active",))

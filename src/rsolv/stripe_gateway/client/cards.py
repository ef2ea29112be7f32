"""
Verbs of the port: customers and their cards.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rsolv.stripe_gateway import translation
from rsolv.stripe_gateway.client.asking import Asking, attempt, unless_done
from rsolv.stripe_gateway.values import CardSetup, PaymentMethod, StripeCustomer

if TYPE_CHECKING:
    import stripe


class _Cards(Asking):
    async def create_customer(self, *, email: str, name: str, metadata: Mapping[str, str], key: str) -> StripeCustomer:
        return await self.write(
            attempt("create_customer", key),
            lambda once: self.v1.customers.create_async({"email": email, "name": name, "metadata": {**metadata}}, once),
            translation.customer,
        )

    async def read_customer(self, stripe_customer_id: str) -> StripeCustomer:
        return await self.read(
            "read_customer",
            lambda: self.v1.customers.retrieve_async(stripe_customer_id),
            translation.customer,
        )

    async def find_customers(self, *, email: str) -> list[StripeCustomer]:
        asked: stripe.params.CustomerListParams = {"email": email}
        found = self.pages(
            "find_customers",
            lambda part: self.v1.customers.list_async({**asked, **part}),
            translation.customer,
        )
        return [each async for each in found]

    async def set_default_payment_method(
        self, stripe_customer_id: str, *, payment_method_id: str, key: str
    ) -> StripeCustomer:
        return await self.write(
            attempt("set_default_payment_method", key),
            lambda once: self.v1.customers.update_async(
                stripe_customer_id, {"invoice_settings": {"default_payment_method": payment_method_id}}, once
            ),
            translation.customer,
        )

    async def open_card_setup(
        self,
        *,
        stripe_customer_id: str,
        return_url: str,
        cancel_url: str,
        currency: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> CardSetup:
        return await self.write(
            attempt("open_card_setup", key),
            lambda once: self.v1.checkout.sessions.create_async(
                {
                    "mode": "setup",
                    "ui_mode": "hosted_page",
                    "customer": stripe_customer_id,
                    "currency": currency,
                    "success_url": return_url,
                    "cancel_url": cancel_url,
                    "metadata": dict(metadata),
                    "setup_intent_data": {"metadata": dict(metadata)},
                },
                once,
            ),
            translation.card_setup,
        )

    async def read_card_setup(self, card_setup_id: str) -> CardSetup:
        return await self.read(
            "read_card_setup",
            lambda: self.v1.checkout.sessions.retrieve_async(
                card_setup_id, {"expand": ["setup_intent.payment_method"]}
            ),
            translation.card_setup,
        )

    async def attach_payment_method(
        self, payment_method_id: str, *, stripe_customer_id: str, key: str
    ) -> PaymentMethod:
        attach = self.write(
            attempt("attach_payment_method", key),
            lambda once: self.v1.payment_methods.attach_async(
                payment_method_id, {"customer": stripe_customer_id}, once
            ),
            translation.payment_method,
        )
        return await unless_done(
            attach,
            lambda: self.read_payment_method(payment_method_id),
            is_done=lambda method: method.stripe_customer_id == stripe_customer_id,
        )

    async def read_payment_method(self, payment_method_id: str) -> PaymentMethod:
        return await self.read(
            "read_payment_method",
            lambda: self.v1.payment_methods.retrieve_async(payment_method_id),
            translation.payment_method,
        )

    async def detach_payment_method(self, payment_method_id: str, *, key: str) -> PaymentMethod:
        detach = self.write(
            attempt("detach_payment_method", key),
            lambda once: self.v1.payment_methods.detach_async(payment_method_id, None, once),
            translation.payment_method,
        )
        return await unless_done(
            detach,
            lambda: self.read_payment_method(payment_method_id),
            is_done=lambda method: method.stripe_customer_id is None,
        )

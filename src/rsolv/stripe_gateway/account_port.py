"""
What the whole account did since a time, whoever it was about: for comparing everything there with everything here.

A part of the port; see `port` for what holds for every verb. Lists are never behind, unlike Stripe's search.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from rsolv.stripe_gateway.billing_values import Invoice, Subscription
from rsolv.stripe_gateway.values import Dispute, Payment, Refund


class AccountGateway(Protocol):
    """
    Everybody's payments, refunds, disputes, invoices and subscriptions, the newest first.
    """

    def list_all_payments(self, *, created_since: datetime) -> AsyncIterator[Payment]:
        """
        Go through the account's payments with their latest charges.
        """

    def list_all_refunds(self, *, created_since: datetime) -> AsyncIterator[Refund]:
        """
        Go through the account's refunds, failed ones too.
        """

    def list_all_disputes(self, *, created_since: datetime) -> AsyncIterator[Dispute]:
        """
        Go through the account's disputes.
        """

    def list_all_invoices(self, *, created_since: datetime) -> AsyncIterator[Invoice]:
        """
        Go through the account's invoices, each with its first ten lines and its payments.
        """

    def list_all_subscriptions(self, *, created_since: datetime) -> AsyncIterator[Subscription]:
        """
        Go through the account's subscriptions, ended ones too.
        """

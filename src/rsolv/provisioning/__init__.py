"""
Provisioning: a new customer in one step. No web dependency: the API, the command line, webhooks and the admin call it.
"""

from rsolv.provisioning.rules import MAIL_SEQUENCE, Provisioned
from rsolv.provisioning.service import provision_customer

__all__ = ["MAIL_SEQUENCE", "Provisioned", "provision_customer"]

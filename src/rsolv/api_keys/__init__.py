"""
API keys: issue, authenticate, list, revoke, rotate.

A key is `rsolv_` + 37 random base62 characters + 6 of checksum; it is shown once and stored as SHA-256
(docs/decisions/0005-key-format.md).
"""

from rsolv.api_keys.errors import (
    ApiKeyNameInvalid,
    ApiKeyRequired,
    ApiKeyRevoked,
    InvalidApiKey,
    TooManyApiKeys,
    UnknownApiKey,
)
from rsolv.api_keys.rules import ApiKey, AuthenticatedKey, IssuedKey, is_well_formed
from rsolv.api_keys.service.authenticate import Authenticator
from rsolv.api_keys.service.cache import CacheCounters
from rsolv.api_keys.service.issue import issue_key
from rsolv.api_keys.service.last_used import LastUsed
from rsolv.api_keys.service.list import list_keys
from rsolv.api_keys.service.revoke import revoke_key
from rsolv.api_keys.service.rotate import rotate_key

__all__ = [
    "ApiKey",
    "ApiKeyNameInvalid",
    "ApiKeyRequired",
    "ApiKeyRevoked",
    "AuthenticatedKey",
    "Authenticator",
    "CacheCounters",
    "InvalidApiKey",
    "IssuedKey",
    "LastUsed",
    "TooManyApiKeys",
    "UnknownApiKey",
    "is_well_formed",
    "issue_key",
    "list_keys",
    "revoke_key",
    "rotate_key",
]

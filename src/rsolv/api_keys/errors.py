"""
The facts that can go wrong with an API key.
"""

from rsolv.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated


class ApiKeyRequired(Unauthenticated):
    """
    No key was presented.
    """

    code = "authentication_required"
    sentence = "Authentication required"


class InvalidApiKey(Unauthenticated):
    """
    The key is malformed, unknown, revoked, expired, or its customer is deactivated. We do not say which.
    """

    code = "invalid_api_key"
    sentence = "Invalid API key"


class UnknownApiKey(NotFound):
    """
    The customer has no such key.
    """

    code = "unknown_api_key"
    sentence = "API key {api_key_id} does not exist."


class ApiKeyRevoked(Conflict):
    """
    The key has been revoked or has expired, so it cannot be rotated.
    """

    code = "api_key_revoked"
    sentence = "API key {api_key_id} is no longer live."


class ApiKeyNameInvalid(Invalid):
    """
    A key's name is empty, too long, or has control characters.
    """

    code = "api_key_name_invalid"
    sentence = "The name of an API key has 1 to {name_length_max} characters, none of them a control character."


class TooManyApiKeys(Conflict):
    """
    The customer has as many live keys as one may have.
    """

    code = "too_many_api_keys"
    sentence = "A customer has at most {live_keys_max} live API keys; revoke one first."

"""
What a key looks like, and when it is live.
"""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import datetime

from rsolv.kernel.secret import Secret

PREFIX = "rsolv_"
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 37
CHECKSUM_LENGTH = 6
SHOWN_PREFIX_LENGTH = len(PREFIX) + 5
LIVE_KEYS_MAX = 5
NAME_LENGTH_MAX = 100
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    A key as stored: everything but the key.
    """

    id: int
    customer_id: int
    name: str
    prefix: str
    last_four: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    replaces_api_key_id: int | None

    def is_live(self, now: datetime) -> bool:
        """
        Say whether the key opens anything at *now*.
        """
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """
    A new key with its one and only showing.
    """

    api_key: ApiKey
    secret: Secret


@dataclass(frozen=True, slots=True)
class AuthenticatedKey:
    """
    Who called: the customer, and the key every effect is attributed to.
    """

    customer_id: int
    api_key_id: int
    expires_at: datetime | None


def generate_key() -> str:
    """
    Make a key from the operating system's randomness: 220 bits, then the checksum.
    """
    body = PREFIX + "".join(secrets.choice(_BASE62) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def checksum(body: str) -> str:
    """
    Return the CRC-32 of everything before it, in base 62, so that a typing error costs no look-up.
    """
    number = zlib.crc32(body.encode("ascii"))
    characters = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        characters.append(_BASE62[digit])
    return "".join(reversed(characters))


def is_well_formed(presented: str) -> bool:
    """
    Say whether this could be a key of ours, without asking the database.
    """
    if _FORM.fullmatch(presented) is None:
        return False
    return checksum(presented[:-CHECKSUM_LENGTH]) == presented[-CHECKSUM_LENGTH:]


def hash_key(key: str) -> bytes:
    """
    Return what is stored in the key's place. The key has 220 random bits, so a fast digest is enough.
    """
    return hashlib.sha256(key.encode("utf-8")).digest()


def is_usable_name(name: str) -> bool:
    """
    Say whether a key may be called so.
    """
    return 1 <= len(name) <= NAME_LENGTH_MAX and name.isprintable()


def shown_parts(key: str) -> tuple[str, str]:
    """
    Return what may be shown of a key later: its beginning and its last four characters.
    """
    return key[:SHOWN_PREFIX_LENGTH], key[-4:]

"""
How a repeat is recognised, and how an answer is sealed.
"""

import hashlib
import hmac
import os
import re
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rsolv.idempotency.errors import KeyInvalid
from rsolv.kernel.secret import Secret

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A response as it was sent: status and exact body.
    """

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Repeatable:
    """
    One request that may come again: where (scope), under which key, and a digest of what it asked.
    """

    scope: str
    key: Secret
    fingerprint: bytes

    @property
    def key_hash(self) -> bytes:
        """
        Return what is stored of the key.
        """
        return hashlib.sha256(self.key.reveal().encode("ascii")).digest()


def checked_key(header: str) -> Secret:
    """
    Accept a caller's key.

    Raises:
        KeyInvalid: it is empty, too long, or not visible ASCII.
    """
    if _VISIBLE_ASCII.fullmatch(header) is None:
        raise KeyInvalid(fields={"Idempotency-Key": ["must be 1 to 255 visible ASCII characters"]})
    return Secret(header)


def fingerprint(method: str, path: str, canonical_body: bytes) -> bytes:
    """
    Return a digest that two requests share exactly when they ask the same.
    """
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), canonical_body))).digest()


def seal(body: bytes, *, master_key: Secret, row_id: uuid.UUID, key: Secret) -> bytes:
    """
    Encrypt an answer so that it opens only with our master key, on its own row, by who holds the caller's key.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_sealing_key(master_key, row_id, key)).encrypt(nonce, body, row_id.bytes)


def unseal(sealed: bytes, *, master_key: Secret, row_id: uuid.UUID, key: Secret) -> bytes:
    """
    Decrypt what `seal` made.

    Raises:
        cryptography.exceptions.InvalidTag: a key, the row or the bytes are not the ones it was sealed with.
    """
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(_sealing_key(master_key, row_id, key)).decrypt(nonce, ciphertext, row_id.bytes)


def _sealing_key(master_key: Secret, row_id: uuid.UUID, key: Secret) -> bytes:
    material = b"idempotent answer\0" + row_id.bytes + key.reveal().encode("ascii")
    return hmac.digest(bytes.fromhex(master_key.reveal()), material, "sha256")

"""Encryption of secrets at rest with named keys, which can be rotated online.

A token reads ``<key id>:<Fernet token>``. The first key encrypts, all of them decrypt. To rotate: put a
new key first, re-encrypt every token for which ``needs_rotation`` is true, then remove the old key.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from stackd.errors import StackdError

KEY_ID_LENGTH: Final = 8
"""Characters of a key's id, with which everything begins that was encrypted with it."""


class UnreadableSecret(StackdError):
    """A stored secret cannot be decrypted with any of the configured keys."""


class Cipher:
    """Encrypts with the first of ``keys``, decrypts with any of them.

    A key is a text of at least 16 characters: 32 URL-safe base64 bytes (a Fernet key) are taken as they
    are, anything else is hashed into one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("At least one encryption key is needed")
        self._by_id = {key_id(key): Fernet(_fernet_key(key)) for key in keys}
        self._current = key_id(keys[0])

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of all keys."""
        return frozenset(self._by_id)

    def encrypt(self, secret: str | bytes) -> str:
        """The text encrypted with the first key."""
        data = secret.encode() if isinstance(secret, str) else secret
        return f"{self._current}:{self._by_id[self._current].encrypt(data).decode()}"

    def decrypt(self, token: str) -> str:
        """The text in ``token``; ``UnreadableSecret`` if its key is missing or it was tampered with."""
        return self.decrypt_bytes(token).decode()

    def decrypt_bytes(self, token: str) -> bytes:
        """The bytes in ``token``."""
        name, _, sealed = token.partition(":")
        if name not in self._by_id:
            raise UnreadableSecret(
                f"A stored secret needs the encryption key {name!r}, which is not configured."
            )
        try:
            return self._by_id[name].decrypt(sealed.encode())
        except InvalidToken as error:
            raise UnreadableSecret from error

    def needs_rotation(self, token: str) -> bool:
        """Whether ``token`` was encrypted with another key than the first."""
        return token.partition(":")[0] != self._current


def key_id(key: str) -> str:
    """The id of a key: eight characters that reveal nothing about it."""
    return hashlib.blake2s(_fernet_key(key), person=b"stackdid", digest_size=KEY_ID_LENGTH // 2).hexdigest()


def _fernet_key(key: str) -> bytes:
    if len(key) < 16:
        raise ValueError("An encryption key has at least 16 characters")
    try:
        if len(base64.urlsafe_b64decode(key)) == 32:
            return key.encode()
    except ValueError:
        pass
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())

"""The keys for secrets at rest: where they come from, and whether they are those of the database."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from stackd.auth.crypto import KEY_ID_LENGTH, Cipher
from stackd.db.database import Database
from stackd.db.rotation import sealed_beginnings
from stackd.places import sqlite_file
from stackd.settings import Settings, SettingsError, new_encryption_key, parse_key
from stackd.urls import mask_passwords


@dataclass(frozen=True, slots=True)
class CipherSealer:
    """Seals the database's secrets with the configured keys."""

    cipher: Cipher

    def seal(self, plain: bytes) -> bytes:
        """Encrypt."""
        return self.cipher.encrypt(plain).encode()

    def unseal(self, sealed: bytes) -> bytes:
        """Decrypt."""
        return self.cipher.decrypt_bytes(sealed.decode())


async def database_keys(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys for secrets at rest; a new one is made only for a database without any.

    The tables are those of this version.
    """
    path, file = sqlite_file(settings.database.url), key_file(settings)
    if path and file and path.exists() and not file.exists():
        unread = CipherSealer(Cipher([new_encryption_key()]))
        db = await Database.open(settings.database.url, unread)
        try:
            await refuse_foreign_keys(db, frozenset(), settings)
        finally:
            await db.close()
    return encryption_keys(settings)


async def refuse_foreign_keys(db: Database, known: frozenset[str], settings: Settings) -> None:
    """Raise SettingsError if something in the database was encrypted with a key that is not known.

    What is read first and last of every table decides: a key that few rows in between need is not noticed.
    """
    used = {start.decode(errors="replace") for start in await sealed_beginnings(db, KEY_ID_LENGTH)}
    if not (missing := sorted(used - known)):
        return
    ids, database = " and ".join(missing), mask_passwords(settings.database.url)
    if file := key_file(settings):
        state = "the key in it is another one" if file.exists() else "the file is missing"
        raise SettingsError(
            f"{file.absolute()}: {state}. What is in the database {database} was encrypted with key {ids}. "
            "Bring back the file as it was, or set security.encryption_keys."
        )
    raise SettingsError(
        f"security.encryption_keys: what is in the database {database} was encrypted with key {ids}, "
        "which is not among them. Add that key, or correct database.url."
    )


def encryption_keys(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys for secrets at rest, the encrypting one first; creates a key file next to a SQLite database.

    Raises SettingsError when a key is malformed, or none is set and the database is shared.
    """
    require_keys(settings)
    if settings.security.encryption_keys:
        return settings.security.encryption_keys
    if file := key_file(settings):
        return (SecretStr(_key_in(file)),)
    return (SecretStr(new_encryption_key()),)


def require_keys(settings: Settings) -> None:
    """Raise SettingsError if no keys are set and the database is not this process's own."""
    if not settings.security.encryption_keys and not settings.database.url.startswith("sqlite"):
        raise SettingsError(
            "security.encryption_keys is empty, and processes that share a database must share its keys. "
            "Make one with `stackd config --new-key` and give it to each of them."
        )


def key_file(settings: Settings) -> Path | None:
    """The file with the encryption key beside that of a SQLite database; None if keys are set."""
    database = None if settings.security.encryption_keys else sqlite_file(settings.database.url)
    return database and Path(f"{database}.key")


def document_key(keys: Sequence[str]) -> bytes:
    """The key of the database's content ids: from the oldest key, which stays while new ones are added."""
    return hashlib.blake2b(keys[-1].encode(), person=b"stackd documents").digest()


def _key_in(path: Path) -> str:
    """The key in the file, created if missing; concurrent processes agree on one key."""
    try:
        if not path.exists():
            _write_once(path, new_encryption_key() + "\n")
        key = path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"{path}: the key file cannot be made or read: {error.strerror}. "
            "Correct database.url or the rights of the directory, or set security.encryption_keys."
        ) from error
    try:
        parse_key(key)
    except ValueError as error:
        raise SettingsError(f"{path}: {error}, or bring back the file as it was.") from error
    return key


def _write_once(path: Path, text: str) -> None:
    """Create the file atomically, unless another process has created it meanwhile."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()

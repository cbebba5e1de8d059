"""What settings name on this machine: the database, its key, certificates, directories of plug-ins."""

from __future__ import annotations

import contextlib
import os
import secrets
import ssl
from pathlib import Path

from pydantic import SecretStr

from stackd.settings import Settings, SettingsError, new_encryption_key, parse_key

_SQLITE = b"SQLite format 3\0"
"""How the files of SQLite begin; one without any pages is empty."""


def sqlite_file(url: str) -> Path | None:
    """The file that a URL of SQLite names; None for a database in memory or another one."""
    scheme, _, location = url.partition("://")
    path = location.removeprefix("/").partition("?")[0]
    return Path(path) if scheme.startswith("sqlite") and path not in ("", ":memory:") else None


def key_file(settings: Settings) -> Path | None:
    """The file with the encryption key beside that of a SQLite database; None if keys are set."""
    database = None if settings.security.encryption_keys else sqlite_file(settings.database.url)
    return database and Path(f"{database}.key")


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


def require_place(settings: Settings) -> None:
    """Raise SettingsError if the path of a SQLite database cannot be opened as one; makes no files."""
    file = sqlite_file(settings.database.url)
    place = f"database.url = {settings.database.url!r}"
    if file is None:
        if settings.database.url.startswith("sqlite"):
            raise SettingsError(f"{place} names no file. Write sqlite:///FILE.")
        return
    if not file.parent.is_dir():
        raise SettingsError(
            f"{place}: there is no directory {file.parent.absolute()}. Make it, or correct the setting."
        )
    if file.is_dir():
        raise SettingsError(f"{place}: {file.absolute()} is a directory. Name a file in it.")
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(_SQLITE))
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(
            f"{place}: {file.absolute()} cannot be read: {error.strerror}. "
            "Let stackd's user read and write it, or correct the setting."
        ) from error
    if beginning not in (b"", _SQLITE):
        raise SettingsError(
            f"{place}: the file is not a database of SQLite: {file.absolute()}. "
            "Correct the setting, or restore the database."
        )


def require_directories(settings: Settings) -> None:
    """Raise SettingsError for a directory of plug-ins that does not exist."""
    for name in settings.plugins.directories:
        if not Path(name).is_dir():
            raise SettingsError(
                f"plugins.directories: there is no directory {name}. Make it, or remove it from the setting."
            )


def require_certificates(settings: Settings) -> None:
    """Raise SettingsError for a file of trusted certificates that cannot be read, or has none."""
    for name, file in (("keystone", settings.keystone.cafile), ("egress", settings.egress.cafile)):
        if not file:
            continue
        try:
            ssl.create_default_context(cafile=file)
        except ssl.SSLError as error:
            raise SettingsError(
                f"{name}.cafile: {file} has no certificates that can be read. "
                "Write them as PEM, or correct the setting."
            ) from error
        except OSError as error:
            raise SettingsError(
                f"{name}.cafile: {file} cannot be read: {error.strerror}. Correct the setting."
            ) from error


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

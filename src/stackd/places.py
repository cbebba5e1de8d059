"""What settings name on this machine: the file of the database, certificates, and directories."""

from __future__ import annotations

import contextlib
import fcntl
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from stackd.settings import OperatorEnvironment, Settings, SettingsError

_SQLITE = b"SQLite format 3\0"
"""How the files of SQLite begin; one without any pages is empty."""


def sqlite_file(url: str) -> Path | None:
    """The file that a URL of SQLite names; None for a database in memory or another one."""
    scheme, _, location = url.partition("://")
    path = location.removeprefix("/").partition("?")[0]
    return Path(path) if scheme.startswith("sqlite") and path not in ("", ":memory:") else None


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


def environment_directory(named: str) -> Path | None:
    """The directory of the operator's environment; None if it is not configured and does not exist."""
    is_default = named == OperatorEnvironment().directory
    return None if not named or (is_default and not Path(named).is_dir()) else Path(named)


@contextlib.contextmanager
def only_process(settings: Settings) -> Iterator[None]:
    """Refuse a second server on one SQLite file: an engine there takes all unfinished work for its own."""
    path = sqlite_file(settings.database.url)
    if path is None:
        yield
        return
    with _lock_file(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"Another server uses {path}. Stop it, or give this one another database.url; "
                "several servers share a PostgreSQL database."
            ) from None
        yield


def _lock_file(database: Path) -> IO[str]:
    try:
        return Path(f"{database}.lock").open("w")
    except OSError as error:
        raise SettingsError(
            f"database.url: {database}.lock cannot be made beside the database: {error.strerror}. "
            f"Let stackd's user write to {database.parent.absolute()}, or correct the setting."
        ) from error

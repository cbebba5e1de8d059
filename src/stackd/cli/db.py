"""`stackd db`: prepare, check and purge the database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stackd.cli.failures import FAILED, UNREACHABLE, Failure
from stackd.cli.settings import load_settings
from stackd.errors import ServiceUnavailable, StackdError
from stackd.places import require_place, sqlite_file
from stackd.settings import Settings, SettingsError

if TYPE_CHECKING:
    from stackd.db.migrations import SchemaState
    from stackd.db.purge import Purged

_SHOWN = 5
"""Largest number of differences of tables that are listed."""

T = TypeVar("T")


@click.group()
def db() -> None:
    """Prepare, check and purge the database."""


@db.command()
@click.pass_obj
def upgrade(config_file: str | None) -> None:
    """Make the tables, or bring them up to date. Safe to run at any time, and by several at once."""
    from stackd.db import migrations

    settings = load_settings(config_file)
    _require_place(settings)
    url = settings.database.url
    _answer(migrations.upgrade(url))
    click.echo(f"The database is at version {_answer(migrations.check(url)).current}.")


@db.command()
@click.pass_obj
def check(config_file: str | None) -> None:
    """Report whether the tables are what this version of stackd needs; the exit code is 1 if not."""
    state = _checked(load_settings(config_file))
    click.echo(f"The database is at version {state.current}, as it should be.")


@db.command()
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Only what was deleted more than so many days ago.",
)
@click.pass_obj
def purge(config_file: str | None, older_than: int) -> None:
    """Remove deleted stacks for good, with their events. Safe to run beside a working server."""
    settings = load_settings(config_file)
    _checked(settings)
    purged = _answer(_purge(settings, timedelta(days=older_than)))
    click.echo(f"Removed {purged.stacks} stacks and {purged.documents} documents.")


async def _purge(settings: Settings, age: timedelta) -> Purged:
    from stackd.auth.crypto import Cipher
    from stackd.db.database import Database
    from stackd.db.purge import purge as purge_deleted
    from stackd.keyring import CipherSealer, database_keys

    keys = [each.get_secret_value() for each in await database_keys(settings)]
    database = await Database.open(settings.database.url, CipherSealer(Cipher(keys)))
    try:
        return await purge_deleted(database, age)
    finally:
        await database.close()


def _require_place(settings: Settings) -> None:
    """Raise Failure if the file of the database cannot be one."""
    try:
        require_place(settings)
    except SettingsError as error:
        raise Failure(str(error), FAILED) from error


def _checked(settings: Settings) -> SchemaState:
    """The state of the tables, which are as they should be; raises Failure if they are not."""
    from stackd.db import migrations

    if (file := sqlite_file(settings.database.url)) and not file.exists():
        remedy = "Correct [database] url, or make the database with `stackd db upgrade`."
        raise Failure(f"There is no database {file.absolute()}.", FAILED, remedy)
    _require_place(settings)
    state = _answer(migrations.check(settings.database.url))
    if not state.up_to_date:
        raise Failure(_outdated(state), FAILED, _remedy(state))
    return state


def _outdated(state: SchemaState) -> str:
    """What is wrong with the tables."""
    if not state.current:
        return "The database has no tables of stackd."
    if state.current != state.head:
        return f"The database is at version {state.current}; this stackd needs {state.head}."
    more = len(state.differences) - _SHOWN
    return "\n".join(
        [
            f"The database is at version {state.current}, but its tables were changed by hand:",
            *(f"  {each}" for each in state.differences[:_SHOWN]),
            *([f"  and {more} more"] if more > 0 else []),
        ]
    )


def _remedy(state: SchemaState) -> str:
    if state.current and state.current == state.head:
        return "Undo what was changed by hand, or restore a copy."
    if state.current > state.head:
        return "Use the newer stackd that has upgraded it."
    return "Run `stackd db upgrade`; `stackd serve` does it at its start, unless told otherwise."


def _answer(asked: Coroutine[Any, Any, T]) -> T:
    """What the database answers; raises Failure if it does not."""
    try:
        return asyncio.run(asked)
    except ServiceUnavailable as error:
        raise Failure(
            error.message, UNREACHABLE, "Check [database] url, and that the server runs."
        ) from error
    except (StackdError, SettingsError) as error:
        raise Failure(str(error), FAILED) from error
    except sqlite3.DatabaseError as error:
        raise Failure(f"The database cannot be used: {error}.", FAILED, "Check [database] url.") from error

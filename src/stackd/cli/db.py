"""`stackd db`: prepare, check and purge the database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from stackd.cli.failures import FAILED, UNREACHABLE, Failure
from stackd.cli.settings import load_settings
from stackd.errors import ServiceUnavailable
from stackd.settings import Settings, encryption_keys

if TYPE_CHECKING:
    from stackd.db.purge import Purged


@click.group()
def db() -> None:
    """Prepare, check and purge the database."""


@db.command()
@click.pass_obj
def upgrade(config_file: str | None) -> None:
    """Make the tables, or bring them up to date. Safe to run at any time, and by several at once."""
    from stackd.db import migrations

    url = load_settings(config_file).database.url
    try:
        asyncio.run(migrations.upgrade(url))
        state = asyncio.run(migrations.check(url))
    except ServiceUnavailable as error:
        raise Failure(
            error.message, UNREACHABLE, "Check [database] url, and that the server runs."
        ) from error
    click.echo(f"The database is at version {state.current}.")


@db.command()
@click.pass_obj
def check(config_file: str | None) -> None:
    """Tell whether the tables are what this version of stackd needs; the exit code is 1 if not."""
    from stackd.db import migrations

    url = load_settings(config_file).database.url
    try:
        state = asyncio.run(migrations.check(url))
    except ServiceUnavailable as error:
        raise Failure(
            error.message, UNREACHABLE, "Check [database] url, and that the server runs."
        ) from error
    if state.up_to_date:
        click.echo(f"The database is at version {state.current}, as it should be.")
        return
    found = [f"The database is at version {state.current or 'none'}; stackd needs {state.head}."]
    found += [f"  {difference}" for difference in state.differences]
    raise Failure("\n".join(found), FAILED, "Run `stackd db upgrade`.")


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
    try:
        purged = asyncio.run(_purge(settings, timedelta(days=older_than)))
    except ServiceUnavailable as error:
        raise Failure(
            error.message, UNREACHABLE, "Check [database] url, and that the server runs."
        ) from error
    click.echo(f"Removed {purged.stacks} stacks and {purged.documents} documents.")


async def _purge(settings: Settings, age: timedelta) -> Purged:
    from stackd.app import CipherSealer
    from stackd.auth.crypto import Cipher
    from stackd.db.database import Database
    from stackd.db.purge import purge as purge_deleted

    keys = [each.get_secret_value() for each in encryption_keys(settings)]
    database = await Database.open(settings.database.url, CipherSealer(Cipher(keys)))
    try:
        return await purge_deleted(database, age)
    finally:
        await database.close()

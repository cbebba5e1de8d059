"""`stackd db`: prepare, check and purge the database."""

from __future__ import annotations

import asyncio

import click

from stackd.cli.failures import FAILED, UNREACHABLE, Failure
from stackd.cli.settings import load_settings
from stackd.errors import ServiceUnavailable


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
    told = [f"The database is at version {state.current or 'none'}; stackd needs {state.head}."]
    told += [f"  {difference}" for difference in state.differences]
    raise Failure("\n".join(told), FAILED, "Run `stackd db upgrade`.")

"""`stackd stack template` and `environment`: what a stack was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackd.cli.following import path_of
from stackd.cli.output import dump
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session


@click.group()
def template() -> None:
    """See the template of a stack."""


@click.group()
def environment() -> None:
    """See the environment of a stack."""


@template.command("show")
@click.argument("name")
@target_options
def show_template(name: str, target: Target) -> None:
    """Show the template that the stack NAME was made from, or last updated to."""
    with target.session() as session:
        _show(session, name, "template", target.form)


@environment.command("show")
@click.argument("name")
@target_options
def show_environment(name: str, target: Target) -> None:
    """Show the environment of the stack NAME; hidden values are masked."""
    with target.session() as session:
        _show(session, name, "environment", target.form)


def _show(session: Session, name: str, what: str, form: str) -> None:
    """Print it as YAML, unless JSON is asked for: its table would be the same."""
    found = session.get(f"{path_of(session.find(name))}/{what}")
    click.echo(dump(found, "yaml" if form == "table" else form))

"""`stackd stack export`, `abandon` and `adopt`: stacks as data, given up and taken over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackd.cli.changing import show_result, wait_option
from stackd.cli.failures import BAD_INPUT, Failure, confirm, why
from stackd.cli.following import follow, path_of, require_success
from stackd.cli.output import dump
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

output_option = click.option("--output-file", metavar="FILE", help="Where to write it instead.")


@click.command()
@click.argument("name")
@output_option
@target_options
def export(name: str, output_file: str | None, target: Target) -> None:
    """Print the stack NAME with all its resources and secrets, as `adopt` takes it."""
    with target.session() as session:
        data = session.get(f"{path_of(session.find(name))}/export")
    _write(data, output_file, target)


@click.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
@target_options
def abandon(name: str, yes: bool, output_file: str | None, target: Target) -> None:
    """Delete the stack NAME, leave all that it made in the cloud, and print what `adopt` takes."""
    if not yes:
        confirm(f"Give {name} up?")
    with target.session() as session:
        data = session.call("DELETE", f"{path_of(session.find(name))}/abandon")
    _write(data, output_file, target)


@click.command()
@click.argument("name")
@click.option(
    "--adopt-file", required=True, metavar="FILE", help="What `export` or `abandon` printed; - for input."
)
@click.option("--rollback", is_flag=True, help="Give the objects up again when something fails.")
@wait_option
@target_options
def adopt(*, name: str, adopt_file: str, rollback: bool, wait: bool, target: Target) -> None:
    """Make the stack NAME of objects that exist already, as another stack has left them."""
    body = {"stack_name": name, "adopt_stack_data": _read(adopt_file), "disable_rollback": not rollback}
    with target.session() as session:
        made = session.call("POST", "/stacks", body)["stack"]
        _finish(session, path_of({"stack_name": name, "id": made["id"]}), target, wait=wait)


def _finish(session: Session, path: str, target: Target, *, wait: bool) -> None:
    if wait:
        require_success(session, follow(session, path), "ADOPT_COMPLETE")
    show_result(session.get(path)["stack"], target.form)


def _read(file: str) -> str:
    """The text of a file; raises Failure."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {why(error)}.", BAD_INPUT) from error


def _write(data: Any, file: str | None, target: Target) -> None:
    """Print an exported stack, or write it to a new file that nobody else can read."""
    text = dump(data, "json" if target.form == "table" else target.form)
    if file is None:
        click.echo(text)
        return
    try:
        path = Path(file)
        path.touch(mode=0o600)
        path.write_text(text + "\n", "utf-8")
    except OSError as error:
        click.echo(text)  # an abandoned stack gives this once only
        raise Failure(f"{file} cannot be written: {why(error)}.", BAD_INPUT) from error

"""`stackd stack resource`: one resource of a stack, shown, signalled, or marked as broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from stackd.cli.failures import BAD_INPUT, NOT_FOUND, Failure, why
from stackd.cli.following import path_of
from stackd.cli.main import Entry, LazyGroup
from stackd.cli.naming import Owners, stack_path_of
from stackd.cli.output import dump, show_record
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

COMMANDS: Final = {
    "show": Entry("stackd.cli.resource", "show", "Show a resource with its attributes."),
    "metadata": Entry("stackd.cli.resource", "metadata", "Show the metadata of a resource."),
    "signal": Entry("stackd.cli.resource", "signal", "Send a signal to a resource."),
    "mark-unhealthy": Entry("stackd.cli.resource", "mark_unhealthy", "Have the next update replace it."),
}
_KEYS = (
    "resource_name",
    "resource_type",
    "resource_status",
    "resource_status_reason",
    "physical_resource_id",
    "description",
    "required_by",
    "creation_time",
    "updated_time",
    "parent_resource",
)
_DEPTH = 5


@click.group(cls=LazyGroup, entries=COMMANDS)
def resource() -> None:
    """See one resource of a stack, signal it, or mark it as broken.

    RESOURCE is its name in the template; `group/0` is one in a nested stack.
    """


@click.command()
@click.argument("name")
@click.argument("resource", metavar="RESOURCE")
@click.option(
    "--with-attr", "attributes", multiple=True, metavar="NAME", help="A further attribute. Repeatable."
)
@target_options
def show(name: str, resource: str, attributes: tuple[str, ...], target: Target) -> None:
    """Show RESOURCE of the stack NAME with its attributes."""
    with target.session() as session:
        more = {"with_attr": list(attributes)} if attributes else {}
        found = session.get(resource_path(session, name, resource), **more)["resource"]
    if target.form == "table":
        found["resource_name"] = resource
    show_record(found, _KEYS, target.form)
    if target.form == "table" and (shown := found.get("attributes")):
        click.echo("\nAttributes:")
        show_record(shown, sorted(shown), target.form)


@click.command()
@click.argument("name")
@click.argument("resource", metavar="RESOURCE")
@target_options
def metadata(name: str, resource: str, target: Target) -> None:
    """Show the metadata of RESOURCE of the stack NAME."""
    with target.session() as session:
        found = session.get(f"{resource_path(session, name, resource)}/metadata")["metadata"]
    click.echo(dump(found, "json" if target.form == "table" else target.form))


@click.command()
@click.argument("name")
@click.argument("resource", metavar="RESOURCE")
@click.option("-D", "--data", metavar="JSON", help="What the signal says, as a JSON object.")
@click.option("--data-file", metavar="FILE", help="A file with that.")
@target_options
def signal(name: str, resource: str, data: str | None, data_file: str | None, target: Target) -> None:
    """Send a signal to RESOURCE of the stack NAME: a handle of a wait condition, a scaling policy."""
    body = _details(data, data_file)
    with target.session() as session:
        session.call("POST", f"{resource_path(session, name, resource)}/signal", body)
    click.echo(f"Signalled {resource} of {name}.", err=True)


@click.command("mark-unhealthy")
@click.argument("name")
@click.argument("resource", metavar="RESOURCE")
@click.argument("reason", required=False, default="")
@click.option("--reset", is_flag=True, help="Mark it as sound again.")
@target_options
def mark_unhealthy(name: str, resource: str, reason: str, reset: bool, target: Target) -> None:
    """Mark RESOURCE of the stack NAME as broken, for REASON, so that the next update replaces it."""
    body = {"mark_unhealthy": not reset, "resource_status_reason": reason}
    with target.session() as session:
        session.call("PATCH", resource_path(session, name, resource), body)
    click.echo(f"Marked {resource} of {name} as {'sound' if reset else 'broken'}.", err=True)


def resource_path(session: Session, name: str, resource: str) -> str:
    """The path of a resource below the project; raises Failure for an unknown nested one."""
    path = path_of(session.find(name))
    if "/" not in resource:
        return f"{path}/resources/{quote(resource, safe='')}"
    listed = session.get(f"{path}/resources", nested_depth=_DEPTH)["resources"]
    owners = Owners.among(listed)
    found = next((item for item in listed if owners.path(item) == resource), None)
    if found is None:
        text = f"The stack {name} has no resource {resource}."
        raise Failure(text, NOT_FOUND, f"`stackd stack resources {name} -n {_DEPTH}` lists them.")
    return f"{stack_path_of(found)}/resources/{quote(found['resource_name'], safe='')}"


def _details(data: str | None, file: str | None) -> Any:
    """The body of a signal; None if it is empty."""
    if data is not None and file is not None:
        raise Failure("There are two signals.", BAD_INPUT, "Give --data or --data-file.")
    text = data if file is None else _text_of(file)
    if text is None:
        return None
    try:
        details = json.loads(text)
    except ValueError as error:
        raise Failure(f"The signal is not JSON: {error}.", BAD_INPUT) from error
    if not isinstance(details, dict):
        raise Failure("The signal is no JSON object.", BAD_INPUT, 'It is of the form {"status": "SUCCESS"}.')
    return details


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {why(error)}.", BAD_INPUT) from error

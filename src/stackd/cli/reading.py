"""The read-only commands: list, show, resources, events, outputs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from stackd.cli.causes import brief
from stackd.cli.changing import OUTPUT_COLUMNS, show_outputs
from stackd.cli.failures import FAILED, INTERRUPTED
from stackd.cli.following import failed_resources, failure_text, path_of
from stackd.cli.naming import Owners
from stackd.cli.output import Column, dump, show_record, show_rows, visible
from stackd.cli.progress import line, worth_saying
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

_STACK_COLUMNS = {
    "stack_name": Column("Name", 0, flexible=True),
    "stack_status": Column("Status", 1),
    "creation_time": Column("Created", 3),
    "updated_time": Column("Updated", 4),
    "id": Column("Id", 2),
}
_PROJECT = {"project": Column("Project", 3)}
_STACK_KEYS = (
    "stack_name",
    "id",
    "description",
    "stack_status",
    "stack_status_reason",
    "creation_time",
    "updated_time",
    "deletion_time",
    "stack_owner",
    "parent",
    "tags",
    "timeout_mins",
    "disable_rollback",
    "parameters",
)
RESOURCE_COLUMNS = {
    "name": Column("Resource", 0, flexible=True),
    "type": Column("Type", 3, flexible=True, keeps_words=True),
    "resource_status": Column("Status", 1),
    "physical_resource_id": Column("Physical id", 4),
    "updated_time": Column("Updated", 5),
    "failure": Column("Failure", 2, flexible=True),
}
_EVENT_COLUMNS = {
    "event_time": Column("Time", 2),
    "name": Column("Resource", 0, flexible=True),
    "resource_status": Column("Status", 1),
    "reason": Column("Reason", 3, flexible=True),
}
_PAGE = 500
_ACTIONS = (
    *("CREATE", "UPDATE", "DELETE", "ROLLBACK", "SUSPEND", "RESUME"),
    *("CHECK", "ADOPT", "SNAPSHOT", "RESTORE"),
)
"""The actions on stacks."""

depth_option = click.option(
    "-n",
    "--nested-depth",
    type=click.IntRange(min=0),
    default=0,
    help="Levels of nested stacks to include.",
)


def _known_status(_context: click.Context, _option: click.Parameter, status: str | None) -> str | None:
    """The status, if it exists; the API answers with an empty list for one that does not."""
    from stackd.records import Status

    action, _, alone = (status or "").partition("_")
    if status is None or status in set(Status) or (action in _ACTIONS and alone in set(Status)):
        return status
    raise click.BadParameter(
        f"{status!r} is not a status. Use one of {', '.join(Status)}, "
        f"or one with its action: {', '.join(_ACTIONS)}, such as CREATE_FAILED."
    )


@click.command("list")
@click.option("--tag", "tags", multiple=True, help="Only stacks with this tag. Repeatable: all of them.")
@click.option(
    "--status", callback=_known_status, help="Only stacks with this status, such as FAILED or CREATE_FAILED."
)
@click.option("--nested", is_flag=True, help="Nested stacks too.")
@click.option("--deleted", is_flag=True, help="Deleted stacks too.")
@click.option("--all-projects", is_flag=True, help="Stacks of all projects, if the policy allows.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many.")
@target_options
def list_(
    *,
    tags: tuple[str, ...],
    status: str | None,
    nested: bool,
    deleted: bool,
    all_projects: bool,
    limit: int | None,
    target: Target,
) -> None:
    """List stacks, newest first."""
    query: dict[str, Any] = {
        name: "true"
        for name, wanted in (
            ("show_nested", nested),
            ("show_deleted", deleted),
            ("global_tenant", all_projects),
        )
        if wanted
    }
    query |= {"tags": ",".join(tags)} if tags else {}
    query |= {"status": status} if status else {}
    rows: list[dict[str, Any]] = []
    with target.session() as session:
        while limit is None or len(rows) < limit:
            size = min(_PAGE, limit - len(rows)) if limit else _PAGE
            page = session.get("/stacks", limit=size, **query)["stacks"]
            rows += page
            if len(page) < size:
                break
            query["marker"] = page[-1]["id"]
    show_rows(rows, _STACK_COLUMNS | (_PROJECT if all_projects else {}), target.form)


@click.command()
@click.argument("name")
@target_options
def show(name: str, target: Target) -> None:
    """Show the stack NAME (or id)."""
    with target.session() as session:
        found = session.get(path_of(session.find(name)))["stack"]
    show_record(found, _STACK_KEYS, target.form)
    if target.form == "table":
        show_outputs(found.get("outputs", ()))


@click.command()
@click.argument("name")
@depth_option
@click.option("--status", help="Only resources with this status, such as FAILED or CREATE_COMPLETE.")
@target_options
def resources(name: str, nested_depth: int, status: str | None, target: Target) -> None:
    """List the resources of the stack NAME."""
    query: dict[str, Any] = {"nested_depth": nested_depth} if nested_depth else {}
    query |= {"status": status} if status else {}
    with target.session() as session:
        path = path_of(session.find(name))
        rows = session.get(f"{path}/resources", **query)["resources"]
        owners = Owners.among(rows)
        if status and nested_depth:  # what is around a row need not have its status
            owners = Owners.among(session.get(f"{path}/resources", nested_depth=nested_depth)["resources"])
    if target.form == "table":
        rows = [row | _in_table(row, owners) for row in rows]
    show_rows(rows, RESOURCE_COLUMNS, target.form)


def _in_table(row: Mapping[str, Any], owners: Owners) -> dict[str, str]:
    """What a table shows of a resource: of a type that is a template only its file's name."""
    return {
        "name": owners.path(row),
        "failure": _failure(row),
        "type": row["resource_type"].rpartition("/")[2],
    }


def _failure(row: Mapping[str, Any]) -> str:
    """Why a resource failed; empty for one that did not."""
    return brief(str(row["resource_status_reason"])) if row["resource_status"].endswith("_FAILED") else ""


@click.command()
@click.argument("name")
@depth_option
@click.option("--limit", type=click.IntRange(min=1), help="At most this many, the newest.")
@click.option(
    "--follow", is_flag=True, help="Go on and print new events, a line each, until the stack is gone."
)
@target_options
def events(name: str, nested_depth: int, limit: int | None, follow: bool, target: Target) -> None:
    """Show the events of the stack NAME, oldest first."""
    query: dict[str, Any] = {"nested_depth": nested_depth} if nested_depth else {}
    with target.session() as session:
        path = path_of(session.find(name))
        newest = {"limit": limit} if limit else {}
        rows = session.get(f"{path}/events", sort_dir="desc", **newest, **query)["events"][::-1]
        if not follow:
            if target.form == "table":
                owners = _owners(session, path, nested_depth)
                rows = [
                    row | {"name": owners.path(row), "reason": worth_saying(row["resource_status_reason"])}
                    for row in rows
                ]
            show_rows(rows, _EVENT_COLUMNS, target.form)
            return
        with _ended_by_interrupt():
            while True:
                owners = _owners(session, path, nested_depth if rows else 0)
                for event in rows:
                    click.echo(line(event, owners))
                    query["marker"] = event["id"]
                if any(_is_last(event, path) for event in rows):
                    return
                time.sleep(1)
                rows = session.get(f"{path}/events", sort_dir="asc", **query)["events"]


def _is_last(event: Mapping[str, Any], path: str) -> bool:
    """Whether an event is that of the stack at ``path`` being gone."""
    what = (event["physical_resource_id"], event["resource_status"])
    return what == (path.rpartition("/")[2], "DELETE_COMPLETE")


def _owners(session: Session, path: str, depth: int) -> Owners:
    """The resources around nested stacks, if these are shown."""
    if not depth:
        return Owners()
    return Owners.among(session.get(f"{path}/resources", nested_depth=depth)["resources"])


@contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Ends the command silently at Ctrl-C, which is how what never ends is ended."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


@click.command()
@click.argument("name")
@click.argument("key", required=False)
@target_options
def outputs(name: str, key: str | None, target: Target) -> None:
    """Show the outputs of the stack NAME, or print the value of the one called KEY and nothing else."""
    with target.session() as session:
        path = path_of(session.find(name))
        if key is None:
            found = session.get(path)["stack"].get("outputs", [])
            if target.form == "table":
                show_outputs(found)
            else:
                show_rows(found, OUTPUT_COLUMNS, target.form)
            return
        output = session.get(f"{path}/outputs/{quote(key, safe='')}")["output"]
    value = output["output_value"]
    if target.form == "table" and isinstance(value, str):
        click.echo(visible(value) if sys.stdout.isatty() else value)
    else:
        click.echo(dump(value, "json" if target.form == "table" else target.form))


@click.command()
@click.argument("name")
@target_options
def failures(name: str, target: Target) -> None:
    """Show where the failures of the stack NAME began, in stacks inside it as well, and why.

    The exit code is 0 when nothing has failed, 1 when something has.
    """
    with target.session() as session:
        stack = session.find(name)
        causes = failed_resources(session, path_of(stack))
    if target.form != "table":
        click.echo(dump([asdict(cause) for cause in causes], target.form))
    elif causes or stack["stack_status"].endswith("_FAILED"):
        click.echo(visible(failure_text(stack, causes)))
    else:
        click.echo(f"{stack['stack_name']} is {stack['stack_status']}: nothing has failed.")
    sys.exit(FAILED if causes or stack["stack_status"].endswith("_FAILED") else 0)

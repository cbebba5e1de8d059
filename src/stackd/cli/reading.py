"""The read-only commands: list, show, resources, events, outputs."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import click

from stackd.cli.following import path_of
from stackd.cli.output import show_record, show_rows
from stackd.cli.progress import line
from stackd.cli.stack import Target, target_options

_STACK_COLUMNS = {
    "stack_name": "Name",
    "stack_status": "Status",
    "creation_time": "Created",
    "updated_time": "Updated",
    "id": "Id",
}
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
_RESOURCE_COLUMNS = {
    "name": "Resource",
    "resource_type": "Type",
    "resource_status": "Status",
    "physical_resource_id": "Physical id",
    "updated_time": "Updated",
    "resource_status_reason": "Reason",
}
_EVENT_COLUMNS = {
    "event_time": "Time",
    "resource_name": "Resource",
    "resource_status": "Status",
    "resource_status_reason": "Reason",
}
_OUTPUT_COLUMNS = {"output_key": "Output", "output_value": "Value", "description": "Description"}
_PAGE = 500


@click.command("list")
@click.option("--tag", "tags", multiple=True, help="Only stacks with this tag. Repeatable: all of them.")
@click.option("--status", help="Only stacks with this status, such as CREATE_FAILED.")
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
    show_rows(rows, _STACK_COLUMNS | ({"project": "Project"} if all_projects else {}), target.form)


@click.command()
@click.argument("name")
@target_options
def show(name: str, target: Target) -> None:
    """Show the stack NAME (or id)."""
    with target.session() as session:
        found = session.get(path_of(session.find(name)))["stack"]
    show_record(found, _STACK_KEYS, target.form)
    if target.form == "table" and found.get("outputs"):
        show_rows(found["outputs"], _OUTPUT_COLUMNS, target.form)


@click.command()
@click.argument("name")
@click.option(
    "--nested-depth", type=click.IntRange(min=0), default=0, help="Levels of nested stacks to include."
)
@click.option("--status", help="Only resources with this status, such as FAILED or CREATE_COMPLETE.")
@target_options
def resources(name: str, nested_depth: int, status: str | None, target: Target) -> None:
    """List the resources of the stack NAME."""
    query: dict[str, Any] = {"nested_depth": nested_depth} if nested_depth else {}
    query |= {"status": status} if status else {}
    with target.session() as session:
        rows = session.get(f"{path_of(session.find(name))}/resources", **query)["resources"]
    if target.form == "table":
        for row in rows:
            row["name"] = "/".join(
                part for part in (row.get("parent_resource"), row["resource_name"]) if part
            )
    show_rows(rows, _RESOURCE_COLUMNS, target.form)


@click.command()
@click.argument("name")
@click.option(
    "--nested-depth", type=click.IntRange(min=0), default=0, help="Levels of nested stacks to include."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many, the newest.")
@click.option("--follow", is_flag=True, help="Go on and print new events, a line each, until interrupted.")
@target_options
def events(name: str, nested_depth: int, limit: int | None, follow: bool, target: Target) -> None:
    """Show the events of the stack NAME, oldest first."""
    query: dict[str, Any] = {"nested_depth": nested_depth} if nested_depth else {}
    with target.session() as session:
        path = f"{path_of(session.find(name))}/events"
        newest = {"limit": limit} if limit else {}
        rows = session.get(path, sort_dir="desc", **newest, **query)["events"][::-1]
        if not follow:
            show_rows(rows, _EVENT_COLUMNS, target.form)
            return
        while True:
            for event in rows:
                click.echo(line(event))
                query["marker"] = event["id"]
            time.sleep(1)
            rows = session.get(path, sort_dir="asc", **query)["events"]


@click.command()
@click.argument("name")
@click.argument("key", required=False)
@target_options
def outputs(name: str, key: str | None, target: Target) -> None:
    """Show the outputs of the stack NAME, or print the value of the one called KEY and nothing else."""
    with target.session() as session:
        path = path_of(session.find(name))
        if key is None:
            show_rows(session.get(path)["stack"].get("outputs", []), _OUTPUT_COLUMNS, target.form)
            return
        output = session.get(f"{path}/outputs/{quote(key, safe='')}")["output"]
    value = output["output_value"]
    if target.form == "table" and isinstance(value, str):
        click.echo(value)
    else:
        from stackd.cli.output import dump

        click.echo(dump(value, "json" if target.form == "table" else target.form))

"""`stackd stack hook`: what pauses, and letting it go on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from stackd.cli.failures import NOT_FOUND, Failure
from stackd.cli.following import path_of
from stackd.cli.naming import Owners, stack_path_of
from stackd.cli.output import Column, show_rows, visible
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

HOOKS = ("pre-create", "pre-update", "pre-delete", "post-create", "post-update", "post-delete")
_COLUMNS = {
    "resource": Column("Resource", 0, flexible=True),
    "hook": Column("Hook", 1),
    "resource_status": Column("Status", 2),
    "event_time": Column("Since", 3),
    "stack": Column("Stack", 4, flexible=True),
}
_DEPTH = 5
_PAUSED = re.compile(r"[A-Z]+ paused until Hook ([a-z-]+) is cleared")
_CLEARED = re.compile(r"Hook ([a-z-]+) is cleared")
_GIVEN_UP = "Failure occurred while waiting."


@click.group()
def hook() -> None:
    """See which resources of a stack pause, and let them go on."""


@hook.command()
@click.argument("name")
@click.option(
    "-n", "--nested-depth", type=click.IntRange(min=0), default=_DEPTH, help="Levels of nested stacks."
)
@target_options
def poll(name: str, nested_depth: int, target: Target) -> None:
    """List the resources of the stack NAME that pause at a hook."""
    with target.session() as session:
        rows = pending(_events(session, session.find(name), nested_depth))
    show_rows(rows, _COLUMNS, target.form)


@hook.command()
@click.argument("name")
@click.argument("resources", nargs=-1, required=True, metavar="RESOURCE...")
@click.option("--hook", "wanted", type=click.Choice(HOOKS), help="Only this hook; all without it.")
@target_options
def clear(name: str, resources: tuple[str, ...], wanted: str | None, target: Target) -> None:
    """Let RESOURCEs of the stack NAME go on; `group/0` is one in a nested stack, `web*` a pattern."""
    with target.session() as session:
        stack = session.find(name)
        rows = pending(_events(session, stack, _DEPTH))
        missing = [each for each in resources if not any(fnmatchcase(row["resource"], each) for row in rows)]
        if missing:
            text = f"No hook is pending on {', '.join(missing)} in the stack {name}."
            raise Failure(text, NOT_FOUND, remedy="See `stackd stack hook poll`.")
        for row in rows:
            chosen = any(fnmatchcase(row["resource"], each) for each in resources)
            if chosen and wanted in (None, row["hook"]):
                session.call("POST", f"{row['path']}/signal", {"unset_hook": row["hook"]})
                click.echo(visible(f"Cleared {row['hook']} of {row['resource']}."), err=True)


def _events(session: Session, stack: Mapping[str, Any], depth: int) -> list[dict[str, Any]]:
    """The events of a stack and of those inside it, oldest first, each with the path of its resource."""
    path = path_of(stack)
    query: dict[str, Any] = {"nested_depth": depth} if depth else {}
    events = session.get(f"{path}/events", sort_dir="asc", **query)["events"]
    owners = Owners.among(session.get(f"{path}/resources", **query)["resources"] if depth else [])
    return [{**event, "resource": owners.path(event)} for event in events]


def pending(events: Iterable[Mapping[str, Any]]) -> Sequence[dict[str, Any]]:
    """The hooks that events set and that no later event clears, oldest first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        stack, reason = stack_path_of(event), event.get("resource_status_reason") or ""
        key = (stack, event["resource_name"])
        if paused := _PAUSED.fullmatch(reason):
            path = f"{stack}/resources/{quote(event['resource_name'], safe='')}"
            name = stack.removeprefix("/stacks/").partition("/")[0]
            found[key] = {**event, "hook": paused[1], "stack": name, "path": path}
        elif _CLEARED.fullmatch(reason) or reason == _GIVEN_UP:
            found.pop(key, None)
        elif event.get("physical_resource_id") == stack.rpartition("/")[2] and reason.endswith(" started"):
            for each in [each for each in found if each[0] == stack]:
                del found[each]
    return list(found.values())

"""The commands that change something, or show what would change: create, update, delete, preview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from stackd.cli.definition import Definition, definition_options
from stackd.cli.failures import BAD_INPUT, NOT_FOUND, Failure
from stackd.cli.following import follow, newest_event, path_of, require_success
from stackd.cli.output import show_record, show_rows
from stackd.cli.stack import Target, target_options

_RESULT_KEYS = ("stack_name", "id", "stack_status", "stack_status_reason")
_OUTPUT_COLUMNS = {"output_key": "Output", "output_value": "Value", "description": "Description"}
_PREVIEW_COLUMNS = {"resource_name": "Resource", "resource_type": "Type", "stack_name": "Stack"}
_CHANGE_COLUMNS = {"change": "Change"} | _PREVIEW_COLUMNS
_CHANGES = ("replaced", "deleted", "updated", "added", "unchanged")


_wait_option = click.option(
    "--wait/--no-wait", default=False, help="Show progress and return when it is over."
)


@click.command()
@click.argument("name")
@definition_options
@click.option("--rollback", is_flag=True, help="Undo everything when something fails.")
@_wait_option
@target_options
def create(
    *,
    name: str,
    definition: Definition,
    rollback: bool,
    wait: bool,
    target: Target,
) -> None:
    """Create the stack NAME from a template.

    With --wait the exit code is 0 when the stack is complete and 1 when it failed.
    """
    body = definition.body()
    body |= {"stack_name": name, "disable_rollback": not rollback}
    with target.session() as session:
        made = session.call("POST", "/stacks", body)["stack"]
        path = path_of({"stack_name": name, "id": made["id"]})
        if wait:
            require_success(session, follow(session, path), "CREATE_COMPLETE")
        _show_result(session.get(path)["stack"], target.form)


@click.command()
@click.argument("name")
@definition_options
@click.option(
    "--existing", is_flag=True, help="Keep the template, parameters and environment that are not given."
)
@click.option(
    "--clear-parameter", "cleared", multiple=True, help="With --existing, forget this one. Repeatable."
)
@click.option("--converge", is_flag=True, help="Compare with what is really in the cloud first.")
@click.option(
    "--rollback/--no-rollback", default=None, help="Whether to undo everything when something fails."
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@_wait_option
@target_options
def update(
    *,
    name: str,
    definition: Definition,
    existing: bool,
    cleared: tuple[str, ...],
    converge: bool,
    rollback: bool | None,
    dry_run: bool,
    wait: bool,
    target: Target,
) -> None:
    """Change the stack NAME to what a template says."""
    if definition.has_no_template and not existing:
        raise Failure("Which template?", BAD_INPUT, "Give --template, or --existing to keep the present one.")
    body = definition.body(needs_template=False)
    body |= {"converge": True} if converge else {}
    body |= {"clear_parameters": list(cleared)} if cleared else {}
    body |= {"disable_rollback": not rollback} if rollback is not None else {}
    method = "PATCH" if existing else "PUT"
    with target.session() as session:
        path = path_of(session.find(name))
        if dry_run:
            answer = session.call(method, f"{path}/preview", body, {"show_nested": "true"})
            _show_changes(answer["resource_changes"], target.form)
            return
        marker = newest_event(session, path)
        session.call(method, path, body)
        if wait:
            require_success(session, follow(session, path, marker), "UPDATE_COMPLETE")
        _show_result(session.get(path)["stack"], target.form)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@_wait_option
@target_options
def delete(names: tuple[str, ...], yes: bool, wait: bool, target: Target) -> None:
    """Delete the stacks NAME... and all that they have made."""
    if not yes:
        click.confirm(f"Delete {', '.join(names)}?", abort=True, err=True)
    with target.session() as session:
        found = [session.find(name) for name in names]
        markers = [newest_event(session, path_of(stack)) for stack in found]
        for stack in found:
            session.call("DELETE", path_of(stack))
        if not wait:
            return
        for stack, marker in zip(found, markers, strict=True):
            try:
                ended = follow(session, path_of(stack), marker)
            except Failure as failure:
                if failure.exit_code != NOT_FOUND:
                    raise
            else:
                require_success(session, ended, "DELETE_COMPLETE")


@click.command()
@click.argument("name")
@definition_options
@target_options
def preview(
    *,
    name: str,
    definition: Definition,
    target: Target,
) -> None:
    """Show the resources that a stack NAME of the template would have; nothing is made."""
    body = definition.body() | {"stack_name": name}
    with target.session() as session:
        answer = session.call("POST", "/stacks/preview", body)["stack"]
    if target.form != "table":
        show_record(answer, (), target.form)
    else:
        show_rows(list(_flat(answer["resources"])), _PREVIEW_COLUMNS, target.form)


def _show_result(stack: Mapping[str, Any], form: str) -> None:
    """The state of the stack, and the outputs that are known."""
    show_record(stack, _RESULT_KEYS, form)
    outputs = [output for output in stack.get("outputs", ()) if output.get("output_value") is not None]
    if form == "table" and outputs:
        show_rows(outputs, _OUTPUT_COLUMNS, form)


def _show_changes(changes: Mapping[str, list[Any]], form: str) -> None:
    """What an update would do, the most far-reaching first."""
    if form != "table":
        show_record(changes, (), form)
        return
    rows = [{"change": kind} | dict(item) for kind in _CHANGES for item in _flat(changes.get(kind, []))]
    show_rows(rows, _CHANGE_COLUMNS, form)


def _flat(resources: list[Any]) -> Iterator[Mapping[str, Any]]:
    """A nested stack stands in a preview as a list of its own resources."""
    for item in resources:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item

"""The commands that change something, or show what would change: create, update, delete, preview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from stackd.cli.definition import Definition, definition_options
from stackd.cli.failures import BAD_INPUT, NOT_FOUND, Failure
from stackd.cli.following import follow, newest_event, path_of, require_success
from stackd.cli.output import show_record, show_rows
from stackd.cli.planned import detailed_errors, dry_run_options, end_with, plan_of, show_plans
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

_RESULT_KEYS = ("stack_name", "id", "stack_status", "stack_status_reason")
_OUTPUT_COLUMNS = {"output_key": "Output", "output_value": "Value", "description": "Description"}
_PREVIEW_COLUMNS = {"resource_name": "Resource", "resource_type": "Type", "stack_name": "Stack"}


wait_option = click.option(
    "--wait/--no-wait", default=False, help="Show progress and return when it is over."
)


@click.command()
@click.argument("name")
@definition_options
@click.option("--rollback", is_flag=True, help="Undo everything when something fails.")
@dry_run_options
@wait_option
@target_options
def create(
    *,
    name: str,
    definition: Definition,
    rollback: bool,
    dry_run: bool,
    detailed: bool,
    wait: bool,
    target: Target,
) -> None:
    """Create the stack NAME from a template.

    With --wait the exit code is 0 when the stack is complete and 1 when it failed.
    """
    with detailed_errors(detailed), target.session() as session:
        body = definition.body() | {"stack_name": name, "disable_rollback": not rollback}
        if dry_run:
            _show_only([plan_of(session, None, body)], detailed, target)
        made = session.call("POST", "/stacks", body)["stack"]
        path = path_of({"stack_name": name, "id": made["id"]})
        if wait:
            require_success(session, follow(session, path), "CREATE_COMPLETE")
        show_result(session.get(path)["stack"], target.form)


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
@dry_run_options
@wait_option
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
    detailed: bool,
    wait: bool,
    target: Target,
) -> None:
    """Change the stack NAME to what a template says."""
    with detailed_errors(detailed), target.session() as session:
        if definition.has_no_template and not existing:
            remedy = "Give --template, or --existing to keep the present one."
            raise Failure("Which template?", BAD_INPUT, remedy)
        body = definition.body(needs_template=False)
        body |= {"converge": True} if converge else {}
        body |= {"clear_parameters": list(cleared)} if cleared else {}
        body |= {"disable_rollback": not rollback} if rollback is not None else {}
        stack = session.find(name)
        if dry_run:
            kept = {"existing": True} if existing else {}
            _show_only([plan_of(session, stack, body | kept)], detailed, target)
        path = path_of(stack)
        marker = newest_event(session, path)
        session.call("PATCH" if existing else "PUT", path, body)
        if wait:
            require_success(session, follow(session, path, marker), "UPDATE_COMPLETE")
        show_result(session.get(path)["stack"], target.form)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@dry_run_options
@wait_option
@target_options
def delete(
    *, names: tuple[str, ...], yes: bool, dry_run: bool, detailed: bool, wait: bool, target: Target
) -> None:
    """Delete the stacks NAME... and all that they have made."""
    if not yes and not dry_run:
        click.confirm(f"Delete {', '.join(names)}?", abort=True, err=True)
    with detailed_errors(detailed), target.session() as session:
        found = [session.find(name) for name in names]
        if dry_run:
            plans = [plan_of(session, stack, {"action": "delete"}) for stack in found]
            _show_only(plans, detailed, target)
        markers = [newest_event(session, path_of(stack)) for stack in found]
        for stack in found:
            session.call("DELETE", path_of(stack))
        if not wait:
            return
        for stack, marker in zip(found, markers, strict=True):
            end_of_delete(session, stack, marker)


def end_of_delete(session: Session, stack: Mapping[str, Any], marker: str) -> None:
    """Wait until a stack is deleted; raises Failure if it cannot be."""
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


def show_result(stack: Mapping[str, Any], form: str) -> None:
    """The state of the stack, and the outputs that are known."""
    show_record(stack, _RESULT_KEYS, form)
    outputs = [output for output in stack.get("outputs", ()) if output.get("output_value") is not None]
    if form == "table" and outputs:
        show_rows(outputs, _OUTPUT_COLUMNS, form)


def _show_only(plans: Sequence[Mapping[str, Any]], detailed: bool, target: Target) -> NoReturn:
    """Show what would be done, and end the command."""
    show_plans(plans, target.form)
    end_with(plans, detailed=detailed)


def _flat(resources: list[Any]) -> Iterator[Mapping[str, Any]]:
    """A nested stack stands in a preview as a list of its own resources."""
    for item in resources:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item

"""The commands that change something, or show what would change: create, update, delete, preview."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from stackd.cli.definition import Definition, definition_options
from stackd.cli.failures import BAD_INPUT, DENIED, INTERRUPTED, NOT_FOUND, UNREACHABLE, Failure, confirm
from stackd.cli.following import follow, newest_event, path_of, require_success
from stackd.cli.output import Column, show_record, show_rows
from stackd.cli.planned import detailed_errors, dry_run_options, end_with, plan_of, show_plans
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

_RESULT_KEYS = ("stack_name", "id", "stack_status", "stack_status_reason")
OUTPUT_COLUMNS = {
    "output_key": Column("Output", 0, flexible=True),
    "output_value": Column("Value", 1, flexible=True, keeps_words=True),
    "description": Column("Description", 2, flexible=True),
}
_PREVIEW_COLUMNS = {
    "resource_name": Column("Resource", 0, flexible=True),
    "resource_type": Column("Type", 1, flexible=True, keeps_words=True),
    "stack_name": Column("Stack", 2, flexible=True),
}

A = TypeVar("A")
B = TypeVar("B")


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
    """Delete the stacks NAME... and all that they have made.

    One that does not exist, or cannot be deleted, does not keep the others; the exit code is the first
    error's.
    """
    if not yes and not dry_run:
        confirm(f"Delete {', '.join(names)}?")
    with detailed_errors(detailed), target.session() as session:
        found, failures = for_each(names, session.find)
        if dry_run:
            plans, more = for_each(found, lambda stack: plan_of(session, stack, {"action": "delete"}))
            show_plans(plans, target.form)
            end_after(failures + more)
            end_with(plans, detailed=detailed)
        deleted, more = for_each(found, lambda stack: _begin_delete(session, stack))
        failures += more
        if wait:
            _, more = for_each(deleted, lambda begun: end_of_delete(session, *begun))
            failures += more
        end_after(failures)


def for_each(items: Iterable[A], action: Callable[[A], B]) -> tuple[list[B], list[Failure]]:
    """The results of an action on each item, and the failures of those that had none, which are shown."""
    results, failures = [], []
    for item in items:
        try:
            results.append(action(item))
        except Failure as failure:
            if failure.exit_code in (DENIED, UNREACHABLE, INTERRUPTED):
                raise  # so would the others
            failure.show()
            failures.append(failure)
    return results, failures


def end_after(failures: Sequence[Failure]) -> None:
    """End the command with the code of the first failure, if there was one."""
    if failures:
        sys.exit(failures[0].exit_code)


def _begin_delete(session: Session, stack: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Ask for the deletion of a stack; the stack and its last event before that."""
    marker = newest_event(session, path_of(stack))
    session.call("DELETE", path_of(stack))
    return stack, marker


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
    if form == "table":
        show_outputs([each for each in stack.get("outputs", ()) if each.get("output_value") is not None])


def show_outputs(outputs: Sequence[Mapping[str, Any]]) -> None:
    """A table of outputs, if there are any; one that cannot be had shows why."""
    if outputs:
        click.echo()
        show_rows([_with_error(each) for each in outputs], OUTPUT_COLUMNS, "table")


def _with_error(output: Mapping[str, Any]) -> Mapping[str, Any]:
    error = output.get("output_error")
    return {**output, "output_value": f"error: {error}"} if error else output


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

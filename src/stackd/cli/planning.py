"""`stackd stack plan` and `apply`: what a change would do, kept and shown, and done exactly so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from stackd.cli.changing import end_after, end_of_delete, for_each, show_result, wait_option
from stackd.cli.definition import Definition, definition_options
from stackd.cli.failures import BAD_INPUT, NOT_FOUND, Failure
from stackd.cli.following import follow, newest_event, path_of, require_success
from stackd.cli.main import Entry, LazyGroup
from stackd.cli.output import Column, show_rows
from stackd.cli.plan_text import Span, refused_text, summary_text
from stackd.cli.planned import detailed_errors, detailed_option, end_with, plan_of, print_lines, show_plans
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

COMMANDS: Final = {
    "create": Entry("stackd.cli.planning", "create", "Plan a change of a stack, or a new one (the default)."),
    "show": Entry("stackd.cli.planning", "show", "Show a saved plan."),
    "list": Entry("stackd.cli.planning", "list_", "List the saved plans of the project."),
    "delete": Entry("stackd.cli.planning", "delete", "Delete saved plans."),
}
_COLUMNS: Final = {
    "id": Column("Plan", 0),
    "stack_name": Column("Stack", 1, flexible=True),
    "action": Column("Action", 3),
    "state": Column("State", 2),
    "changes": Column("Changes", 5, flexible=True),
    "reason": Column("Why not", 8, flexible=True),
    "created_by": Column("By", 7, flexible=True),
    "created_at": Column("Created", 4),
    "expires_at": Column("Expires", 6),
}


class PlanGroup(LazyGroup):
    """A group whose first argument may be the name of a stack: then it is `create`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments, with the name of the subcommand that is meant."""
        is_given = not args or args[0] in self.entries or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if is_given else ["create", *args])


@click.group(cls=PlanGroup, entries=COMMANDS)
def plan() -> None:
    """See what a change of a stack would do, keep that, and do exactly that later.

    \b
    stackd stack plan NAME -t FILE
    is short for
    stackd stack plan create NAME -t FILE
    """


@click.command()
@click.argument("name")
@definition_options
@click.option(
    "--existing", is_flag=True, help="Keep the template, parameters and environment that are not given."
)
@click.option("--delete", "deletes", is_flag=True, help="Plan to delete the stack.")
@click.option("--converge", is_flag=True, help="Compare with what is really in the cloud first.")
@click.option(
    "--rollback/--no-rollback", default=None, help="Whether to undo everything when something fails."
)
@click.option("--save", is_flag=True, help="Keep the plan on the server, to apply it later.")
@click.option("--out", metavar="FILE", help="Keep the plan and write it to FILE, which apply takes too.")
@detailed_option
@target_options
def create(
    *,
    name: str,
    definition: Definition,
    existing: bool,
    deletes: bool,
    converge: bool,
    rollback: bool | None,
    save: bool,
    out: str | None,
    detailed: bool,
    target: Target,
) -> None:
    """Show what would be done to the stack NAME, or to make it if there is none, and do nothing."""
    if deletes and not definition.has_no_template:
        raise Failure("A stack that is deleted needs no template.", BAD_INPUT)
    with detailed_errors(detailed), target.session() as session:
        stack = _found(session, name, required=existing or deletes)
        body: dict[str, Any] = (
            {"action": "delete"} if deletes else _body(definition, stack, name, existing=existing)
        )
        body |= {"converge": True} if converge else {}
        if rollback is not None or (stack is None and not deletes):
            body |= {"disable_rollback": not rollback}
        made = plan_of(session, stack, body, save=save or out is not None)
        if out is not None:
            _write(out, made)
        show_plans([made], target.form)
        if made["id"] and target.form == "table":
            click.echo(f"\nKept as plan {made['id']} until {made['expires_at']}.")
            if not refused_text(made):
                click.echo(f"To do exactly this: stackd stack apply {out or made['id']}")
    end_with([made], detailed=detailed)


def _found(session: Session, name: str, *, required: bool) -> dict[str, Any] | None:
    """The stack with this name or id; None when there is none, unless it is required."""
    try:
        return session.find(name)
    except Failure as failure:
        if required or failure.exit_code != NOT_FOUND:
            raise
        return None


def _body(
    definition: Definition, stack: Mapping[str, Any] | None, name: str, *, existing: bool
) -> dict[str, Any]:
    """What the stack is to be made of."""
    body = definition.body(needs_template=not existing)
    if stack is None:
        return body | {"stack_name": name}
    return body | ({"existing": True} if existing else {})


def _write(out: str, made: Mapping[str, Any]) -> None:
    try:
        Path(out).write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        kept = f"The plan is kept: stackd stack apply {made['id']}"
        raise Failure(f"{out} cannot be written: {error.strerror}.", BAD_INPUT, kept) from error


@click.command()
@click.argument("plan_id", metavar="PLAN")
@detailed_option
@target_options
def show(plan_id: str, detailed: bool, target: Target) -> None:
    """Show the saved plan PLAN: its id, or the file that --out wrote."""
    with detailed_errors(detailed), target.session() as session:
        found = session.get(_path(plan_id))["plan"]
    if target.form == "table":
        made = f"made {found['created_at']} by {found['created_by']}, {_standing(found)}"
        print_lines([(Span(f"{found['action']} {found['stack_name']}", "bold"), Span(f": {made}")), ()])
    show_plans([found], target.form)
    end_with([found], detailed=detailed)


def _standing(found: Mapping[str, Any]) -> str:
    """Until when a plan can be executed, or why it cannot."""
    state = found["state"]
    if state == "ready":
        return f"expires {found['expires_at']}"
    is_plain = state in ("executed", "refused") or not found.get("reason")  # what is refused stands below
    return state if is_plain else f"{state}: {found['reason']}"


@click.command("list")
@click.option("--stack", "name", metavar="NAME", help="Only the plans of this stack.")
@target_options
def list_(name: str | None, target: Target) -> None:
    """List the saved plans of the project."""
    with target.session() as session:
        given = {} if name is None else {"stack_id": session.find(name)["id"]}
        found = session.get("/plans", **given)["plans"]
    if target.form == "table":  # a server may leave the summary out where it lists
        found = [
            each | {"changes": summary_text(each["summary"])} if "summary" in each else each for each in found
        ]
    show_rows(found, _COLUMNS, target.form)


@click.command()
@click.argument("plan_ids", nargs=-1, required=True, metavar="PLAN...")
@target_options
def delete(plan_ids: tuple[str, ...], target: Target) -> None:
    """Delete the saved plans PLAN...; their stacks stay as they are."""
    with target.session() as session:
        _, failures = for_each(plan_ids, lambda plan_id: session.call("DELETE", _path(plan_id)))
    end_after(failures)


@click.command()
@click.argument("plan_id", metavar="PLAN")
@wait_option
@target_options
def apply(plan_id: str, wait: bool, target: Target) -> None:
    """Do what the saved plan PLAN says, and nothing else: its id, or the file that --out wrote.

    It is refused when anything has changed that it was made from. With --wait the exit code is 0 when all is
    done and 1 when something failed.
    """
    with target.session() as session:
        path = _path(plan_id)
        planned = session.get(path)["plan"]
        stack = {"stack_name": planned["stack_name"], "id": planned["stack_id"]}
        marker = newest_event(session, path_of(stack)) if planned["stack_id"] else ""
        stack["id"] = session.call("POST", f"{path}/execute")["stack"]["id"]
        if planned["action"] == "DELETE":
            if wait:
                end_of_delete(session, stack, marker)
            return
        if wait:
            require_success(session, follow(session, path_of(stack), marker), f"{planned['action']}_COMPLETE")
        show_result(session.get(path_of(stack))["stack"], target.form)


def _path(plan: str) -> str:
    """The path of a plan, given by its id or by the file that it was written to; raises Failure."""
    file = Path(plan)
    if file.is_file():
        try:
            plan = json.loads(file.read_text("utf-8"))["id"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise Failure(f"{file} is no plan.", BAD_INPUT) from error
        if not isinstance(plan, str):  # one that was only shown has no id
            raise Failure(f"{file} is no plan that was kept.", BAD_INPUT, "Write it with --out.")
    return f"/plans/{quote(plan, safe='')}"

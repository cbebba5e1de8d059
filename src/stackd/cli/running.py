"""The commands that need no template: wait and cancel, suspend, resume and check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from stackd.cli.changing import end_after, for_each, show_result, wait_option
from stackd.cli.failures import BAD_INPUT, Failure
from stackd.cli.following import follow, newest_event, path_of, require_success
from stackd.cli.output import Column, show_rows
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

_CANCELLED = ("ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED")
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "CHECK_COMPLETE", "SUSPEND_COMPLETE", "RESUME_COMPLETE",
         "SNAPSHOT_COMPLETE", "RESTORE_COMPLETE", "ADOPT_COMPLETE")  # fmt: skip
_COLUMNS = {
    "stack_name": Column("Stack", 0, flexible=True),
    "stack_status": Column("Status", 1),
    "stack_status_reason": Column("Reason", 2, flexible=True),
}


@click.command()
@click.argument("name")
@target_options
def wait(name: str, target: Target) -> None:
    """Follow what happens to the stack NAME until it is over, as --wait does.

    The exit code is 0 when it ended well and 1 when something failed.
    """
    with target.session() as session:
        path = path_of(session.find(name))
        ended = follow(session, path, newest_event(session, path))
        require_success(session, ended, *_GOOD, "DELETE_COMPLETE", "ROLLBACK_COMPLETE")
        show_result(session.get(path)["stack"], target.form)


@click.command()
@click.argument("name")
@click.option("--no-rollback", is_flag=True, help="Leave an update where it is, instead of undoing it.")
@wait_option
@target_options
def cancel(name: str, no_rollback: bool, wait: bool, target: Target) -> None:
    """Stop the creation or update of the stack NAME that is running.

    An update is undone, a creation stops where it is. A deletion cannot be stopped.
    """
    with target.session() as session:
        stack = session.find(name)
        status = stack["stack_status"]
        if status not in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            text = f"{stack['stack_name']} is {status}: no creation or update is running."
            raise Failure(text, BAD_INPUT, "Only these can be cancelled.")
        undone = status == "UPDATE_IN_PROGRESS" and not no_rollback
        path = path_of(stack)
        marker = newest_event(session, path)
        session.call(
            "POST", f"{path}/actions", {"cancel_update" if undone else "cancel_without_rollback": None}
        )
        if wait:
            ended = follow(session, path, marker)
            require_success(session, ended, *(_CANCELLED[:1] if undone else _CANCELLED))
        show_result(session.get(path)["stack"], target.form)


def _action(name: str, described: str) -> click.Command:
    """The command of an action on stacks as they are: ``suspend``, ``resume`` or ``check``."""

    def run(*, names: tuple[str, ...], wait: bool, target: Target) -> None:
        with target.session() as session:
            begun, failures = for_each(names, lambda each: _begin(session, each, name))
            shown, more = for_each(begun, lambda each: _outcome(session, *each, name, wait=wait))
            if shown:
                show_rows(shown, _COLUMNS, target.form)
            end_after(failures + more)

    run.__doc__ = described
    command: Callable[..., None] = wait_option(target_options(run))
    argument = click.argument("names", nargs=-1, required=True, metavar="NAME...")
    return click.command(name)(argument(command))


def _begin(session: Session, name: str, action: str) -> tuple[str, str]:
    """Ask for an action; the path of the stack, and its last event before that."""
    path = path_of(session.find(name))
    marker = newest_event(session, path)
    session.call("POST", f"{path}/actions", {action: None})
    return path, marker


def _outcome(session: Session, path: str, marker: str, action: str, *, wait: bool) -> Mapping[str, Any]:
    """The stack, at the end of the action if that is waited for."""
    if wait:
        require_success(session, follow(session, path, marker), f"{action.upper()}_COMPLETE")
    stack: Mapping[str, Any] = session.get(path, resolve_outputs="false")["stack"]
    return stack


suspend = _action(
    "suspend",
    """Let the stacks NAME... rest: their servers are suspended, in the order of a deletion.

    What rests cannot be changed, and takes no signals, until it is resumed.
    """,
)
resume = _action("resume", "Let the suspended stacks NAME... go on, in the order of a creation.")
check = _action(
    "check",
    """See whether what the stacks NAME... have made is still there and well.

    What is not becomes CHECK_FAILED, and the next update replaces it. With --wait the exit code is 1 then.
    """,
)

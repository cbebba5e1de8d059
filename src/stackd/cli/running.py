"""`stackd stack wait` and `cancel`: what an operation that is running comes to."""

from __future__ import annotations

import click

from stackd.cli.changing import show_result, wait_option
from stackd.cli.failures import BAD_INPUT, Failure
from stackd.cli.following import follow, newest_event, path_of, require_success
from stackd.cli.stack import Target, target_options

_CANCELLED = ("ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED")
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "CHECK_COMPLETE", "SUSPEND_COMPLETE", "RESUME_COMPLETE",
         "SNAPSHOT_COMPLETE", "RESTORE_COMPLETE", "ADOPT_COMPLETE")  # fmt: skip


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

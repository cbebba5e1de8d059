"""`stackd stack snapshot`: what a stack was like, kept to make it that again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from stackd.cli.changing import end_after, for_each, show_result, wait_option
from stackd.cli.failures import BAD_INPUT, FAILED, NOT_FOUND, Failure, confirm
from stackd.cli.following import follow, newest_event, path_of, require_success
from stackd.cli.output import Column, show_record, show_rows
from stackd.cli.stack import Target, target_options

if TYPE_CHECKING:
    from stackd.cli.session import Session

_COLUMNS = {
    "name": Column("Name", 0, flexible=True),
    "id": Column("Id", 1),
    "state": Column("Status", 2),
    "creation_time": Column("Created", 3),
    "status_reason": Column("Reason", 4, flexible=True),
}
_KEYS = ("name", "id", "state", "status_reason", "creation_time")
_RESOURCE_COLUMNS = {
    "name": Column("Resource", 0, flexible=True),
    "type": Column("Type", 2, flexible=True, keeps_words=True),
    "state": Column("Status", 1),
    "resource_id": Column("Physical id", 3),
}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0


@click.group()
def snapshot() -> None:
    """Keep what a stack is like, with copies of its volumes and servers, and make it that again."""


@snapshot.command()
@click.argument("name")
@click.option("--name", "label", metavar="LABEL", help="A name for the snapshot.")
@wait_option
@target_options
def create(name: str, label: str | None, wait: bool, target: Target) -> None:
    """Take a snapshot of the stack NAME: volumes are backed up, servers copied to images."""
    with target.session() as session:
        path = path_of(session.find(name))
        marker = newest_event(session, path)
        taken = session.call("POST", f"{path}/snapshots", {"name": label} if label else {})
        if wait:
            require_success(session, follow(session, path, marker), "SNAPSHOT_COMPLETE")
            taken = session.get(f"{path}/snapshots/{taken['id']}")["snapshot"]
    show_record(_with_state(taken), _KEYS, target.form)


@snapshot.command("list")
@click.argument("name")
@target_options
def list_(name: str, target: Target) -> None:
    """List the snapshots of the stack NAME, oldest first."""
    with target.session() as session:
        rows = _listed(session, path_of(session.find(name)))
    show_rows([_with_state(row) for row in rows], _COLUMNS, target.form)


@snapshot.command()
@click.argument("name")
@click.argument("wanted", metavar="SNAPSHOT")
@target_options
def show(name: str, wanted: str, target: Target) -> None:
    """Show a snapshot, by its id or name, of the stack NAME, and the resources as they were.

    -f json and -f yaml show all that is kept, with the secrets in it.
    """
    with target.session() as session:
        found = _found(session, path_of(session.find(name)), wanted)
    show_record(_with_state(found), _KEYS, target.form)
    kept = found["data"]["resources"]
    if target.form == "table" and kept:
        click.echo()
        show_rows([_with_state(each) for each in kept.values()], _RESOURCE_COLUMNS, "table")


@snapshot.command()
@click.argument("name")
@click.argument("wanted", nargs=-1, required=True, metavar="SNAPSHOT...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Return when all copies are removed.")
@target_options
def delete(name: str, wanted: tuple[str, ...], yes: bool, wait: bool, target: Target) -> None:
    """Delete snapshots, by their ids or names, of the stack NAME, and the copies that they have."""
    if not yes:
        confirm(f"Delete {', '.join(wanted)} of {name}?")
    with target.session() as session:
        path = path_of(session.find(name))
        begun, failures = for_each(wanted, lambda each: _begin_delete(session, path, each))
        if wait:
            _, more = for_each(begun, lambda each: _await_removal(session, each))
            failures += more
        end_after(failures)


@snapshot.command()
@click.argument("name")
@click.argument("wanted", metavar="SNAPSHOT")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@wait_option
@target_options
def restore(*, name: str, wanted: str, yes: bool, wait: bool, target: Target) -> None:
    """Make the stack NAME again what it was when a snapshot, named by its id or name, was taken.

    Resources that are new since then are deleted; volumes and servers get the contents that they had.
    """
    if not yes:
        confirm(f"Make {name} what it was, and lose what is newer?")
    with target.session() as session:
        path = path_of(session.find(name))
        found = _found(session, path, wanted)
        marker = newest_event(session, path)
        session.call("POST", f"{path}/snapshots/{found['id']}/restore")
        if wait:
            require_success(session, follow(session, path, marker), "RESTORE_COMPLETE")
        show_result(session.get(path)["stack"], target.form)


def _listed(session: Session, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.get(f"{path}/snapshots")["snapshots"]
    return found


def _found(session: Session, path: str, wanted: str) -> dict[str, Any]:
    """The snapshot with an id, else the only one with a name; raises Failure."""
    rows = _listed(session, path)
    for row in rows:
        if row["id"] == wanted:
            return row
    named = [row for row in rows if row["name"] == wanted]
    if len(named) == 1:
        return named[0]
    stack = path.split("/")[2]
    remedy = f"`stackd stack snapshot list {stack}` lists them."
    if named:
        ids = ", ".join(row["id"] for row in named)
        raise Failure(f"Several snapshots are called {wanted}: {ids}.", BAD_INPUT, "Give an id.")
    raise Failure(f"There is no snapshot {wanted} of this stack.", NOT_FOUND, remedy)


def _begin_delete(session: Session, path: str, wanted: str) -> str:
    """Ask for the deletion of a snapshot; its path."""
    at = f"{path}/snapshots/{quote(_found(session, path, wanted)['id'], safe='')}"
    session.call("DELETE", at)
    return at


def _await_removal(session: Session, at: str) -> None:
    """Wait until a snapshot is no longer there; raises Failure if it cannot be removed."""
    pause = _FIRST_PAUSE
    while True:
        try:
            found = session.get(at)["snapshot"]
        except Failure as failure:
            if failure.exit_code == NOT_FOUND:
                return
            raise
        if found["status"] == "FAILED":
            raise Failure(f"The snapshot {found['id']} is not deleted: {found['status_reason']}", FAILED)
        time.sleep(pause)
        pause = min(pause * 1.1, _LONGEST_PAUSE)


def _with_state(row: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot, or a resource in one, with its action and status in one word."""
    return {**row, "state": f"{row['action']}_{row['status']}"}

"""Following an operation to its end: live in a terminal, a line per event elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from stackd.cli.failures import FAILED, NOT_FOUND, Failure
from stackd.cli.output import coloured, console
from stackd.cli.progress import Progress, line, with_events, with_listing

if TYPE_CHECKING:
    from rich.table import Table

    from stackd.cli.session import Session

_DEPTH = 5
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 2.0
_LISTING_PAUSE = 1.0
_ROLLS_BACK = ("CREATE_FAILED", "UPDATE_FAILED", "ADOPT_FAILED", "RESTORE_FAILED")

Show = Callable[[Progress, Mapping[str, Any], list[Mapping[str, Any]]], None]


def path_of(stack: Mapping[str, Any]) -> str:
    """The full path of a stack below the project, which also works after its deletion."""
    from urllib.parse import quote

    return f"/stacks/{quote(stack['stack_name'], safe='')}/{stack['id']}"


def newest_event(session: Session, path: str) -> str:
    """The id of the stack's last event: the marker after which the next operation's events begin."""
    events = session.get(f"{path}/events", sort_dir="desc", limit=1)["events"]
    return str(events[0]["id"]) if events else ""


def follow(session: Session, path: str, marker: str = "") -> Mapping[str, Any]:
    """Show what happens to the stack until nothing does any more; return it as it then is."""
    progress = Progress(marker=marker)
    pause, listed, settled = _FIRST_PAUSE, 0.0, 0
    with _display() as show:
        while True:
            stack = _stack(session, path)
            events = _events(session, path, progress.marker, stack)
            progress = with_events(progress, events, stack["id"])
            if time.monotonic() - listed > _LISTING_PAUSE and (progress.strangers or not listed):
                progress = with_listing(progress, _resources(session, path))
                listed = time.monotonic()
            show(progress, stack, events)
            settled = 0 if stack["stack_status"].endswith("_IN_PROGRESS") else settled + 1
            if settled > _may_yet_roll_back(stack):
                return stack
            time.sleep(pause)
            pause = min(pause * 1.1, _LONGEST_PAUSE)


def require_success(session: Session, stack: Mapping[str, Any], wanted: str) -> None:
    """End the command with what failed, and why, unless the stack has the status that was wanted."""
    if stack["stack_status"] == wanted:
        return
    reasons = []
    for item in _resources(session, path_of(stack), status="FAILED"):
        name = "/".join(part for part in (item.get("parent_resource"), item["resource_name"]) if part)
        reasons.append(f"  {name} ({item['resource_type']}): {item['resource_status_reason']}")
    failed = f"{stack['stack_name']} is {stack['stack_status']}: {stack['stack_status_reason']}"
    raise Failure("\n".join([failed, *reasons]), FAILED)


def _may_yet_roll_back(stack: Mapping[str, Any]) -> int:
    """Number of further polls of a finished stack: a failure is briefly visible before its rollback."""
    rolls_back = not stack.get("disable_rollback", True) and stack["stack_status"] in _ROLLS_BACK
    return 3 if rolls_back and not stack.get("parent") else 0


def _stack(session: Session, path: str) -> dict[str, Any]:
    stack: dict[str, Any] = session.get(path, resolve_outputs="false")["stack"]
    return stack


def _events(session: Session, path: str, marker: str, stack: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The events since the marker; a deleted stack no longer returns those of its nested stacks."""
    query: dict[str, Any] = {"sort_dir": "asc"} | ({"marker": marker} if marker else {})
    query |= {} if stack["stack_status"] == "DELETE_COMPLETE" else {"nested_depth": _DEPTH}
    events: list[Mapping[str, Any]] = session.get(f"{path}/events", **query)["events"]
    return events


def _resources(session: Session, path: str, **filters: str) -> list[Mapping[str, Any]]:
    try:
        answer = session.get(f"{path}/resources", nested_depth=_DEPTH, **filters)
    except Failure as failure:
        if failure.exit_code == NOT_FOUND:
            return []
        raise
    resources: list[Mapping[str, Any]] = answer["resources"]
    return resources


@contextmanager
def _display() -> Iterator[Show]:
    """Something to show progress on, which is put away at the end."""
    if not sys.stderr.isatty():
        yield _lines
        return
    from rich.live import Live

    started = time.monotonic()
    screen = console(stderr=True)
    with Live(console=screen, refresh_per_second=8, transient=True) as live:

        def draw(progress: Progress, stack: Mapping[str, Any], events: list[Mapping[str, Any]]) -> None:
            height = max(screen.height - 5, 3)
            live.update(_table(progress, stack, time.monotonic() - started, height))

        yield draw


def _lines(progress: Progress, stack: Mapping[str, Any], events: list[Mapping[str, Any]]) -> None:
    for event in events:
        click.echo(line(event), err=True)


def _table(progress: Progress, stack: Mapping[str, Any], seconds: float, height: int) -> Table:
    from rich import box
    from rich.spinner import Spinner
    from rich.table import Table

    counts = progress.counts()
    caption = f"{counts['COMPLETE']} of {len(progress.rows)} done, {counts['IN_PROGRESS']} running"
    caption += f", {counts['FAILED']} failed" if counts["FAILED"] else ""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{stack['stack_name']}  {stack['stack_status']}  {seconds:.0f} s",
        caption=caption,
        title_justify="left",
        caption_justify="left",
    )
    for heading in ("", "Resource", "Type", "Status", "Reason"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for row in progress.visible(height):
        mark = Spinner("dots") if row.state == "IN_PROGRESS" else {0: "✗", 2: "✓"}.get(row.rank, "·")
        reason = "" if row.reason == "state changed" else row.reason
        kind = row.type.rpartition("/")[2]  # of a template only its file name
        table.add_row(mark, row.name, kind, coloured(row.status), reason)
    return table

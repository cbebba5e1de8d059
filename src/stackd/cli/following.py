"""Following an operation to its end: live in a terminal, a line per event elsewhere."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import click

from stackd.cli.causes import Cause, brief, causes_in
from stackd.cli.failures import FAILED, INTERRUPTED, NOT_FOUND, Failure
from stackd.cli.naming import Owners, stack_of
from stackd.cli.output import coloured, console, visible
from stackd.cli.progress import Progress, line, with_events, with_listing, worth_saying

if TYPE_CHECKING:
    from rich.table import Table

    from stackd.cli.session import Session

_DEPTH = 5
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 2.0
_LISTING_PAUSE = 1.0
_GAP = 3  # between two columns
_CAUSES = 10  # are shown at the end of an operation
_ROLLS_BACK = ("CREATE_FAILED", "UPDATE_FAILED", "ADOPT_FAILED", "RESTORE_FAILED")

Show = Callable[[Progress, Mapping[str, Any], list[Mapping[str, Any]]], None]


def path_of(stack: Mapping[str, Any]) -> str:
    """The full path of a stack below the project, which also works after its deletion."""
    return f"/stacks/{quote(stack['stack_name'], safe='')}/{stack['id']}"


def newest_event(session: Session, path: str) -> str:
    """The id of the stack's last event: the marker after which the next operation's events begin."""
    events = session.get(f"{path}/events", sort_dir="desc", limit=1)["events"]
    return str(events[0]["id"]) if events else ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A stack at the end of an operation, and what is known of its failures."""

    stack: Mapping[str, Any]
    causes: Sequence[Cause]


def follow(session: Session, path: str, marker: str = "") -> Ended:
    """Show what happens to the stack until nothing does any more; return it as it then is.

    Ctrl-C ends the command, not the operation: it raises Failure that says so.
    """
    progress = Progress(marker=marker)
    pause, listed, settled = _FIRST_PAUSE, 0.0, 0
    with _left_alone_by_interrupt(path), _display() as show:
        while True:
            stack = _stack(session, path)
            events = _events(session, path, progress.marker, stack)
            progress = with_events(progress, events, stack["id"])
            is_due = time.monotonic() - listed > _LISTING_PAUSE and (progress.strangers or not listed)
            if is_due or _has_no_place(progress, events, stack["id"]) or _has_no_type(progress, events):
                progress = with_listing(progress, _resources(session, path))
                listed = time.monotonic()
            show(progress, stack, events)
            settled = 0 if stack["stack_status"].endswith("_IN_PROGRESS") else settled + 1
            if settled > _may_yet_roll_back(stack):
                return Ended(stack, progress.causes(stack["id"]))
            time.sleep(pause)
            pause = min(pause * 1.1, _LONGEST_PAUSE)


def _has_no_place(progress: Progress, events: Sequence[Mapping[str, Any]], root: str) -> bool:
    """Whether an event is of a stack inside that no listing has had: its resource has no full name yet."""
    return any(stack_of(event) not in (root, *progress.owners.of) for event in events)


def _has_no_type(progress: Progress, events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a resource has failed that no listing has had; the next one may come after a rollback."""
    failed = (event for event in events if str(event["resource_status"]).endswith("_FAILED"))
    keys = ((stack_of(event), event["resource_name"]) for event in failed)
    return any(key in progress.failed and not progress.rows[key].type for key in keys)


@contextmanager
def _left_alone_by_interrupt(path: str) -> Iterator[None]:
    """Turns Ctrl-C into what can be done now, since the operation goes on."""
    try:
        yield
    except KeyboardInterrupt:
        name = shlex.quote(unquote(path.split("/")[2]))
        remedy = (
            f"`stackd stack wait {name}` follows it again, `stackd stack cancel {name}` stops a creation "
            "or an update."
        )
        text = "Interrupted. The operation goes on in the server."
        raise Failure(text, INTERRUPTED, remedy) from None


def require_success(session: Session, ended: Ended, *wanted: str) -> None:
    """End the command with what failed, and why, unless the stack has a status that was wanted."""
    stack = ended.stack
    if stack["stack_status"] in wanted:
        return
    causes = ended.causes or failed_resources(session, path_of(stack))
    raise Failure(failure_text(stack, causes, _CAUSES), FAILED)


def failed_resources(session: Session, path: str) -> list[Cause]:
    """Where the failures of a stack began, as its resources are now."""
    listed = _resources(session, path)
    failed = [item for item in listed if str(item["resource_status"]).endswith("_FAILED")]
    return causes_in(failed, Owners.among(listed))


def failure_text(stack: Mapping[str, Any], causes: Sequence[Cause], most: int | None = None) -> str:
    """The status of a failed stack and each cause in a line; the stack's own reason if that is longer."""
    reason = str(stack["stack_status_reason"] or "")
    says_more = not any(each.message and each.message in reason for each in causes)
    tells = bool(causes) and not (says_more and stack["stack_status"].endswith("_FAILED"))
    head = f"{stack['stack_name']} is {stack['stack_status']}" + (":" if tells else f": {reason}")
    shown = [f"  {each}" for each in causes[:most]]
    if len(causes) > len(shown):
        command = f"stackd stack failures {shlex.quote(stack['stack_name'])}"
        shown.append(f"  and {len(causes) - len(shown)} more: `{command}` shows all")
    return "\n".join([head, *shown])


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
            live.update(_table(progress, stack, time.monotonic() - started, screen.size))

        yield draw


def _lines(progress: Progress, stack: Mapping[str, Any], events: list[Mapping[str, Any]]) -> None:
    for event in events:
        click.echo(line(event, progress.owners), err=True)


def _table(progress: Progress, stack: Mapping[str, Any], seconds: float, size: tuple[int, int]) -> Table:
    """The rows that matter most, no wider and no higher than the terminal; statuses stay whole."""
    from rich import box
    from rich.spinner import Spinner
    from rich.table import Table

    width, height = size
    counts = progress.counts()
    caption = f"{counts['COMPLETE']} of {len(progress.rows)} done, {counts['IN_PROGRESS']} running"
    caption += f", {counts['FAILED']} failed" if counts["FAILED"] else ""
    title = f"{stack['stack_name']}  {stack['stack_status']}  {seconds:.0f} s"
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        title=title,
        caption=caption,
        min_width=min(
            max(len(title), len(caption)), width - 1
        ),  # else they are broken where rows are narrower
        title_justify="left",
        caption_justify="left",
    )
    rows = progress.visible(max(height - 5, 3))
    shown = [
        (
            visible(row.name),
            visible(row.type.rpartition("/")[2]),
            row.status,
            visible(brief(worth_saying(row.reason))),
        )
        for row in rows
    ]
    widths = _widths(shown, width - 1)
    table.add_column("", width=1)
    for heading, wide in zip(("Resource", "Type", "Status", "Reason"), widths, strict=True):
        if wide:
            table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=wide)
    for row, cells in zip(rows, shown, strict=True):
        mark = Spinner("dots") if row.state == "IN_PROGRESS" else {0: "✗", 2: "✓"}.get(row.rank, "·")
        table.add_row(mark, *(coloured(cell) for cell, wide in zip(cells, widths, strict=True) if wide))
    return table


def _widths(rows: Sequence[tuple[str, str, str, str]], width: int) -> tuple[int, int, int, int]:
    """Widths of name, type, status and reason: the status whole, then the name, the reason, the type."""
    name, kind, status, reason = (max((len(row[at]) for row in rows), default=0) for at in range(4))
    left = width - status - 2 * _GAP
    name = min(max(name, len("Resource")), left if not reason else max(left // 2, 16))
    left -= name
    reason = min(reason, left - _GAP) if left > _GAP + 8 else 0
    left -= reason + _GAP if reason else 0
    return name, kind if kind + _GAP <= left else 0, status, reason

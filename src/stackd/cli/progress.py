"""What an operation has done so far: built from events, one small pure step for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stackd.cli.causes import Cause, root_causes
from stackd.cli.naming import Owners, stack_of
from stackd.cli.output import visible

# The most important statuses come first in the table.
_RANK = {"FAILED": 0, "IN_PROGRESS": 1, "COMPLETE": 2}
_WAITING = 3


@dataclass(frozen=True, slots=True)
class Row:
    """A resource: its name with its owners' before it, its type, status and the reason for that."""

    name: str
    type: str = ""
    status: str = "INIT_COMPLETE"
    reason: str = ""
    order: int = 0

    @property
    def rank(self) -> int:
        """Where it belongs in the table: failed, running, done, then what has not begun."""
        return _WAITING if self.status.startswith("INIT") else _RANK[self.state]

    @property
    def state(self) -> str:
        """COMPLETE, FAILED or IN_PROGRESS, whatever the action."""
        return next((state for state in _RANK if self.status.endswith(state)), "IN_PROGRESS")


Key = tuple[str, str]  # stack id, resource name
NO_OWNERS = Owners()


@dataclass(frozen=True, slots=True)
class Progress:
    """The resources of a stack and of those below it; `marker` is the last event that has been counted."""

    rows: Mapping[Key, Row] = field(default_factory=dict)
    marker: str = ""
    seen: int = 0  # events counted so far
    strangers: bool = False  # an event was about a resource that the last listing did not have
    owners: Owners = NO_OWNERS
    failed: Mapping[Key, Row] = field(default_factory=dict)
    """Resources that failed, as they then were: a rollback removes them."""
    rolls_back: bool = False

    def causes(self, root: str) -> list[Cause]:
        """Where the failures began; of a stack whose place is unknown, the failures around it."""
        failed = [
            Cause(self.rows[key].name, self.rows[key].type, row.status, row.reason)
            for key, row in self.failed.items()
            if key[0] == root or key[0] in self.owners.of
        ]
        return root_causes(failed)

    def counts(self) -> dict[str, int]:
        """How many resources are done, running, failed and waiting."""
        counts = {"COMPLETE": 0, "IN_PROGRESS": 0, "FAILED": 0, "waiting": 0}
        for row in self.rows.values():
            counts["waiting" if row.rank == _WAITING else row.state] += 1
        return counts

    def visible(self, limit: int) -> list[Row]:
        """The rows that matter most; among equals the one that changed last."""
        return sorted(self.rows.values(), key=lambda row: (row.rank, -row.order, row.name))[:limit]


def with_listing(progress: Progress, resources: Sequence[Mapping[str, Any]]) -> Progress:
    """The progress, knowing these resources: their types, and those that no event was about yet.

    The status of a row that has had events stays, as a listing may be older than the last of them.
    """
    rows = dict(progress.rows)
    owners = progress.owners.and_among(resources)
    for item in resources:
        key = (stack_of(item), item["resource_name"])
        known = rows.get(key, Row("", status=item["resource_status"]))
        rows[key] = replace(known, name=owners.path(item), type=str(item["resource_type"]))
    return replace(progress, rows=rows, owners=owners, strangers=False)


def with_events(progress: Progress, events: Iterable[Mapping[str, Any]], root: str) -> Progress:
    """The progress after these events, oldest first; events of the stacks themselves change no row."""
    rows, failed, rolls_back = dict(progress.rows), dict(progress.failed), progress.rolls_back
    marker, seen, strangers = progress.marker, progress.seen, progress.strangers
    for event in events:
        marker, seen = str(event["id"]), seen + 1
        stack = stack_of(event)
        if event.get("physical_resource_id") == stack:
            rolls_back = rolls_back or (stack == root and event["resource_status"].startswith("ROLLBACK"))
            continue
        key = (stack, event["resource_name"])
        strangers = strangers or key not in rows
        known = rows.get(key, Row(progress.owners.path(event)))
        reason = event["resource_status_reason"] or ""
        rows[key] = replace(known, status=event["resource_status"], reason=reason, order=seen)
        if rows[key].state == "FAILED":
            failed[key] = rows[key]
        elif rows[key].state == "COMPLETE" and not rolls_back:
            failed.pop(key, None)  # it was tried again, and that went well
    return replace(
        progress,
        rows=rows,
        failed=failed,
        rolls_back=rolls_back,
        marker=marker,
        seen=seen,
        strangers=strangers,
    )


def line(event: Mapping[str, Any], owners: Owners = NO_OWNERS) -> str:
    """An event as a line for a log."""
    reason = worth_saying(event.get("resource_status_reason"))
    shown = f"  {reason}" if reason else ""
    return visible(f"{event['event_time']}  {event['resource_status']:<18}  {owners.path(event)}{shown}")


def worth_saying(reason: str | None) -> str:
    """A reason in one line; empty for one without information."""
    return "" if reason in (None, "state changed") else " ".join(str(reason).split())

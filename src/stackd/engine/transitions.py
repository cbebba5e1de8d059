"""Moves of stacks and resources from state to state, as changes for the journal.

Every move is checked against the tables of ``planning.states`` before there is anything to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from stackd.db.journal import Insert, Update
from stackd.engine.factories import resource_event, stack_event
from stackd.engine.planning.states import moved
from stackd.records import Action, Resource, Stack, Status

R = TypeVar("R", Stack, Resource)

STATE_CHANGED: Final = "state changed"
"""The reason that clients see on a resource that did not fail."""

_STACK_REASONS: Final = {
    Status.IN_PROGRESS: "Stack {} started",
    Status.COMPLETE: "Stack {} completed successfully",
}


@dataclass(frozen=True, slots=True)
class Transition(Generic[R]):
    """A record in its new state, the change that stores it, and the event, if there is one."""

    record: R
    change: Insert | Update
    events: tuple[Insert, ...]


def new_stack(stack: Stack, action: Action) -> Transition[Stack]:
    """The first state of a stack that is not stored yet."""
    record = moved(stack, action, Status.IN_PROGRESS, stack_reason(action, Status.IN_PROGRESS))
    return Transition(record, Insert(record), (_event_of(record),))


def move_stack(
    stack: Stack,
    action: Action,
    status: Status,
    reason: str | None = None,
    *,
    where: Mapping[str, Any] | None = None,
    again: bool = False,
    **values: Any,
) -> Transition[Stack]:
    """A stack in its new state, stored only while the fields of ``where`` have the values that it names.

    There is no event when the state stays as it is, unless the action begins ``again``.
    """
    reason = stack_reason(action, status) if reason is None else reason
    record = moved(stack, action, status, reason, **values)
    stays = (stack.action, stack.status) == (action, status)
    update = Update(Stack, stack.id, _state(record) | values, where=where or {})
    return Transition(record, update, () if stays and not again else (_event_of(record),))


def move_resource(
    stack: Stack,
    row: Resource,
    action: Action,
    status: Status,
    reason: str,
    shown_id: str | None,
    shown: Mapping[str, Any] | None = None,
    **values: Any,
) -> Transition[Resource]:
    """A resource in its new state; each attempt is an event with ``shown_id`` and properties ``shown``."""
    record = moved(row, action, status, reason, **values)
    event = resource_event(stack, row, action, status, reason, shown_id, shown)
    return Transition(record, Update(Resource, row.id, _state(record) | values), (event,))


def stack_reason(action: Action, status: Status) -> str:
    """The reason that clients see on a stack whose action began or succeeded."""
    return _STACK_REASONS[status].format(action)


def _state(record: Stack | Resource) -> dict[str, Any]:
    """A state is stored whole, so that no two moves can mix."""
    return {"action": record.action, "status": record.status, "reason": record.reason}


def _event_of(stack: Stack) -> Insert:
    return stack_event(stack, stack.action, stack.status, stack.reason)

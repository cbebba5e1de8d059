"""The states of stacks and resources as CloudFormation has them: a closed set, which waiters know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from stackd.records import Action, Stack, Status

_ON_STACKS: Final[Mapping[Action, str]] = {
    Action.CREATE: "CREATE",
    Action.DELETE: "DELETE",
    Action.UPDATE: "UPDATE",
    Action.ADOPT: "IMPORT",
    Action.ROLLBACK: "UPDATE_ROLLBACK",
}
"""The actions that CloudFormation knows; any other is an update there."""

_ROLLED_BACK_CREATION: Final = "ROLLBACK"
_UPDATE: Final = "UPDATE"
_REVIEWED: Final = "REVIEW_IN_PROGRESS"


def stack_status(stack: Stack) -> str:
    """The state of a stack."""
    return status_of(stack, stack.action, stack.status)


def status_of(stack: Stack, action: Action, status: Status) -> str:
    """A state that a stack is or was in. What rolled back to nothing had been created."""
    if action is Action.INIT:
        return _REVIEWED
    if action is Action.ROLLBACK and not stack.definition.template:
        return f"{_ROLLED_BACK_CREATION}_{status}"
    return f"{_ON_STACKS.get(action, _UPDATE)}_{status}"


def resource_status(action: Action, status: Status) -> str:
    """The state of a resource."""
    return f"{_ON_STACKS.get(action, _UPDATE)}_{status}"


def reason_of(action: Action, status: Status, reason: str) -> str | None:
    """The reason of a state, with the state itself where CloudFormation knows it by another name only."""
    if action in _ON_STACKS or action is Action.INIT:
        return reason or None
    return f"{action}_{status}: {reason}" if reason else f"{action}_{status}"


def native_statuses(wanted: Iterable[str]) -> tuple[str, ...]:
    """The states that may be shown as one of those: ``CREATE_COMPLETE`` and so on."""
    names = frozenset(wanted)
    every = ((action, status) for action in Action for status in Status)
    return tuple(f"{action}_{status}" for action, status in every if names & _shown_as(action, status))


def _shown_as(action: Action, status: Status) -> frozenset[str]:
    """The names by which a state may be shown."""
    if action is Action.INIT:
        return frozenset({_REVIEWED})
    also = (_ROLLED_BACK_CREATION,) if action is Action.ROLLBACK else ()
    return frozenset(f"{name}_{status}" for name in (_ON_STACKS.get(action, _UPDATE), *also))

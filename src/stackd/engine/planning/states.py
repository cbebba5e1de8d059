"""What may happen to a stack or resource in which state. What is not in these tables cannot happen.

A state is an action with a status. ``START`` says from which states an action may begin on a stack;
``RESOURCE_START`` the same for a resource. Ends are always ``(action, COMPLETE)`` or
``(action, FAILED)`` of the action that began.
"""

from __future__ import annotations

from stackd.errors import ActionInProgress, NotSupported
from stackd.records import Action, Resource, Stack, Status

State = tuple[Action, Status]

_A = Action
_IP, _OK, _BAD = Status.IN_PROGRESS, Status.COMPLETE, Status.FAILED
_DONE = (_OK, _BAD)
_ANY = (_IP, _OK, _BAD)


def _states(actions: str, statuses: tuple[Status, ...]) -> frozenset[State]:
    return frozenset((Action(name), status) for name in actions.split() for status in statuses)


ROLLED_BACK = frozenset({_A.CREATE, _A.ADOPT, _A.UPDATE, _A.RESTORE})
"""Actions whose failure is rolled back when the stack says so."""

_CHANGEABLE = "CREATE UPDATE ROLLBACK RESUME CHECK ADOPT SNAPSHOT RESTORE"

START: dict[Action, frozenset[State]] = {
    _A.UPDATE: _states(_CHANGEABLE, _ANY),
    _A.ROLLBACK: _states("CREATE UPDATE ADOPT RESTORE", _ANY) | _states("ROLLBACK", (_IP,)),
    _A.DELETE: _states(f"{_CHANGEABLE} SUSPEND", _ANY) | _states("DELETE", (_IP, _BAD)),
    _A.CHECK: _states(f"{_CHANGEABLE} SUSPEND DELETE", _DONE),
    _A.SUSPEND: _states(f"{_CHANGEABLE} SUSPEND", _DONE),
    _A.RESUME: _states(f"{_CHANGEABLE} SUSPEND", _DONE),
    _A.SNAPSHOT: _states(f"{_CHANGEABLE} SUSPEND", _DONE),
    _A.RESTORE: _states(_CHANGEABLE, _DONE),
}

RESOURCE_START: dict[Action, frozenset[State]] = {
    _A.CREATE: _states("INIT", (_OK,)) | _states("CREATE", (_IP, _BAD)) | _states("DELETE", (_IP, _OK, _BAD)),
    _A.UPDATE: _states(_CHANGEABLE, _ANY),
    _A.DELETE: _states(f"INIT {_CHANGEABLE} SUSPEND DELETE", _ANY),
    _A.CHECK: _states(f"{_CHANGEABLE} SUSPEND", _ANY),
    _A.SUSPEND: _states(_CHANGEABLE, (_OK,)) | _states("SUSPEND", _ANY),
    _A.RESUME: _states("SUSPEND", (_OK,)) | _states("RESUME", _ANY),
}


def require_start(stack: Stack, action: Action) -> None:
    """Refuse an action that a stack in this state does not admit, in the API's words."""
    if (stack.action, stack.status) in START[action]:
        return
    if stack.status is Status.IN_PROGRESS and stack.action not in (_A.SUSPEND, _A.DELETE):
        raise ActionInProgress(stack.name, stack.action)
    gerund = {_A.SUSPEND: "suspended", _A.DELETE: "deleting"}.get(stack.action, stack.action.lower())
    verb = {_A.UPDATE: "Updating"}.get(action, action.capitalize())
    raise NotSupported(f"{verb} a stack when it is {gerund} is not supported.")


def may_start(resource: Resource, action: Action) -> bool:
    """Whether a resource in this state admits the action."""
    return (resource.action, resource.status) in RESOURCE_START[action]

"""What may happen to a stack or resource in which state, and each move as changes to write, with its event.

A state is an action with a status. ``STACK_MOVES`` and ``RESOURCE_MOVES`` list for every state the states
that may follow it; ``moved`` is the only function that changes a state, and consults them: what is not in
these tables cannot happen. ``START`` lists the states in which an action may begin on a stack,
``RESOURCE_START`` the same for a resource, with ``RESTING_START`` for one that rests.
An action that may not begin is refused in the words that clients know (``require_start``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from stackd.db.journal import Insert, Update
from stackd.drafts import changed
from stackd.errors import ActionInProgress, NotSupported
from stackd.records import Action, Event, Resource, Stack, Status
from stackd.template.masking import shown_id
from stackd.urls import shown_name

R = TypeVar("R", Stack, Resource)

State = tuple[Action, Status]
_A = Action
_IP, _OK, _BAD = Status.IN_PROGRESS, Status.COMPLETE, Status.FAILED
_DONE = (_OK, _BAD)
_OPEN = (_IP, _BAD)
_ANY = (_IP, _OK, _BAD)


class IllegalTransition(Exception):
    """A stack or resource would enter a state that cannot follow its present one: an error of the engine."""


def _states(actions: str, statuses: tuple[Status, ...]) -> frozenset[State]:
    return frozenset((Action(name), status) for name in actions.split() for status in statuses)


def _moves(*entries: tuple[frozenset[State], State]) -> dict[State, frozenset[State]]:
    """What may follow each state, from pairs of the states before a move and the state after it."""
    return {state: frozenset(after for before, after in entries if state in before) for state in STATES}


_INITIAL = _states("INIT", (_OK,))
"""The state of what is not made yet."""

_CHANGEABLE = "CREATE UPDATE ROLLBACK RESUME CHECK ADOPT SNAPSHOT RESTORE"
STATES: Final = _INITIAL | _states(f"{_CHANGEABLE} SUSPEND DELETE", _ANY)

ROLLED_BACK = frozenset({_A.CREATE, _A.ADOPT, _A.UPDATE, _A.RESTORE})
"""Actions whose failure is rolled back if the stack asks for it."""

START: Final[Mapping[Action, frozenset[State]]] = {
    _A.CREATE: _INITIAL | _states("CREATE", _OPEN),
    _A.ADOPT: _INITIAL | _states("ADOPT", _OPEN),
    # What is not adopted yet would be made a second time, and a snapshot must be of one moment.
    _A.UPDATE: _states(_CHANGEABLE, _ANY) - _states("ADOPT SNAPSHOT", (_IP,)),
    _A.ROLLBACK: _states("CREATE UPDATE ADOPT RESTORE", _ANY) | _states("ROLLBACK", _OPEN),
    _A.DELETE: _states(f"{_CHANGEABLE} SUSPEND", _ANY) | _states("DELETE", _OPEN),
    _A.CHECK: _states(f"{_CHANGEABLE} SUSPEND", _DONE) | _states("DELETE", (_BAD,)),
    _A.SUSPEND: _states(f"{_CHANGEABLE} SUSPEND", _DONE),
    _A.RESUME: _states(f"{_CHANGEABLE} SUSPEND", _DONE),
    _A.SNAPSHOT: _states(f"{_CHANGEABLE} SUSPEND", _DONE),
    _A.RESTORE: _states(_CHANGEABLE, _DONE),
}

RESOURCE_START: Final[Mapping[Action, frozenset[State]]] = {
    _A.CREATE: _INITIAL | _states("CREATE", _OPEN) | _states("DELETE", _ANY),
    _A.ADOPT: _INITIAL | _states("CREATE UPDATE ADOPT CHECK DELETE", _OPEN),
    _A.UPDATE: _states(_CHANGEABLE, _ANY) | _states("SUSPEND", _DONE),
    _A.DELETE: _INITIAL | _states(f"{_CHANGEABLE} SUSPEND DELETE", _ANY),
    _A.CHECK: _states(f"{_CHANGEABLE} SUSPEND", _DONE) | _states("CHECK", _ANY),
    _A.SUSPEND: _states(_CHANGEABLE, (_OK,)) | _states("SUSPEND", _ANY),
    _A.RESUME: _states("SUSPEND", (_OK,)) | _states("RESUME", _ANY),
    _A.SNAPSHOT: _states(f"{_CHANGEABLE} SUSPEND", _DONE) | _states("SNAPSHOT", _ANY),
}

RESTING_START: Final[Mapping[Action, frozenset[State]]] = {
    _A.SUSPEND: _states("SNAPSHOT", (_BAD,)),
    _A.RESUME: _states("CHECK", (_OK,)) | _states("SNAPSHOT", (_BAD,)),
}
"""The states in which an action may begin, beside the others, on a resource that rests."""

NO_EFFECT: Final[Mapping[Action, State]] = {_A.SUSPEND: (_A.SUSPEND, _OK), _A.RESUME: (_A.RESUME, _OK)}
"""Actions that are accepted of a stack in this state, and do nothing."""

CANCELS: Final[Mapping[str, frozenset[State]]] = {
    "cancel_update": _states("UPDATE", (_IP,)),
    "cancel_without_rollback": _states("CREATE UPDATE", (_IP,)),
}
"""What each way of cancelling can cancel."""

STACK_MOVES: Final = _moves(
    *((before, (action, _IP)) for action, before in START.items()),
    # An end is stored again where the operations of a nested stack and of its parent run the same action.
    *((_states(action, _ANY), (action, end)) for action in START for end in _DONE),
    # An update of the parent updates a nested stack whose own deletion failed or was interrupted.
    (_states("DELETE", _OPEN), (_A.UPDATE, _IP)),
    # So it does with one that is suspended still because the resumption of its parent failed.
    (_states("SUSPEND", _DONE), (_A.UPDATE, _IP)),
    # A stack of which only the name is reserved goes at once.
    (_INITIAL, (_A.DELETE, _OK)),
    # New files that change nothing in a nested stack are stored without UPDATE_IN_PROGRESS; storing may fail.
    (_states(_CHANGEABLE, (_OK,)), (_A.UPDATE, _BAD)),
)
"""For every state of a stack the states that may follow it."""

RESOURCE_MOVES: Final = _moves(
    *((before, (action, _IP)) for action, before in RESOURCE_START.items()),
    *((before, (action, _IP)) for action, before in RESTING_START.items()),
    *((_states(action, (_IP,)), (action, end)) for action in RESOURCE_START for end in _DONE),
    # The recovery of an interrupted create finds that nothing was made.
    (_states("CREATE", (_IP,)), (_A.INIT, _OK)),
    # A nested stack that was never stored is created by the update that follows.
    (_states("UPDATE", (_IP,)), (_A.CREATE, _IP)),
    # The definition of a deleted resource that is wanted again cannot be evaluated.
    (_states("DELETE", _ANY), (_A.UPDATE, _IP)),
    # A failed resource turns out to be as it should be.
    *((_states(action, (_BAD,)), (Action(action), _OK)) for action in _CHANGEABLE.split()),
    # A type that has no check is marked at once.
    (_states(f"{_CHANGEABLE} SUSPEND", (_OK,)), (_A.CHECK, _OK)),
    # What rested when its snapshot was begun rests again.
    (_states("SNAPSHOT", (_OK,)), (_A.SUSPEND, _OK)),
    # Some members of a nested stack whose check failed while it was suspended can be resumed.
    (_states("CHECK", (_BAD,)), (_A.RESUME, _IP)),
    # An update resumes first what rests.
    (_states("SUSPEND", _DONE), (_A.RESUME, _IP)),
    # A user marks a resource unhealthy.
    (_INITIAL | _states(f"{_CHANGEABLE} SUSPEND", _DONE), (_A.CHECK, _BAD)),
)
"""For every state of a resource the states that may follow it."""


def moved(record: R, action: Action, status: Status, reason: str, **values: Any) -> R:
    """The record in a new state, with further new ``values``. Raises ``IllegalTransition``."""
    moves = STACK_MOVES if isinstance(record, Stack) else RESOURCE_MOVES
    if (action, status) not in moves.get((record.action, record.status), ()):
        subject = f"{type(record).__name__.lower()} {record.name} ({record.id})"
        raise IllegalTransition(
            f"The {subject} cannot become {action}_{status}: it is {record.action}_{record.status}."
        )
    return changed(record, action=action, status=status, reason=reason, **values)


def require_start(stack: Stack, action: Action) -> None:
    """Refuse an action that a stack in this state does not admit, in the API's words."""
    if (stack.action, stack.status) in START[action]:
        return
    superseded = action in _SUPERSEDING and stack.action in _UNFIT
    if stack.status is Status.IN_PROGRESS and not superseded:
        raise ActionInProgress(stack.name, stack.action)
    state = _UNFIT.get(stack.action, stack.action.lower())
    raise NotSupported(f"{_GERUNDS.get(action, action)} a stack when it is {state} is not supported.")


def require_cancellable(stack: Stack, way: str) -> None:
    """Refuse to cancel what does not run, in the API's words."""
    if (stack.action, stack.status) not in CANCELS[way]:
        state = f"{stack.action}_{stack.status}"
        raise NotSupported(f"Cancelling update when stack is {state} is not supported.")


_SUPERSEDING = frozenset({_A.UPDATE, _A.RESTORE})
_UNFIT: Final = {_A.SUSPEND: "suspended", _A.DELETE: "deleting", _A.INIT: "only reserved for change sets"}
"""Actions after which, whatever their status, there is nothing to change; and how the API says so."""

_GERUNDS: Final = {
    _A.UPDATE: "Updating",
    _A.RESTORE: "Restoring",
    _A.CHECK: "Checking",
    _A.SUSPEND: "Suspending",
    _A.RESUME: "Resuming",
    _A.SNAPSHOT: "Taking a snapshot of",
    _A.DELETE: "Deleting",
}


# --- moves as changes ---------------------------------------------------------------------------------

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


# --- events -------------------------------------------------------------------------------------------

STACK_TYPE: Final = "OS::Heat::Stack"
REASON_LIMIT: Final = 255


def stack_event(stack: Stack, action: Action, status: Status, reason: str) -> Insert:
    """The record that a stack changed its state."""
    return _event(stack, stack.name, STACK_TYPE, action, status, reason, physical_id=stack.id)


def resource_event(
    stack: Stack,
    row: Resource,
    action: Action,
    status: Status,
    reason: str,
    physical_id: str | None,
    properties: Mapping[str, Any] | None = None,
) -> Insert:
    """The record that a resource changed its state; ``properties`` are those it gets, without secrets."""
    return _event(
        stack,
        row.name,
        shown_name(row.type),
        action,
        status,
        reason,
        physical_id=shown_id(physical_id),
        resource_id=row.id,
        properties=properties,
    )


def _event(
    stack: Stack, name: str, kind: str, action: Action, status: Status, reason: str, **fields: Any
) -> Insert:
    return Insert(
        Event(
            stack_id=stack.id,
            root_id=stack.root_id,
            project_id=stack.project_id,
            resource_name=name,
            resource_type=kind,
            action=action,
            status=status,
            reason=reason[:REASON_LIMIT],
            **fields,
        )
    )

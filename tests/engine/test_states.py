"""The tables of states against what operators may rely on."""

from __future__ import annotations

import pytest

from stackd.engine.transitions import (
    RESOURCE_START,
    ROLLED_BACK,
    STATES,
    IllegalTransition,
    State,
    moved,
    require_start,
)
from stackd.errors import ActionInProgress, NotSupported
from stackd.records import Action, Resource, Stack, Status
from tests.support.records import a_resource, a_stack

A, S = Action, Status
ENDED = [
    (action, status)
    for action in (A.CREATE, A.UPDATE, A.ROLLBACK, A.RESUME, A.CHECK, A.ADOPT, A.SNAPSHOT, A.RESTORE)
    for status in (S.COMPLETE, S.FAILED)
]


@pytest.mark.parametrize(("action", "status"), ENDED)
@pytest.mark.parametrize("wanted", [A.UPDATE, A.DELETE, A.CHECK, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.RESTORE])
def test_stack_that_ended_an_action_admits_all_others(action: Action, status: Status, wanted: Action) -> None:
    assert require_start(a_stack(action=action, status=status), wanted) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("action", [A.CREATE, A.UPDATE, A.ROLLBACK, A.RESUME, A.CHECK])
def test_update_and_delete_supersede_what_runs_and_nothing_else_does(action: Action) -> None:
    running = a_stack("web", action=action, status=S.IN_PROGRESS)
    require_start(running, A.UPDATE)
    require_start(running, A.DELETE)
    for refused in (A.CHECK, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.RESTORE):
        with pytest.raises(ActionInProgress, match=rf"Stack web already has an action \({action}\)"):
            require_start(running, refused)


@pytest.mark.parametrize(
    ("action", "word"), [(A.SUSPEND, "suspended"), (A.DELETE, "deleting")], ids=["suspend", "delete"]
)
@pytest.mark.parametrize("status", list(Status))
def test_update_of_a_suspended_or_deleted_stack_is_refused_in_known_words(
    action: Action, word: str, status: Status
) -> None:
    with pytest.raises(NotSupported, match=f"^Updating a stack when it is {word} is not supported.$"):
        require_start(a_stack(action=action, status=status), A.UPDATE)


def test_deletion_may_be_asked_for_again_until_it_is_complete() -> None:
    for status in (S.IN_PROGRESS, S.FAILED):
        require_start(a_stack(action=A.DELETE, status=status), A.DELETE)
    with pytest.raises(NotSupported):
        require_start(a_stack(action=A.DELETE, status=S.COMPLETE), A.DELETE)


def test_failures_of_changes_are_rolled_back_and_of_nothing_else() -> None:
    assert {A.CREATE, A.ADOPT, A.UPDATE, A.RESTORE} == ROLLED_BACK


@pytest.mark.parametrize(
    ("wanted", "action", "status", "answer"),
    [
        (A.CREATE, A.INIT, S.COMPLETE, True),
        (A.CREATE, A.CREATE, S.COMPLETE, False),
        (A.CREATE, A.UPDATE, S.COMPLETE, False),
        (A.UPDATE, A.INIT, S.COMPLETE, False),
        (A.UPDATE, A.DELETE, S.COMPLETE, False),
        (A.SUSPEND, A.DELETE, S.COMPLETE, False),
        (A.SUSPEND, A.CREATE, S.COMPLETE, True),
        (A.SUSPEND, A.CREATE, S.FAILED, False),
        (A.SUSPEND, A.SUSPEND, S.FAILED, True),
        (A.RESUME, A.SUSPEND, S.COMPLETE, True),
        (A.RESUME, A.SUSPEND, S.FAILED, False),
        (A.RESUME, A.RESUME, S.FAILED, True),
        (A.RESUME, A.RESUME, S.COMPLETE, True),
        (A.RESUME, A.CREATE, S.COMPLETE, False),
        (A.DELETE, A.INIT, S.COMPLETE, True),
        (A.DELETE, A.DELETE, S.FAILED, True),
        (A.CHECK, A.SUSPEND, S.COMPLETE, True),
    ],
)
def test_action_of_a_resource_begins_only_from_its_states(
    wanted: Action, action: Action, status: Status, answer: bool
) -> None:
    assert ((action, status) in RESOURCE_START[wanted]) is answer


_LETTERS = {S.IN_PROGRESS: "I", S.COMPLETE: "C", S.FAILED: "F"}

# For every state what may follow it: actions with the first letters of their statuses.
STACK_TABLE = """
INIT_COMPLETE        ADOPT:I CREATE:I DELETE:C
CREATE_IN_PROGRESS   CREATE:ICF UPDATE:I DELETE:I ROLLBACK:I
CREATE_COMPLETE      CREATE:CF  UPDATE:IF DELETE:I ROLLBACK:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
CREATE_FAILED        CREATE:ICF UPDATE:I DELETE:I ROLLBACK:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
ADOPT_IN_PROGRESS    ADOPT:ICF DELETE:I ROLLBACK:I
ADOPT_COMPLETE       ADOPT:CF UPDATE:IF DELETE:I ROLLBACK:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
ADOPT_FAILED         ADOPT:ICF UPDATE:I DELETE:I ROLLBACK:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
UPDATE_IN_PROGRESS   UPDATE:ICF DELETE:I ROLLBACK:I
UPDATE_COMPLETE      UPDATE:ICF DELETE:I ROLLBACK:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
UPDATE_FAILED        UPDATE:ICF DELETE:I ROLLBACK:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
ROLLBACK_IN_PROGRESS ROLLBACK:ICF UPDATE:I DELETE:I
ROLLBACK_COMPLETE    ROLLBACK:CF UPDATE:IF DELETE:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
ROLLBACK_FAILED      ROLLBACK:ICF UPDATE:I DELETE:I CHECK:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
CHECK_IN_PROGRESS    CHECK:CF UPDATE:I DELETE:I
CHECK_COMPLETE       CHECK:ICF UPDATE:IF DELETE:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
CHECK_FAILED         CHECK:ICF UPDATE:I DELETE:I RESTORE:I RESUME:I SNAPSHOT:I SUSPEND:I
SUSPEND_IN_PROGRESS  SUSPEND:CF DELETE:I
SUSPEND_COMPLETE     SUSPEND:ICF UPDATE:I DELETE:I CHECK:I RESUME:I SNAPSHOT:I
SUSPEND_FAILED       SUSPEND:ICF UPDATE:I DELETE:I CHECK:I RESUME:I SNAPSHOT:I
RESUME_IN_PROGRESS   RESUME:CF UPDATE:I DELETE:I
RESUME_COMPLETE      RESUME:ICF UPDATE:IF DELETE:I CHECK:I RESTORE:I SNAPSHOT:I SUSPEND:I
RESUME_FAILED        RESUME:ICF UPDATE:I DELETE:I CHECK:I RESTORE:I SNAPSHOT:I SUSPEND:I
SNAPSHOT_IN_PROGRESS SNAPSHOT:CF DELETE:I
SNAPSHOT_COMPLETE    SNAPSHOT:ICF UPDATE:IF DELETE:I CHECK:I RESTORE:I RESUME:I SUSPEND:I
SNAPSHOT_FAILED      SNAPSHOT:ICF UPDATE:I DELETE:I CHECK:I RESTORE:I RESUME:I SUSPEND:I
RESTORE_IN_PROGRESS  RESTORE:CF UPDATE:I DELETE:I ROLLBACK:I
RESTORE_COMPLETE     RESTORE:ICF UPDATE:IF DELETE:I ROLLBACK:I CHECK:I RESUME:I SNAPSHOT:I SUSPEND:I
RESTORE_FAILED       RESTORE:ICF UPDATE:I DELETE:I ROLLBACK:I CHECK:I RESUME:I SNAPSHOT:I SUSPEND:I
DELETE_IN_PROGRESS   DELETE:ICF UPDATE:I
DELETE_COMPLETE      DELETE:CF
DELETE_FAILED        DELETE:ICF UPDATE:I CHECK:I
"""

# A resource never is in ROLLBACK or RESTORE.
RESOURCE_TABLE = """
INIT_COMPLETE        CREATE:I ADOPT:I DELETE:I CHECK:F
CREATE_IN_PROGRESS   CREATE:ICF INIT:C ADOPT:I UPDATE:I DELETE:I
CREATE_COMPLETE      UPDATE:I DELETE:I CHECK:ICF SUSPEND:I SNAPSHOT:I
CREATE_FAILED        CREATE:IC ADOPT:I UPDATE:I DELETE:I CHECK:IF SNAPSHOT:I
ADOPT_IN_PROGRESS    ADOPT:ICF UPDATE:I DELETE:I
ADOPT_COMPLETE       UPDATE:I DELETE:I CHECK:ICF SUSPEND:I SNAPSHOT:I
ADOPT_FAILED         ADOPT:IC UPDATE:I DELETE:I CHECK:IF SNAPSHOT:I
UPDATE_IN_PROGRESS   UPDATE:ICF CREATE:I ADOPT:I DELETE:I
UPDATE_COMPLETE      UPDATE:I DELETE:I CHECK:ICF SUSPEND:I SNAPSHOT:I
UPDATE_FAILED        UPDATE:IC ADOPT:I DELETE:I CHECK:IF SNAPSHOT:I
CHECK_IN_PROGRESS    CHECK:ICF ADOPT:I UPDATE:I DELETE:I
CHECK_COMPLETE       CHECK:ICF UPDATE:I DELETE:I SUSPEND:I RESUME:I SNAPSHOT:I
CHECK_FAILED         CHECK:ICF ADOPT:I UPDATE:I DELETE:I RESUME:I SNAPSHOT:I
SUSPEND_IN_PROGRESS  SUSPEND:ICF DELETE:I
SUSPEND_COMPLETE     SUSPEND:I UPDATE:I DELETE:I CHECK:ICF RESUME:I SNAPSHOT:I
SUSPEND_FAILED       SUSPEND:I UPDATE:I DELETE:I CHECK:IF RESUME:I SNAPSHOT:I
RESUME_IN_PROGRESS   RESUME:ICF UPDATE:I DELETE:I
RESUME_COMPLETE      RESUME:I UPDATE:I DELETE:I CHECK:ICF SUSPEND:I SNAPSHOT:I
RESUME_FAILED        RESUME:IC UPDATE:I DELETE:I CHECK:IF SNAPSHOT:I
SNAPSHOT_IN_PROGRESS SNAPSHOT:ICF UPDATE:I DELETE:I
SNAPSHOT_COMPLETE    SNAPSHOT:I UPDATE:I DELETE:I CHECK:ICF SUSPEND:IC
SNAPSHOT_FAILED      SNAPSHOT:IC UPDATE:I DELETE:I CHECK:IF SUSPEND:I RESUME:I
DELETE_IN_PROGRESS   DELETE:ICF CREATE:I UPDATE:I ADOPT:I
DELETE_COMPLETE      DELETE:I CREATE:I UPDATE:I
DELETE_FAILED        DELETE:I CREATE:I UPDATE:I ADOPT:I
"""


def _rows(table: str) -> list[tuple[State, set[State]]]:
    rows = []
    for line in table.strip().splitlines():
        state, *following = line.split()
        action, _, status = state.partition("_")
        targets = {
            (Action(name), each)
            for name, letters in (entry.split(":") for entry in following)
            for each in S
            if _LETTERS[each] in letters
        }
        rows.append(((Action(action), S(status)), targets))
    return rows


def _reached(record: Stack | Resource) -> set[State]:
    """All states that the record may be moved to."""
    reached = set()
    for action in Action:
        for status in S:
            try:
                after = moved(record, action, status, "why", updated_at=None)
            except IllegalTransition:
                continue
            assert (after.action, after.status, after.reason, after.id) == (action, status, "why", record.id)
            reached.add((action, status))
    return reached


def _named(value: State | set[State]) -> str:
    """A state's name; sets have no order, so their size must do."""
    return "_".join(value) if isinstance(value, tuple) else str(len(value))


@pytest.mark.parametrize(("state", "following"), _rows(STACK_TABLE), ids=_named)
def test_stack_moves_from_each_state_to_those_of_the_table_only(state: State, following: set[State]) -> None:
    assert _reached(a_stack(action=state[0], status=state[1])) == following


@pytest.mark.parametrize(("state", "following"), _rows(RESOURCE_TABLE), ids=_named)
def test_resource_moves_from_each_state_to_those_of_the_table_only(
    state: State, following: set[State]
) -> None:
    assert _reached(a_resource(a_stack(), action=state[0], status=state[1])) == following


def test_tables_name_every_state_of_a_stack_and_every_one_that_a_resource_can_reach() -> None:
    assert {state for state, _ in _rows(STACK_TABLE)} == STATES
    named = {state for state, _ in _rows(RESOURCE_TABLE)}
    assert {target for _, following in _rows(RESOURCE_TABLE) for target in following} <= named <= STATES


def test_move_that_is_not_in_the_table_is_refused_with_both_states() -> None:
    gone = a_stack("web", id="7", action=A.DELETE, status=S.COMPLETE)
    refusal = r"^The stack web \(7\) cannot become UPDATE_IN_PROGRESS: it is DELETE_COMPLETE\.$"
    with pytest.raises(IllegalTransition, match=refusal):
        moved(gone, A.UPDATE, S.IN_PROGRESS, "why")

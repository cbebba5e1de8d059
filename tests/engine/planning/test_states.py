"""The tables of states against what operators may rely on."""

from __future__ import annotations

import pytest

from stackd.engine.planning.states import ROLLED_BACK, may_start, require_start
from stackd.errors import ActionInProgress, NotSupported
from stackd.records import Action, Status
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
    assert may_start(a_resource(a_stack(), action=action, status=status), wanted) is answer

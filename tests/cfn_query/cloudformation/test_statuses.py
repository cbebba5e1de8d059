from dataclasses import replace

import pytest

from stackd.cfn_query.cloudformation.statuses import native_statuses, reason_of, resource_status, stack_status
from stackd.records import Action, Definition, Status
from tests.support.records import a_stack

MADE = a_stack(definition=Definition("template"))
EMPTY = a_stack(definition=Definition())


@pytest.mark.parametrize(
    ("action", "shown", "shown_of_empty"),
    [
        ("CREATE", "CREATE", "CREATE"),
        ("UPDATE", "UPDATE", "UPDATE"),
        ("DELETE", "DELETE", "DELETE"),
        ("ADOPT", "IMPORT", "IMPORT"),
        ("ROLLBACK", "UPDATE_ROLLBACK", "ROLLBACK"),
        ("CHECK", "UPDATE", "UPDATE"),
        ("SUSPEND", "UPDATE", "UPDATE"),
        ("RESTORE", "UPDATE", "UPDATE"),
    ],
)
def test_state_of_a_stack_is_one_that_waiters_know(action: str, shown: str, shown_of_empty: str) -> None:
    for status in Status:
        for one, name in ((MADE, shown), (EMPTY, shown_of_empty)):
            assert stack_status(replace(one, action=Action(action), status=status)) == f"{name}_{status}"


def test_stack_that_was_not_begun_is_reviewed() -> None:
    assert stack_status(replace(EMPTY, action=Action.INIT)) == "REVIEW_IN_PROGRESS"


def test_reason_has_the_state_that_has_no_name_of_its_own() -> None:
    assert reason_of(Action.CHECK, Status.FAILED, "gone") == "CHECK_FAILED: gone"
    assert reason_of(Action.SUSPEND, Status.COMPLETE, "") == "SUSPEND_COMPLETE"
    assert reason_of(Action.CREATE, Status.COMPLETE, "") is None
    assert reason_of(Action.UPDATE, Status.FAILED, "why") == "why"
    assert resource_status(Action.CHECK, Status.COMPLETE) == "UPDATE_COMPLETE"


def test_filters_find_every_state_that_is_shown_so() -> None:
    for action in Action:
        for status in Status:
            for one in (MADE, EMPTY):
                shown = stack_status(replace(one, action=action, status=status))
                assert f"{action}_{status}" in native_statuses([shown])
    assert native_statuses(["NO_SUCH_STATE"]) == ()
    assert native_statuses(["DELETE_COMPLETE"]) == ("DELETE_COMPLETE",)

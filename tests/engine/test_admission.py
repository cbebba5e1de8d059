"""What is answered to a new action on a stack in each state."""

from __future__ import annotations

import pytest

from stackd.engine.transitions import NO_EFFECT, require_cancellable, require_start
from stackd.errors import ActionInProgress, NotSupported
from stackd.records import Action, Status
from tests.support.records import a_stack

COLUMNS = ("UPDATE", "DELETE", "SUSPEND", "RESUME", "CHECK", "SNAPSHOT", "RESTORE", "cancel", "stop")

# begin: it begins; over: it supersedes what runs; same: it is accepted without effect; busy: 409, as another
# action runs; no: 400, not supported in this state.
# "cancel" is cancel_update, "stop" is cancel_without_rollback.
TABLE = """
CREATE_IN_PROGRESS   over  over  busy  busy  busy  busy  busy  no    begin
CREATE_COMPLETE      begin begin begin begin begin begin begin no    no
CREATE_FAILED        begin begin begin begin begin begin begin no    no
ADOPT_IN_PROGRESS    busy  over  busy  busy  busy  busy  busy  no    no
ADOPT_COMPLETE       begin begin begin begin begin begin begin no    no
ADOPT_FAILED         begin begin begin begin begin begin begin no    no
UPDATE_IN_PROGRESS   over  over  busy  busy  busy  busy  busy  begin begin
UPDATE_COMPLETE      begin begin begin begin begin begin begin no    no
UPDATE_FAILED        begin begin begin begin begin begin begin no    no
ROLLBACK_IN_PROGRESS over  over  busy  busy  busy  busy  busy  no    no
ROLLBACK_COMPLETE    begin begin begin begin begin begin begin no    no
ROLLBACK_FAILED      begin begin begin begin begin begin begin no    no
CHECK_IN_PROGRESS    over  over  busy  busy  busy  busy  busy  no    no
CHECK_COMPLETE       begin begin begin begin begin begin begin no    no
CHECK_FAILED         begin begin begin begin begin begin begin no    no
SUSPEND_IN_PROGRESS  no    over  busy  busy  busy  busy  no    no    no
SUSPEND_COMPLETE     no    begin same  begin begin begin no    no    no
SUSPEND_FAILED       no    begin begin begin begin begin no    no    no
RESUME_IN_PROGRESS   over  over  busy  busy  busy  busy  busy  no    no
RESUME_COMPLETE      begin begin begin same  begin begin begin no    no
RESUME_FAILED        begin begin begin begin begin begin begin no    no
SNAPSHOT_IN_PROGRESS busy  over  busy  busy  busy  busy  busy  no    no
SNAPSHOT_COMPLETE    begin begin begin begin begin begin begin no    no
SNAPSHOT_FAILED      begin begin begin begin begin begin begin no    no
RESTORE_IN_PROGRESS  over  over  busy  busy  busy  busy  busy  no    no
RESTORE_COMPLETE     begin begin begin begin begin begin begin no    no
RESTORE_FAILED       begin begin begin begin begin begin begin no    no
DELETE_IN_PROGRESS   no    over  busy  busy  busy  busy  no    no    no
DELETE_FAILED        no    begin no    no    begin no    no    no    no
"""

GERUNDS = {"UPDATE": "Updating", "SUSPEND": "Suspending", "RESUME": "Resuming", "RESTORE": "Restoring"}
GERUNDS |= {"SNAPSHOT": "Taking a snapshot of"}
WAYS = {"cancel": "cancel_update", "stop": "cancel_without_rollback"}
CELLS = [
    (line.split()[0], column, answer)
    for line in TABLE.strip().splitlines()
    for column, answer in zip(COLUMNS, line.split()[1:], strict=True)
]


@pytest.mark.parametrize(("state", "wanted", "answer"), CELLS)
def test_answer_to_an_action_is_that_of_the_table(state: str, wanted: str, answer: str) -> None:
    action, _, status = state.partition("_")
    stack = a_stack("web", action=Action(action), status=Status(status))
    if wanted in WAYS:
        refusal = f"Cancelling update when stack is {state} is not supported."
        assert _said(lambda: require_cancellable(stack, WAYS[wanted])) == (refusal if answer == "no" else "")
        return
    said = _said(lambda: require_start(stack, Action(wanted)))
    what = {"SUSPEND": "suspended", "DELETE": "deleting"}.get(action)
    assert said == {
        "busy": f"Stack web already has an action ({action}) in progress.",
        "no": f"{GERUNDS.get(wanted)} a stack when it is {what} is not supported.",
    }.get(answer, "")
    assert (NO_EFFECT.get(Action(wanted)) == (action, status)) is (answer == "same")
    assert said or (status == "IN_PROGRESS") is (answer == "over")


def _said(ask: object) -> str:
    assert callable(ask)
    try:
        ask()
    except (ActionInProgress, NotSupported) as error:
        return str(error)
    return ""

"""Whether a resource rests, from its state and from what was noted with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stackd.engine.planning.resting import rest_noted, rests
from stackd.engine.planning.verbs import is_unsettled
from stackd.records import Action, Resource, Status
from stackd.resources.copies import RESTS
from tests.support.records import a_resource, a_stack

NOTED = {RESTS: True}
OVER = {RESTS: False}


def in_state(state: str, data: Mapping[str, Any]) -> Resource:
    action, _, status = state.partition("_")
    return a_resource(a_stack(), action=Action(action), status=Status(status), data=data)


@pytest.mark.parametrize(
    ("state", "data", "resting", "unsettled"),
    [
        ("CREATE_COMPLETE", {}, False, False),
        ("UPDATE_COMPLETE", NOTED, False, False),
        ("SUSPEND_COMPLETE", {}, True, True),
        ("SUSPEND_FAILED", OVER, True, True),
        ("RESUME_IN_PROGRESS", {}, True, True),
        ("RESUME_FAILED", {}, True, True),
        ("RESUME_COMPLETE", NOTED, False, False),
        ("SNAPSHOT_FAILED", NOTED, True, True),
        ("SNAPSHOT_FAILED", OVER, False, False),
        ("SNAPSHOT_COMPLETE", {}, False, False),
        ("CHECK_IN_PROGRESS", {}, False, True),
        ("CHECK_COMPLETE", NOTED, True, True),
        ("CHECK_COMPLETE", OVER, False, False),
        ("CHECK_FAILED", NOTED, True, False),
    ],
)
def test_what_was_suspended_rests_until_it_is_resumed(
    state: str, data: Mapping[str, Any], resting: bool, unsettled: bool
) -> None:
    row = in_state(state, data)
    assert (rests(row), is_unsettled(row)) == (resting, unsettled)


@pytest.mark.parametrize("state", ["SUSPEND_COMPLETE", "RESUME_FAILED", "RESUME_COMPLETE", "CREATE_COMPLETE"])
@pytest.mark.parametrize("data", [{}, NOTED, OVER, {"own": 1}])
@pytest.mark.parametrize("action", ["CHECK", "SNAPSHOT"])
def test_check_and_snapshot_note_whether_it_rests(state: str, data: Mapping[str, Any], action: str) -> None:
    row = in_state(state, data)
    noted = rest_noted(row)
    after = in_state(f"{action}_FAILED", noted.get("data", data))
    assert rests(after) is rests(row)
    assert after.data.get("own") == data.get("own")
    assert not rest_noted(after)

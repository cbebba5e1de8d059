"""Moves as changes for the journal: what is stored, on which condition, and which events there are."""

from __future__ import annotations

import pytest

from stackd.db.journal import Insert, Update
from stackd.engine.transitions import IllegalTransition, Transition, move_resource, move_stack, new_stack
from stackd.records import Action, Event, Resource, Stack, Status
from tests.support.records import a_resource, a_stack

A, S = Action, Status


def states_of(move: Transition[Stack] | Transition[Resource]) -> list[tuple[Action, Status, str]]:
    events = [each.record for each in move.events]
    return [(each.action, each.status, each.reason) for each in events if isinstance(each, Event)]


def test_new_stack_is_inserted_in_progress_with_its_event() -> None:
    waiting = a_stack(action=A.INIT, status=S.COMPLETE, reason="")
    move = new_stack(waiting, A.CREATE)
    assert move.change == Insert(move.record)
    assert states_of(move) == [(A.CREATE, S.IN_PROGRESS, "Stack CREATE started")]
    assert move.record.reason == "Stack CREATE started"


def test_stack_is_stored_whole_with_further_values_on_its_condition() -> None:
    stack = a_stack(action=A.UPDATE, status=S.IN_PROGRESS)
    move = move_stack(stack, A.UPDATE, S.COMPLETE, where={"operation_id": "o"}, outputs={})
    reason = "Stack UPDATE completed successfully"
    values = {"action": A.UPDATE, "status": S.COMPLETE, "reason": reason, "outputs": {}}
    assert move.change == Update(Stack, stack.id, values, where={"operation_id": "o"})
    assert (move.record.status, move.record.outputs) == (S.COMPLETE, {})
    assert states_of(move) == [(A.UPDATE, S.COMPLETE, reason)]


def test_state_that_stays_is_an_event_only_where_the_action_begins_again() -> None:
    stack = a_stack(action=A.UPDATE, status=S.IN_PROGRESS)
    assert move_stack(stack, A.UPDATE, S.IN_PROGRESS).events == ()
    assert len(move_stack(stack, A.UPDATE, S.IN_PROGRESS, again=True).events) == 1


def test_resource_event_shows_the_id_that_it_is_given() -> None:
    stack = a_stack()
    row = a_resource(stack, action=A.CREATE, status=S.IN_PROGRESS, physical_id=None)
    move = move_resource(stack, row, A.CREATE, S.FAILED, "no quota", "its-name", attributes={})
    values = {"action": A.CREATE, "status": S.FAILED, "reason": "no quota", "attributes": {}}
    assert move.change == Update(Resource, row.id, values)
    (event,) = (each.record for each in move.events)
    assert isinstance(event, Event)
    assert event.physical_id == "its-name"


def test_illegal_move_gives_nothing_to_write() -> None:
    stack = a_stack(action=A.CREATE, status=S.COMPLETE)
    row = a_resource(stack, action=A.CREATE, status=S.COMPLETE)
    with pytest.raises(IllegalTransition):
        new_stack(stack, A.CREATE)
    with pytest.raises(IllegalTransition):
        move_resource(stack, row, A.CREATE, S.FAILED, "late", None)

"""What failed for now is repeated, with pauses that grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd_cfntools.errors import RequestFailed, RequestRefused, ToolError
from stackd_cfntools.retries import BRIEF, PATIENT, passing, pause_after, repeated, surely_not_done
from tests.cfntools.machine import Machine

UNREACHABLE = RequestFailed("no route", connected=False)
LOST = RequestFailed("reset", connected=True)


def failing(*errors: ToolError) -> list[ToolError]:
    return list(errors)


def attempts(machine: Machine, errors: list[ToolError]) -> str:
    def act() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    return repeated(machine, act, PATIENT)


def test_passing_failures_are_repeated_until_it_goes_well(machine: Machine) -> None:
    errors = [UNREACHABLE, RequestRefused("busy", 503), RequestRefused("slow down", 400, "Throttling"), LOST]
    assert attempts(machine, errors) == "done"
    assert len(machine.pauses) == 4


@pytest.mark.parametrize(
    "error",
    [RequestRefused("denied", 403, "AccessDenied"), RequestRefused("wrong", 400), ToolError("no URL")],
)
def test_lasting_failures_are_not_repeated(machine: Machine, error: ToolError) -> None:
    with pytest.raises(ToolError) as raised:
        attempts(machine, [error, error])
    assert raised.value is error
    assert machine.pauses == []


def test_last_failure_is_raised_after_a_minute_and_before_three(machine: Machine) -> None:
    with pytest.raises(RequestFailed):
        attempts(machine, [UNREACHABLE] * 100)
    assert len(machine.pauses) == PATIENT.attempts - 1
    assert 45 < sum(machine.pauses) < 180


def test_brief_pace_gives_up_after_the_second_attempt(machine: Machine) -> None:
    def act() -> None:
        raise UNREACHABLE

    with pytest.raises(RequestFailed):
        repeated(machine, act, BRIEF)
    assert len(machine.pauses) == 1


@given(st.integers(1, 50), st.floats(0, 1))
def test_pauses_are_bounded_and_never_nothing(attempt: int, chance: float) -> None:
    assert 0.25 <= pause_after(attempt, PATIENT, chance) <= PATIENT.longest


def test_what_may_have_been_done_is_told_from_what_was_not() -> None:
    assert surely_not_done(UNREACHABLE)
    assert surely_not_done(RequestRefused("busy", 503))
    assert not surely_not_done(LOST)
    assert not surely_not_done(RequestRefused("broke", 500))
    assert passing(LOST)

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.resources.heat.rolling import Pace, definition_now, next_members, steps, walk


@pytest.mark.parametrize(
    ("target", "current", "batch", "in_service", "expected"),
    [
        (4, 4, 2, 0, [(4, 2), (4, 2)]),
        (4, 4, 2, 3, [(5, 2), (5, 2), (4, 0)]),
        (4, 4, 3, 4, [(7, 3), (5, 1), (4, 0)]),
        (6, 4, 2, 2, [(6, 2), (6, 2), (6, 2)]),
        (2, 4, 1, 2, [(3, 1), (3, 1), (2, 0)]),
        (0, 3, 2, 1, [(0, 0)]),
        (3, 0, 2, 0, [(2, 2), (3, 1)]),
    ],
)
def test_steps_of_known_groups(target: Any, current: Any, batch: Any, in_service: Any, expected: Any) -> None:
    assert list(steps(target, current, Pace(batch, 0, in_service))) == expected


sizes = st.integers(0, 12)


@given(sizes, sizes, st.integers(1, 5), sizes, st.sets(sizes))
def test_a_walk_ends_at_the_target_with_every_member_new(
    target: int, current: int, batch: int, in_service: int, done: set[int]
) -> None:
    members: Mapping[str, Any] = {
        str(index): {"v": "new" if index in done else "old"} for index in range(current)
    }
    pace = Pace(batch, 0, in_service)
    seen = members
    for state in walk(members, lambda size: [str(index) for index in range(size)], target, pace, new):
        changed = {name for name in state if seen.get(name) != state[name]}
        untouched = set(seen) & set(state) - changed
        assert len(changed) <= batch
        assert len(untouched) >= min(in_service, target, len(seen))
        seen = state
    assert seen == {str(index): {"v": "new"} for index in range(target)}


def new(name: str) -> dict[str, Any]:
    return {"v": "new"}


def test_unwanted_names_go_first_then_the_highest_change() -> None:
    members = {name: {"v": "old"} for name in "0123"}
    after = next_members(members, ["0", "2", "3"], 3, 1, new)
    assert after == {"0": {"v": "old"}, "2": {"v": "old"}, "3": {"v": "new"}}


@pytest.mark.parametrize(
    ("had", "reached", "expected"),
    [
        ("old", None, "old"),
        ("new", None, "new"),
        ("new", {"a"}, "new"),
        ("odd", {"a"}, "new"),
        ("new", set(), "old"),
        ("odd", set(), "odd"),
    ],
)
def test_definition_of_a_member_whose_change_was_begun_before(had: str, reached: Any, expected: str) -> None:
    assert definition_now("a", {"v": had}, {"v": "old"}, {"v": "new"}, reached) == {"v": expected}


def test_a_step_that_changes_nothing_is_left_out() -> None:
    members = {"0": {"v": "old"}, "1": {"v": "new"}, "2": {"v": "new"}}
    states = list(walk(members, lambda size: ["0", "1", "2"][:size], 3, Pace(1), new))
    assert states == [{name: {"v": "new"} for name in "012"}]

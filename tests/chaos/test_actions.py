"""What chaos does, as data: no process is started."""

from __future__ import annotations

import pytest

from tests.chaos.actions import STORIES, families, quotas
from tests.support.families import PATHS


@pytest.mark.parametrize("strikes", [0, 8, 24, 200])
@pytest.mark.parametrize("turn", [0, 7])
def test_all_strikes_are_given_evenly(strikes: int, turn: int) -> None:
    spread = quotas(strikes, 19, turn)
    assert sum(spread) == strikes
    assert max(spread) - min(spread) <= 1
    assert max(spread) <= 2
    assert len(spread) % 19 == 0


@pytest.mark.parametrize("name", STORIES)
def test_story_makes_one_stack_and_deletes_it(name: str) -> None:
    first, *others, last = STORIES[name]
    assert first.body is not None
    assert last.is_last
    assert all(each.ask is not None and not each.is_last for each in others)


def test_actions_have_names_of_their_own() -> None:
    names = [action.name for story in STORIES.values() for action in story]
    assert len(names) == len(set(names))


def test_every_family_is_made_changed_twice_and_deleted() -> None:
    actions = families(1, len(PATHS)).actions
    assert len(PATHS) == 20
    for first, *changes, last in zip(*[iter(actions)] * 4, strict=True):
        assert (first.body is not None, last.is_last) == (True, True)
        assert [each.ends for each in changes] == ["UPDATE_COMPLETE"] * 2
    assert len({action.name for action in actions}) == len(actions)


def test_a_seed_chooses_families() -> None:
    chosen = [[each.name for each in families(seed, 2).actions] for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]

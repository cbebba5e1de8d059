"""Rolling changes of a group: how many members change in each step, and which. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a group changes: members per step, seconds between steps, members that must stay up."""

    size: int = 1
    pause: float = 0.0
    min_in_service: int = 0


def definition_now(
    name: str, had: Definition, before: Definition, after: Definition, reached: Collection[str] | None
) -> Definition:
    """The definition that a member of a group has while it changes from ``before`` to ``after``.

    ``had`` is the newest that it was given. Where a change goes on that was begun before, ``reached`` are
    the members that have got theirs; one that it was at work on counts as not changed yet.
    """
    if reached is None:
        return had
    if name in reached:
        return after
    return before if had == after else had


def steps(target: int, current: int, pace: Pace) -> Iterator[tuple[int, int]]:
    """The size of the group in each step, and how many members that step makes new or changes.

    To keep ``min_in_service`` members working while others change, the group may grow for a while.
    """
    done = 0
    while not done >= current == target:
        kept = min(pace.min_in_service, target, current)
        batch = min(pace.size, max(target - done, 0))
        size = batch + max(min(current, target - batch), kept)
        yield size, batch
        done += batch
        current = size


def walk(
    members: Mapping[str, Definition],
    names: Callable[[int], Sequence[str]],
    target: int,
    pace: Pace,
    define: Callable[[str], Definition],
) -> Iterator[dict[str, Definition]]:
    """The group after each step; ``names`` gives the names that a group of some size has.

    Members that stand in for a while use up changes of the steps: what they leave undone is done
    before the last step, while they are still there. A step that changes nothing is left out.
    """
    seen: Mapping[str, Definition] = members
    for state in _all_steps(members, names, target, pace, define):
        if state != seen:
            yield state
        seen = state


def _all_steps(
    members: Mapping[str, Definition],
    names: Callable[[int], Sequence[str]],
    target: int,
    pace: Pace,
    define: Callable[[str], Definition],
) -> Iterator[dict[str, Definition]]:
    plan = list(steps(target, len(members), pace))
    state = dict(members)
    for index, (size, changes) in enumerate(plan):
        if index and index == len(plan) - 1:
            crowd = names(len(state))
            spare = max(1, min(pace.size, len(state) - min(pace.min_in_service, target)))
            while sum(state.get(name) != define(name) for name in names(target)) > changes:
                state = next_members(state, crowd, target, spare, define)
                yield state
        state = next_members(state, names(size), target, changes, define)
        yield state


def next_members(
    members: Mapping[str, Definition],
    names: Sequence[str],
    target: int,
    changes: int,
    define: Callable[[str], Definition],
) -> dict[str, Definition]:
    """The group after one step: ``names`` in order, of which ``changes`` get the new definition.

    Members whose names are not wanted any more go first. Of those that stay, the ones with the highest
    index change first; the ones beyond ``target``, who only stand in for a while, do not change.
    """
    position = {name: index for index, name in enumerate(names)}

    def turn(name: str) -> int:
        index = position.get(name)
        if index is None:
            return 0
        return target - index if index < target else len(names)

    by_turn = sorted(members, key=turn)
    kept = by_turn[-len(names) :] if names else []
    fresh = [name for name in names if name not in members][: len(names) - len(kept)]
    may_change = changes - len(fresh)
    after: dict[str, Definition] = {}
    for name in kept:
        new = define(name)
        if members[name] != new and may_change > 0:
            may_change -= 1
            after[name] = new
        else:
            after[name] = members[name]
    return after | {name: define(name) for name in fresh}

"""What stands as it was planned to, noted in a few writes before the walk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from stackd.db.journal import MOST_STANDING, Stand
from stackd.engine.definition.nested_definitions import in_order
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.execution.targets import is_as_noted, lacks_attributes
from stackd.engine.planning.ordering import Node
from stackd.engine.planning.verbs import Verb
from stackd.offload import in_thread, in_turns
from stackd.records import Resource

_AT_ONCE = 64
"""Rows that are published in one turn of the event loop."""


async def keep_standing(at: StackRun) -> frozenset[Node]:
    """Note which resources stand as they are, with all that they need; returns the steps that this saves."""
    if at.desired_or_none is None or not any(step.verb is Verb.KEEP for step in at.plan.steps.values()):
        return frozenset()
    found: _Standing = await in_thread(_standing, at)
    for unmarked in found.unmarked:
        await at.run.write(Stand(unmarked, at.target))
    await in_turns(at.rows.publish, found.rows, _AT_ONCE)
    at.kept |= found.names
    return found.steps


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands: names, rows as they are going to be, ids of those to be noted, and the steps saved."""

    names: frozenset[str]
    rows: list[Resource]
    unmarked: list[tuple[str, ...]]
    steps: frozenset[Node]


def _standing(at: StackRun) -> _Standing:
    """The resources that are kept, and of which nothing has to be noted but where they come from.

    A name that has another row is left to the walk, and so is what needs it.
    """
    counts = Counter(row.name for row in at.plan.stored)
    found: list[Resource] = []
    kept: set[str] = set()
    for name in in_order(at.desired.requires):
        row = at.rows.newest.get(name)
        if row is None or counts.get(name) != 1 or not at.is_kept(row, kept):
            continue
        if is_as_noted(at, row) and not lacks_attributes(at.work_on(name), at.wanted(name)):
            kept.add(name)
            found.append(row)
    ids = [row.id for row in found if row.applied_from != at.target]
    return _Standing(
        frozenset(kept),
        [replace(row, applied_from=at.target) for row in found],
        [tuple(ids[start : start + MOST_STANDING]) for start in range(0, len(ids), MOST_STANDING)],
        frozenset(node for row in found for node in (Node(row.name), Node(row.name, row.id))),
    )

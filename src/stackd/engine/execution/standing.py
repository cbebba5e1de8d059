"""What stands as it was planned to, noted in a few writes before the walk."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from stackd.db.journal import MOST_STANDING, Stand
from stackd.engine.definition.nested_definitions import in_order
from stackd.engine.execution.reconcile import is_as_noted, lacks_attributes
from stackd.engine.execution.stack_run import StackRun
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
    rows: list[Resource] = await in_thread(_standing, at)
    unmarked = [row.id for row in rows if row.applied_from != at.target]
    chunks = [unmarked[start : start + MOST_STANDING] for start in range(0, len(unmarked), MOST_STANDING)]
    for chunk in chunks:
        await at.run.write(Stand(tuple(chunk), at.target))
    await in_turns(lambda row: at.rows.publish(replace(row, applied_from=at.target)), rows, _AT_ONCE)
    at.kept.update(row.name for row in rows)
    steps = {Node(row.name) for row in rows} | {Node(row.name, row.id) for row in rows}
    return frozenset(steps)


def _standing(at: StackRun) -> list[Resource]:
    """The rows of the resources that are kept, and that nothing has to be noted of but where they come from.

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
    return found

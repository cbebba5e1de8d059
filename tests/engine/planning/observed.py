"""What an update really did to each resource of a tree, seen in its rows and events, and what was planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.db import events, resources, stacks
from stackd.db.events import EventFilter
from stackd.engine.planning.plan import Path, Plan
from stackd.engine.planning.verbs import Verb, permits
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.previews import CONTAINS, Changes
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Action, Event, Resource, Stack, Status
from tests.support.engine import Process

LISTS = ("added", "updated", "replaced", "deleted")
Verbs = dict[Path, Verb]


@dataclass(frozen=True, slots=True)
class Tree:
    """The rows of a tree of stacks by their paths, and how many events there were."""

    rows: Mapping[Path, Resource]
    events: frozenset[str]


async def tree(process: Process, stack: Stack) -> Tree:
    """The tree as it is stored."""
    return Tree(await _rows(process, stack, ()), frozenset(each.id for each in await _events(process, stack)))


async def _rows(process: Process, stack: Stack, path: Path) -> dict[Path, Resource]:
    found: dict[Path, Resource] = {}
    for row in await resources.of_stack(process.db, stack.id):
        found[*path, row.name] = row
        if row.nested_stack_id and (child := await stacks.get(process.db, row.nested_stack_id, None)):
            found |= await _rows(process, child, (*path, row.name))
    return found


async def _events(process: Process, stack: Stack) -> list[Event]:
    return await events.listed(process.db, stack.id, EventFilter(nested_depth=9))


async def preview(process: Process, stack: Stack, template: Any = None, **options: Any) -> Plan:
    """The plan of an update."""
    current = await process.stack(stack)
    request = StackRequest(template=template, **options)
    return (await use_cases.preview_update(process.engine, process.caller, current, request)).plan


async def shown(process: Process, stack: Stack, plan: Plan) -> dict[str, set[str]]:
    """The lists of a preview that are about changes, nested ones included, with names of resources."""
    lists = Changes(await process.stack(stack), plan, frozenset()).lists(nested=True)
    found = {name: {each.name for each in lists[name] if each.reason != CONTAINS} for name in LISTS}
    return {name: names for name, names in found.items() if names}


def planned(plan: Plan) -> Verbs:
    """What a plan changes."""
    return {step.path: step.verb for step in plan.changes()}


async def update(process: Process, stack: Stack, template: Any = None, **options: Any) -> Verbs:
    """Update a stack; what was done to each resource, where anything was."""
    before = await tree(process, stack)
    ended = await process.done(await process.update(stack, template, **options))
    assert ended.status is Status.COMPLETE, ended.reason
    after = await tree(process, stack)
    new = [each for each in await _events(process, stack) if each.id not in before.events]
    return done(before.rows, after.rows, new)


def done(before: Mapping[Path, Resource], after: Mapping[Path, Resource], new: Iterable[Event]) -> Verbs:
    """What happened between two looks at a tree, with the events between them."""
    begun = [each for each in new if each.status is Status.IN_PROGRESS]
    changed = {(each.stack_id, each.resource_name) for each in begun if each.action is Action.UPDATE}
    verbs: Verbs = {path: _removal(row) for path, row in before.items() if path not in after}
    for path, row in after.items():
        if path not in before:
            verbs[path] = Verb.CREATE
        elif row.id != before[path].id:
            verbs[path] = Verb.REPLACE
        elif (row.stack_id, row.name) in changed:
            verbs[path] = Verb.UPDATE
    return verbs | _passing(before, after, begun)


def _removal(row: Resource) -> Verb:
    return Verb.ABANDON if row.deletion_policy == "Retain" else Verb.DELETE


def _passing(
    before: Mapping[Path, Resource], after: Mapping[Path, Resource], begun: Iterable[Event]
) -> Verbs:
    """What was made and went again; events of the stacks themselves name no resource."""
    both = {**before, **after}
    inside = {row.nested_stack_id: path for path, row in both.items() if row.nested_stack_id}
    made = [each for each in begun if each.action is Action.CREATE and each.physical_id != each.stack_id]
    paths = [(*inside.get(each.stack_id, ()), each.resource_name) for each in made]
    return {path: Verb.CREATE for path in paths if path not in both and path != ("changed",)}


def beyond(plan: Plan, executed: Verbs) -> Verbs:
    """What was done although the plan neither says so nor leaves it open."""
    allowed = planned(plan)
    return {path: verb for path, verb in executed.items() if not _is_planned(plan, allowed, path, verb)}


def _is_planned(plan: Plan, allowed: Verbs, path: Path, verb: Verb) -> bool:
    if path in allowed:
        return permits(allowed[path], verb)
    return any(step.deferred and step.path == path[: len(step.path)] for step in plan.steps)

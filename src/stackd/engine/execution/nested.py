"""Nested stacks: stacks of their own in the store, one step of their parent's walk in the engine.

The walk of a stack is handed in as ``walk`` by the step that needs it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from stackd.db.journal import Change, Update
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.documents import load_json, pack_definition
from stackd.engine.definition.nested_definitions import (
    hidden_values,
    nested_attributes,
    nested_type,
    no_members,
    private_values,
    with_hidden_values,
)
from stackd.engine.execution import children, lifecycle
from stackd.engine.execution.ascent import changes_above
from stackd.engine.execution.cancellation import Stopped
from stackd.engine.execution.lifecycle import NestedFailure
from stackd.engine.execution.reshown import outputs_after
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun, inside
from stackd.engine.planning import nested as nested_plans
from stackd.engine.planning.diff import present
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.planning.make import plan_stack
from stackd.engine.planning.plan import StackPlan
from stackd.engine.services import exports
from stackd.engine.services.stored_trees import load_tree
from stackd.engine.transitions import move_stack, new_stack, require_start
from stackd.errors import (
    ExportExists,
    ExportInUse,
    RequestLimitExceeded,
    ResourceFailure,
    StackdError,
    TemplateError,
)
from stackd.offload import in_thread, offloaded
from stackd.records import Action, Resource, Stack, Status, now
from stackd.resources.base import Batch, Members, NestedType
from stackd.resources.schema import Properties
from stackd.template.masking import concealed, concealed_fields
from stackd.template.problems import raise_all
from stackd.template.rules import rule_problems

_MEMBER = re.compile(r"[A-Za-z0-9]{1,64}")
"""The names that groups give their members."""

Walk = Callable[[StackRun], Awaitable[bool]]
"""Takes all steps of a stack's plan; answers whether every one succeeded."""


async def create(
    at: StackRun, work: ResourceContext, props: Properties, intent: dict[str, Any], walk: Walk
) -> None:
    """Store the child together with the resource's id, then walk it."""
    stack = at.stack
    if stack.depth + 1 > at.run.services.tuning.nested_depth:
        limit = at.run.services.tuning.nested_depth
        raise TemplateError(f"Recursion depth exceeds {limit}.", path=f"resources.{work.resource.name}")
    action = Action.CREATE if at.adopted is None else Action.ADOPT
    move = new_stack(children.unmade_child(stack, work), action)
    child = move.record
    arn = f"arn:openstack:heat::{child.project_id}:stacks/{child.name}/{child.id}"
    try:
        gathered = await nested_type(work.kind).gather(work, props)
    except StackdError:
        await work.enter(action)  # so that it can fail
        raise
    name = work.resource.name
    data = {**work.resource.data, **_adopted_data(at, name, nested_type(work.kind)), **gathered}
    work.resource = replace(work.resource, data=data)
    adopted = [] if at.adopted is None else [*filter(_MEMBER.fullmatch, inside(at.adopted, name))]
    members = no_members(at.desired, name, at.scope, adopted)
    intent["data"] = {**_private_values(work, intent, props, members), "arn": arn}
    ids = {"physical_id": child.id, "nested_stack_id": child.id}
    await work.enter(action, move.change, *move.events, **intent, **ids)
    await _reach(at, work, StoredStack(child, ()), None, props, members, walk)
    await work.leave(Status.COMPLETE, metadata=_metadata(at, work, props))


def _adopted_data(at: StackRun, name: str, kind: NestedType[Any]) -> dict[str, str]:
    """The private values that a resource with a stack inside takes over with it."""
    entry = (at.adopted or {}).get(name)
    private = entry.get("resource_data") if isinstance(entry, Mapping) else None
    found = private if isinstance(private, Mapping) else {}
    return {key: found[key] for key in kind.adopted if isinstance(found.get(key), str)}


async def update(
    at: StackRun,
    work: ResourceContext,
    props: Properties,
    intent: dict[str, Any],
    permitted: Callable[[], Awaitable[None]],
    walk: Walk,
) -> None:
    """Update the child to the current properties; an unchanged and healthy one is left alone.

    ``permitted`` raises when the environment forbids a change.
    """
    if work.resource.nested_stack_id is None:
        await create(at, work, props, intent, walk)
        return
    stored = await children.stored_child(at.run.services.db, work.resource)
    before = present(work.resource, props)
    open_actions = (Action.CREATE, Action.UPDATE)
    resumed = work.resource.status is Status.IN_PROGRESS and work.resource.action in open_actions
    was_begun = resumed or work.resource.previous_properties is not None
    action = work.resource.action if resumed else Action.UPDATE
    is_same = resumed and not props.changed(type(props).wrap(dict(work.resource.properties)))
    members = await children.stored_members(at, work.resource.name, stored)
    at.run.secrets |= hidden_values(work.resource)
    values = _private_values(work, intent, props, members, decided=is_same)
    if at.run.secrets:
        values = await in_thread(with_hidden_values, values, at.run.secrets, members)
    intent["data"] = values
    work.resource = replace(work.resource, data=intent["data"])
    if not resumed and await children.stands(at, work, stored, props, members):
        await work.store(**intent)
        await _store_attributes(at, work, stored.stack)
        return
    if not resumed and await _redefined(at, work, stored, props, members, intent, walk):
        return
    if resumed:
        await work.store(previous_properties=before, **intent)
    else:
        await permitted()
        await work.enter(action, previous_properties=before, **intent)
    if was_begun:
        there = {name: row for name, row in members.resources.items() if not _is_in_the_making(row)}
        reached = await children.reached(at, work, stored, props, members)
        members = replace(members, resources=there, reached=reached)
    old = None if is_same and action is Action.CREATE else type(props).wrap(before)
    await _reach(at, work, stored, old, props, members, walk)
    await work.leave(Status.COMPLETE, previous_properties=None, metadata=_metadata(at, work, props))


async def delete(at: StackRun, work: ResourceContext, walk: Walk, *, keep: bool = False) -> None:
    """Delete the child with all in it, then the resource's row unless it is to be kept."""
    row, db = work.resource, at.run.services.db
    child = await children.child_of(db, row)
    goes = row.deletion_policy != "Retain" or at.run.inputs.abandons
    if child is not None and child.deleted_at is None and goes:
        await work.enter(Action.DELETE)
        withdrawn = await exports.withdraw(db, child) if child.id in at.run.inputs.sharing else []
        child = await _move(at, child, Action.DELETE, Status.IN_PROGRESS, None, *withdrawn)
        stored = await load_tree(db, child, definitions=False)
        inner = at.inner(row, child, plan_stack(at.run.inputs, None, stored, (*at.plan.path, row.name)))
        async with at.run.cancellation.aside():
            good = await walk(inner)
        if not good:
            await _raise_failure(at, inner, child, Action.DELETE)
        gone = await inner.export_changes(Action.DELETE)
        shown, puts = await _without_secrets(at, row, child)
        await _move(at, child, Action.DELETE, Status.COMPLETE, None, *gone, *puts, deleted_at=now(), **shown)
    await lifecycle.delete(work, work.kind.properties.wrap(dict(row.properties)), keep=keep)


async def _without_secrets(at: StackRun, row: Resource, child: Stack) -> tuple[dict[str, Any], list[Change]]:
    """What a deleted child keeps of its definition and outputs: no secrets of the stacks around it.

    It can still be shown when these have forgotten what was secret. The values to store, and the documents.
    """
    secrets = at.run.secrets | hidden_values(row)
    if not secrets or not child.definition.template:
        return {}, []
    db, project = at.run.services.db, child.project_id
    data = [
        await load_json(db, project, document)
        for document in (child.definition.template, child.definition.environment)
    ]

    def mask() -> tuple[list[Any], Any]:
        sections = [concealed_fields(each or {}, secrets) for each in data]
        return sections, concealed(child.outputs, secrets)

    (template, environment), outputs = await in_thread(mask)
    definition, puts = pack_definition(db, project, template, environment, child.definition.files)
    return {"definition": definition, "outputs": outputs}, puts


async def act(at: StackRun, work: ResourceContext, plan: StackPlan, action: Action, walk: Walk) -> None:
    """Do what ``plan`` does to each resource of the child; the child itself goes through the action, too."""
    child = plan.stack
    assert child is not None
    if (child.action, child.status) != (action, Status.IN_PROGRESS):
        require_start(child, action)
        child = await _move(at, child, action, Status.IN_PROGRESS, None)
    inner = at.inner(work.resource, child, plan)
    async with at.run.cancellation.aside():
        good = await walk(inner)
    if not good:
        await _raise_failure(at, inner, child, action)
    outputs = await outputs_after(inner)
    child = await _move(at, child, action, Status.COMPLETE, inner.completed, **outputs)
    if outputs:
        await at.run.write(*await changes_above(at.run.services, child))


def _private_values(
    work: ResourceContext,
    intent: Mapping[str, Any],
    props: Properties,
    members: Members,
    *,
    decided: bool = False,
) -> dict[str, Any]:
    """The type's private values after the change.

    What was ``decided`` from the members before a crash stands: some of them may be gone by now.
    """
    policy = intent["data"]["update_policy"]
    if decided:
        values = {**work.resource.data, "update_policy": policy}
        return {key: value for key, value in values.items() if value is not None}
    return private_values(work.resource, nested_type(work.kind), policy, props, members)


def _metadata(at: StackRun, work: ResourceContext, props: Properties) -> Mapping[str, Any]:
    """The resource's metadata after the change."""
    return nested_type(work.kind).metadata_after(work.resource, props, at.run.services.db.clock())


def _is_in_the_making(row: Resource) -> bool:
    """Whether a member is not there yet: a change that goes on makes it, in its newest definition."""
    begun = row.action is Action.CREATE and row.status is Status.IN_PROGRESS and row.replaces is None
    return begun or row.action is Action.INIT


async def _redefined(
    at: StackRun,
    work: ResourceContext,
    stored: StoredStack,
    props: Properties,
    members: Members,
    intent: Mapping[str, Any],
    walk: Walk,
) -> bool:
    """Give a child files that change nothing in it, without a change of its state; whether that was all."""
    if not nested_plans.is_settled(at.run.inputs, work.resource, stored):
        return False
    child = await children.wanted_child(at, work, props, members)
    definition, changes = children.definition_of(at, work, child)
    if replace(definition, files=stored.stack.definition.files) != stored.stack.definition:
        return False
    plan = await children.plan_of(at, work, stored, child, definition)
    if not plan.is_empty:
        return False
    moved = replace(stored.stack, definition=definition)
    inner = at.inner(work.resource, moved, plan)
    async with at.run.cancellation.aside():
        good = await walk(inner)
    if not good:
        await _raise_failure(at, inner, stored.stack, Action.UPDATE)
    await at.run.write(*changes, Update(Stack, moved.id, {"definition": definition}))
    await work.store(**intent)
    await _store_attributes(at, work, moved)
    return True


async def _reach(
    at: StackRun,
    work: ResourceContext,
    stored: StoredStack,
    old: Properties | None,
    new: Properties,
    members: Members,
    walk: Walk,
) -> None:
    """Take the child through all batches of the change."""
    if stored.stack.deleted_at is not None:
        raise ResourceFailure("The nested stack has been deleted")
    files = at.desired.source.files
    plan = nested_type(work.kind).batches
    batches: Sequence[Batch] = await offloaded(plan, work.resource, old, new, members, files)
    if at.adopted is not None:  # all members exist already
        batches = batches[-1:]
    if sum(batch.pause for batch in batches[:-1]) >= work.stack.timeout:
        raise ResourceFailure("The current update policy will result in stack update timeout.")
    if members.reached is not None and (rest := _rest_of_pause(stored, batches)) > 0:
        await work.sleep(rest)
    child = stored.stack
    for index, batch in enumerate(batches):
        if index:
            stored = await load_tree(at.run.services.db, child)
        child = await _reach_batch(at, work, stored, batch, walk)
        if batch.pause and batch is not batches[-1]:
            await work.sleep(batch.pause)
    await _store_attributes(at, work, child)


def _rest_of_pause(stored: StoredStack, batches: Sequence[Batch]) -> float:
    """Seconds until the next batch of a change that was interrupted between two."""
    if not stored.rows or any(row.status is Status.IN_PROGRESS for row in stored.rows):
        return 0.0
    changed = (row.updated_at or row.created_at for row in stored.rows)
    waited = (now() - max(changed)).total_seconds()
    return max(batches[0].pause - waited, 0.0)


async def _reach_batch(
    at: StackRun, work: ResourceContext, stored: StoredStack, batch: Batch, walk: Walk
) -> Stack:
    child = stored.stack
    definition, changes = children.definition_of(at, work, batch.child)
    is_new = child.action in (Action.CREATE, Action.ADOPT) and child.status is not Status.COMPLETE
    action = (
        child.action
        if is_new and not (child.action is Action.ADOPT and at.adopted is None)
        else Action.UPDATE
    )
    plan = await children.plan_of(at, work, stored, batch.child, definition)
    desired = plan.desired
    assert desired is not None
    child = await _move(at, child, action, Status.IN_PROGRESS, None, *changes, definition=definition)
    await _admit(at, child, desired, action)
    inner = at.inner(work.resource, child, plan)
    async with at.run.cancellation.aside():
        good = await walk(inner)
    if not good:
        await _raise_failure(at, inner, child, action)
    try:
        shared = await inner.export_changes(action)
    except (ExportExists, ExportInUse) as error:
        await _move(at, child, action, Status.FAILED, str(error))
        raise
    values = {
        "outputs": await offloaded(desired.outputs, inner.scope),
    }
    return await _move(at, child, action, Status.COMPLETE, None, *shared, **values)


async def _admit(at: StackRun, child: Stack, desired: Desired, action: Action) -> None:
    """Fail a child before anything of it is made: it is too large, or its rules or exports forbid it."""
    try:
        at.run.quota.take(child.id, len(desired.resources))
        raise_all(rule_problems(desired.source.template, desired.parameters))
        await at.run.write(*await exports.begin(at.run.services.db, child, desired))
    except (RequestLimitExceeded, TemplateError, ExportExists, ExportInUse) as error:
        await _move(at, child, action, Status.FAILED, str(error))
        raise


async def _move(
    at: StackRun,
    child: Stack,
    action: Action,
    status: Status,
    reason: str | None,
    *others: Change,
    **values: Any,
) -> Stack:
    """Store a new state of the child, and ``others`` with it."""
    if action not in (Action.CREATE, Action.ADOPT):
        values["updated_at"] = now()
    move = move_stack(child, action, status, reason, **values)
    await at.run.write(*others, *move.events, move.change)
    return move.record


async def _raise_failure(at: StackRun, inner: StackRun, child: Stack, action: Action) -> NoReturn:
    """Mark the child FAILED and fail the resource with the child's own words."""
    if not inner.failures:
        if at.run.abandons_waits():
            await _move(at, child, action, Status.FAILED, at.run.why_stopped())
        raise Stopped(at.run.why_stopped())
    failure = inner.failures[0]
    await _move(at, child, action, Status.FAILED, inner.failed)
    if failure.cause is None:
        raise ResourceFailure(failure.text)
    raise NestedFailure(failure.cause)


async def _store_attributes(at: StackRun, work: ResourceContext, child: Stack) -> None:
    stored = await load_tree(at.run.services.db, child, definitions=False)
    members = await children.stored_members(at, work.resource.name, stored)
    wanted = at.wanted(work.resource.name)
    values = nested_attributes(work.resource, nested_type(work.kind), wanted, members)
    if values != dict(work.resource.attributes):
        await work.store(attributes=values)

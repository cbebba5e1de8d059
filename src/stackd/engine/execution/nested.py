"""Nested stacks: stacks of their own in the store, one step of their parent's walk in the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from stackd.db import resources, stacks
from stackd.db.journal import Change, Insert, Update
from stackd.engine.definition.desired import Desired, Source, build, load_source
from stackd.engine.definition.documents import pack_definition
from stackd.engine.definition.nested_definitions import NO_MEMBERS, child_data
from stackd.engine.definition.scope import attribute_key
from stackd.engine.definition.types import handler_of
from stackd.engine.execution import lifecycle
from stackd.engine.execution.cancellation import Stopped
from stackd.engine.execution.lifecycle import NestedFailure
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.factories import identity_of, new_id, now, stack_event
from stackd.engine.services import exports
from stackd.engine.services.definitions import load_desired
from stackd.errors import (
    ExportExists,
    ExportInUse,
    NotFound,
    RequestLimitExceeded,
    ResourceFailure,
    TemplateError,
)
from stackd.records import Action, Definition, Stack, Status
from stackd.resources.base import Batch, Child, Members, NestedType, ResourceType
from stackd.resources.schema import Properties
from stackd.template.problems import raise_first
from stackd.template.rules import rule_problems
from stackd.template.template import load_template


async def create(at: StackRun, work: ResourceContext, props: Properties, intent: dict[str, Any]) -> None:
    """Make the child in the store together with the resource's id, then walk it."""
    stack = at.stack
    if stack.depth + 1 > at.run.services.tuning.nested_depth:
        limit = at.run.services.tuning.nested_depth
        raise TemplateError(f"Recursion depth exceeds {limit}.", path=f"resources.{work.resource.name}")
    child = Stack(
        id=new_id(),
        project_id=stack.project_id,
        name=work.physical_name,
        owner=stack.owner,
        user_id=stack.user_id,
        action=Action.CREATE,
        status=Status.IN_PROGRESS,
        reason="Stack CREATE started",
        definition=Definition(files=stack.definition.files),
        timeout_mins=stack.timeout_mins,
        disable_rollback=True,
        parent_id=stack.id,
        parent_resource=work.resource.name,
        root_id=stack.root_id,
        depth=stack.depth + 1,
        created_at=now(),
        stack_user_project_id=stack.stack_user_project_id,
        credential_id=stack.credential_id,
    )
    arn = f"arn:openstack:heat::{child.project_id}:stacks/{child.name}/{child.id}"
    intent["data"] = {**_private_values(work, intent, props, NO_MEMBERS), "arn": arn}
    event = stack_event(child, Action.CREATE, Status.IN_PROGRESS, child.reason)
    ids = {"physical_id": child.id, "nested_stack_id": child.id}
    await work.enter(Action.CREATE, Insert(child), event, **intent, **ids)
    await _reach(at, work, child, None, props)
    await work.leave(Status.COMPLETE)


async def update(
    at: StackRun,
    work: ResourceContext,
    props: Properties,
    intent: dict[str, Any],
    permitted: Callable[[], Awaitable[None]],
) -> None:
    """Bring the child to what the properties say now; an unchanged and healthy one is left alone.

    ``permitted`` raises when the environment forbids a change.
    """
    if work.resource.nested_stack_id is None:
        await create(at, work, props, intent)
        return
    child = await _stored_child(work)
    old = type(props).wrap(dict(work.resource.properties))
    resumed = work.resource.status is Status.IN_PROGRESS
    action = work.resource.action if resumed else Action.UPDATE
    members = await members_of(at, child)
    intent["data"] = _private_values(work, intent, props, members)
    work.resource = replace(work.resource, data=intent["data"])
    if not resumed and await _is_same(at, work, child, props, members):
        await work.store(**intent)
        await _store_attributes(at, work, child)
        return
    if resumed:
        await work.store(**intent)
    else:
        await permitted()
        await work.enter(action, previous_properties=dict(work.resource.properties), **intent)
    await _reach(at, work, child, old, props)
    await work.leave(Status.COMPLETE, previous_properties=None)


async def delete(at: StackRun, work: ResourceContext, *, keep: bool = False) -> None:
    """Delete the child with all in it, then the resource's row unless it is to be kept."""
    row = work.resource
    child = await stacks.get(at.run.services.db, row.nested_stack_id, None) if row.nested_stack_id else None
    if child is not None and child.deleted_at is None and row.deletion_policy != "Retain":
        await work.enter(Action.DELETE)
        withdrawn = await exports.withdraw(at.run.services.db, child) if child.id in at.run.sharing else []
        started = "Stack DELETE started"
        child = await _set_state(at, child, Action.DELETE, Status.IN_PROGRESS, started, *withdrawn)
        inner = await _inner(at, work, child, None)
        async with at.run.cancellation.aside():
            good = await inner.walk()
        if not good:
            await _raise_failure(at, inner, child, Action.DELETE)
        done = "Stack DELETE completed successfully"
        gone = await inner.export_changes(Action.DELETE)
        await _set_state(at, child, Action.DELETE, Status.COMPLETE, done, *gone, deleted_at=now())
    await lifecycle.delete(work, work.kind.properties.wrap(dict(row.properties)), keep=keep)


def _nested(kind: ResourceType[Any]) -> NestedType[Any]:
    if not isinstance(kind, NestedType):
        raise ResourceFailure(f"{kind.type_name} does not contain a stack")
    return kind


def _private_values(
    work: ResourceContext, intent: Mapping[str, Any], props: Properties, members: Members
) -> dict[str, Any]:
    """The type's private values after the change; None removes one."""
    after = _nested(work.kind).data_after(work.resource, props, members)
    data = {**work.resource.data, **intent["data"], **after}
    return {key: value for key, value in data.items() if value is not None}


async def is_broken(work: ResourceContext) -> bool:
    """Whether a failed nested stack must be replaced as a whole: it is missing, or was marked unhealthy.

    One whose own check failed is updated: its members know which of them have to be replaced.
    """
    child_id = work.resource.nested_stack_id
    child = await stacks.get(work.run.services.db, child_id, None) if child_id else None
    if child is None or child.deleted_at is not None:
        return True
    checked = (Action.CHECK, Status.FAILED)
    return work.resource.action is Action.CHECK and (child.action, child.status) != checked


async def _stored_child(work: ResourceContext) -> Stack:
    child_id = work.resource.nested_stack_id
    child = await stacks.get(work.run.services.db, child_id, None) if child_id else None
    if child is None:
        raise ResourceFailure("The nested stack is missing")
    return child


async def _is_same(
    at: StackRun, work: ResourceContext, child: Stack, props: Properties, members: Members
) -> bool:
    if child.status is not Status.COMPLETE or work.resource.status is not Status.COMPLETE:
        return False
    if any(row.status is not Status.COMPLETE for row in members.resources.values()):
        return False
    files = at.desired.source.files
    wanted = _nested(work.kind).child(work.resource, props, members, files)
    definition, _ = _definition(at, work, wanted)
    return definition == child.definition


async def _reach(
    at: StackRun, work: ResourceContext, child: Stack, old: Properties | None, new: Properties
) -> None:
    """Take the child through all batches of the change."""
    files = at.desired.source.files
    members = NO_MEMBERS if old is None else await members_of(at, child)
    batches = list(_nested(work.kind).batches(work.resource, old, new, members, files))
    if sum(batch.pause for batch in batches) >= work.stack.timeout:
        raise ResourceFailure("The current update policy will result in stack update timeout.")
    for index, batch in enumerate(batches):
        child = await _reach_batch(at, work, child, batch)
        if batch.pause and index + 1 < len(batches):
            await work.sleep(batch.pause)
    await _store_attributes(at, work, child)


async def _values_before(at: StackRun, child: Stack, source: Source) -> Mapping[str, Any] | None:
    """The parameters of a child that is there already, where some of them may not change."""
    schemas = source.template.parameter_schemas.values()
    if not child.definition.template or not any(schema.immutable for schema in schemas):
        return None
    return (await load_desired(at.run.services.db, at.run.services.registry, child)).parameters


async def _reach_batch(at: StackRun, work: ResourceContext, child: Stack, batch: Batch) -> Stack:
    definition, changes = _definition(at, work, batch.child)
    action = Action.CREATE if child.action is Action.CREATE and child.status is not Status.COMPLETE else None
    action = action or Action.UPDATE
    template, environment = child_data(at.desired.source.environment, work.resource, batch.child)
    source = load_source(template, environment, at.desired.source.files)
    source = await exports.with_exports(
        at.run.services.db, at.run.services.registry, source, identity_of(child)
    )
    desired = build(
        source,
        identity_of(child),
        at.run.services.registry,
        definition,
        facade=_facade(at, work),
        previous=await _values_before(at, child, source),
    )
    child = await _set_state(
        at, child, action, Status.IN_PROGRESS, f"Stack {action} started", *changes, definition=definition
    )
    await _admit(at, child, desired, action)
    inner = await _inner(at, work, child, desired)
    async with at.run.cancellation.aside():
        good = await inner.walk()
    if not good:
        await _raise_failure(at, inner, child, action)
    try:
        shared = await inner.export_changes(action)
    except (ExportExists, ExportInUse) as error:
        await _set_state(at, child, action, Status.FAILED, str(error))
        raise
    values = {
        "outputs": desired.outputs(desired.scope(inner.rows)),
        "description": source.template.description,
    }
    done = f"Stack {action} completed successfully"
    return await _set_state(at, child, action, Status.COMPLETE, done, *shared, **values)


async def _admit(at: StackRun, child: Stack, desired: Desired, action: Action) -> None:
    """Fail a child before anything of it is made: it is too large, or its rules or exports forbid it."""
    try:
        at.run.quota.take(child.id, len(desired.resources))
        raise_first(rule_problems(desired.source.template, desired.parameters))
        await at.run.write(*await exports.begin(at.run.services.db, child, desired))
    except (RequestLimitExceeded, TemplateError, ExportExists, ExportInUse) as error:
        await _set_state(at, child, action, Status.FAILED, str(error))
        raise


def _facade(at: StackRun, work: ResourceContext) -> Mapping[str, Any]:
    definition = at.desired.resources[work.resource.name]
    return {
        "metadata": dict(work.resource.metadata),
        "deletion_policy": definition.deletion_policy,
        "update_policy": definition.update_policy or {},
    }


def _definition(at: StackRun, work: ResourceContext, child: Child) -> tuple[Definition, list[Change]]:
    stack, db = at.stack, at.run.services.db
    template, environment = child_data(at.desired.source.environment, work.resource, child)
    if isinstance(template, str):
        template = load_template(template, file=child.source).data
    return pack_definition(db, stack.project_id, template, environment, stack.definition.files)


async def _set_state(
    at: StackRun,
    child: Stack,
    action: Action,
    status: Status,
    reason: str,
    *others: Change,
    **values: Any,
) -> Stack:
    """Store a new state of the child, with its event unless it is in that state already."""
    changes: list[Change] = [*others]
    if (child.action, child.status) != (action, status):
        changes.append(stack_event(child, action, status, reason))
    moved: dict[str, Any] = {"action": action, "status": status, "reason": reason, **values}
    if action is not Action.CREATE:
        moved["updated_at"] = now()
    changes.append(Update(Stack, child.id, moved))
    await at.run.write(*changes)
    return replace(child, **moved)


async def _inner(at: StackRun, work: ResourceContext, child: Stack, desired: Desired | None) -> StackRun:
    stored = await resources.of_stack(at.run.services.db, child.id)
    return at.inner(work.resource, child, desired, stored)


async def _raise_failure(at: StackRun, inner: StackRun, child: Stack, action: Action) -> NoReturn:
    """Mark the child FAILED and fail the resource with the child's own words."""
    if not inner.failures:
        if at.run.abandons_waits():
            await _set_state(at, child, action, Status.FAILED, at.run.why_stopped())
        raise Stopped(at.run.why_stopped())
    failure = inner.failures[0]
    await _set_state(at, child, action, Status.FAILED, failure.reason)
    if failure.as_a_whole:
        raise ResourceFailure(failure.text)
    kind, _, inner_text = failure.text.partition(": ")
    raise NestedFailure(kind, inner_text)


async def members_of(at: StackRun, child: Stack) -> Members:
    """The child's resources as they are stored."""
    rows = await resources.of_stack(at.run.services.db, child.id)
    registry = at.run.services.registry
    stored = {row.name: row for row in rows if row.replaced_by is None}
    if not child.definition.template:
        return NO_MEMBERS
    desired = await load_desired(at.run.services.db, at.run.services.registry, child)
    scope = desired.scope(stored)

    def attribute(member: str, path: tuple[Any, ...]) -> Any:
        if not path:
            return scope.reference(member)
        return scope.attribute(member, str(path[0]), path[1:])

    references = {
        name: handler_of(row, registry, desired.kinds).reference(row) for name, row in stored.items()
    }
    outputs = {key: each.get("value") for key, each in (child.outputs or {}).items()}
    return Members(stored, references, outputs, attribute)


async def _store_attributes(at: StackRun, work: ResourceContext, child: Stack) -> None:
    members = await members_of(at, child)
    handler = _nested(work.kind)
    values: dict[str, Any] = {}
    for path in at.wanted(work.resource.name):
        name, rest = str(path[0]), tuple(path[1:])
        try:
            values[attribute_key(name, rest)] = handler.read(work.resource, name, rest, members)
        except (TemplateError, NotFound):
            continue
    for name in handler.attributes:
        try:
            values.setdefault(name, handler.read(work.resource, name, (), members))
        except TemplateError:
            continue
    if "OS::stack_id" in members.outputs:
        values["OS::stack_id"] = members.outputs["OS::stack_id"]
    if values != dict(work.resource.attributes):
        await work.store(attributes=values)

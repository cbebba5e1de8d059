"""Brings one resource to what its stack wants of it: nothing to do, create, adopt, update or replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from stackd.db.journal import Insert, Update
from stackd.engine.definition.desired import Desired
from stackd.engine.execution import hooks, lifecycle, nested, targets, unfinished
from stackd.engine.execution.comparison import compare, rewritten
from stackd.engine.execution.name_lookup import with_ids
from stackd.engine.execution.nested import Walk
from stackd.engine.execution.renewal import renew_metadata
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.execution.targets import Target, lacks_attributes
from stackd.engine.planning.diff import UNCHANGED, Difference, present
from stackd.engine.planning.verbs import Verb
from stackd.engine.transitions import STATE_CHANGED, resource_event
from stackd.errors import CloudNotFound, NotSupported, ResourceActionRestricted, ResourceFailure
from stackd.offload import offloaded
from stackd.records import Action, Resource, Status
from stackd.resources.base import NestedType, ResourceType
from stackd.template.masking import hidden_if_secret
from stackd.urls import shown_name


@dataclass(frozen=True, slots=True)
class Successor:
    """A new row that takes the place of another: its creation, and so its failure, is its own."""

    work: ResourceContext
    target: Target


async def reconcile(at: StackRun, name: str, walk: Walk) -> bool:
    """Bring one resource to its definition; returns whether that succeeded."""
    work, desired = at.work_on(name), at.desired
    row = work.resource
    if at.run.inputs.skips((*at.info.path, name)):
        return True
    if at.is_kept(row, at.kept) and not lacks_attributes(work, at.wanted(name)):
        return await at.guarded(work, _keep(at, desired, work))
    if not await unfinished.finish(at, work):
        return False
    successors: list[Successor] = []
    if not await at.guarded(work, _reach(at, desired, work, walk, successors.append)):
        return False
    if successors:
        fresh = successors[0]
        return await at.guarded(fresh.work, _create(at, fresh.work, fresh.target, walk))
    return True


async def _keep(at: StackRun, desired: Desired, work: ResourceContext) -> None:
    """Note that a resource stands as it was planned to: nothing is evaluated again."""
    name = work.resource.name
    await _store_changed(work, targets.origin(at, desired, name))
    at.kept.add(name)


async def _reach(
    at: StackRun,
    desired: Desired,
    work: ResourceContext,
    walk: Walk,
    replaced: Callable[[Successor], None],
) -> None:
    """From the newest row to the wanted state: nothing, create, update, or replace.

    ``replaced`` is called with the new row of a replacement, whose object is still to be made.
    """
    is_new = work.resource.action is Action.INIT
    if at.hooks is not None and desired.resources[work.resource.name].external_id is None:
        await hooks.before(at, at.hooks, work)
    try:
        target: Target = await offloaded(targets.resolve, at, desired, work.resource.name)
        _require_same_external(work.resource, target.external)
        difference = UNCHANGED if is_new or target.external else await compare(at, work, target)
    except Exception:
        await work.enter(Action.CREATE if is_new else Action.UPDATE)
        raise
    if target.external is not None:
        await _adopt(work, target, target.external)
    elif at.adopted is not None and (is_new or _is_half_adopted(work)):
        at.require_planned(work.resource.name, Verb.ADOPT)
        await _take_over(at, work, target, at.adopted, walk)
    elif is_new:
        at.require_planned(work.resource.name, Verb.CREATE)
        await _create(at, work, target, walk)
    elif difference.verb is Verb.REPLACE:
        await _require_allowed(at, work, Verb.REPLACE)
        replaced(Successor(await _replace(at, work, difference), target))
        return
    else:
        await _change(at, work, target, difference, walk)
    if at.hooks is not None:
        await hooks.after(at, at.hooks, work)


async def _change(
    at: StackRun, work: ResourceContext, target: Target, difference: Difference, walk: Walk
) -> None:
    """Bring an object that stays to what is wanted."""
    target = targets.for_row(work, target)
    if isinstance(work.kind, NestedType):
        hooks.arm(at, work)
        permitted = partial(_require_allowed, at, work, Verb.UPDATE)
        await nested.update(at, work, target.props, target.intent, permitted, walk)
    elif difference.verb is Verb.UPDATE:
        await _require_allowed(at, work, Verb.UPDATE)
        hooks.arm(at, work)
        await _update(at, work, target)
    else:
        await _leave_alone(at, work, target)


async def _require_allowed(at: StackRun, work: ResourceContext, verb: Verb) -> None:
    """Refuse what a saved plan or the environment does not allow, before anything is done.

    A rollback may do what is forbidden: it brings back what was there.
    """
    row = work.resource
    at.require_planned(row.name, verb)
    if at.run.hooks.is_open and verb.value in at.environment.restricted_actions(row.name):
        refusal = ResourceActionRestricted(verb.value)
        shown = row.physical_id or work.physical_name
        await at.run.write(resource_event(at.stack, row, Action.UPDATE, Status.FAILED, str(refusal), shown))
        raise refusal


def _require_same_external(row: Resource, wanted: str | None) -> None:
    """Refuse to turn an own object into an external one, or back."""
    if row.action is not Action.INIT and row.external_id != wanted:
        shown = shown_name(row.type)
        raise NotSupported(f"Update to property external_id of {row.name} ({shown}) is not supported.")


# --- new objects ----------------------------------------------------------------------------------


async def _create(at: StackRun, work: ResourceContext, target: Target, walk: Walk) -> None:
    try:
        await _make_room(at, work.resource)
    except Exception:
        await work.enter(Action.CREATE)
        raise
    if isinstance(work.kind, NestedType):
        await nested.create(at, work, target.props, target.intent, walk)
        return
    ready = await with_ids(target.props, at.run.find, at.run.known_ids)
    await lifecycle.create(work, ready, target.wanted, **target.intent)


async def _make_room(at: StackRun, fresh: Resource) -> None:
    """Let a resource that is being replaced, and those given up, let go of what the new one needs."""
    if not fresh.replaces:
        return
    keeps = at.desired.resources[fresh.name].replacement_policy == "Retain"
    for old in at.rows.others(fresh):
        in_the_way = old.id == fresh.replaces or not old.applied_from
        if keeps and old.deletion_policy == "Retain":
            continue
        if old.action is Action.DELETE and old.status is Status.IN_PROGRESS:
            await _finish_deletion(at, old)
            continue
        if not in_the_way or old.physical_id is None or old.action is Action.DELETE:
            continue
        handler = at.handler_of(old)
        if type(handler).prepare_for_replace is not ResourceType.prepare_for_replace:
            work = at.work(old, handler)
            with suppress(CloudNotFound):
                await handler.prepare_for_replace(work, await at.stored_properties(work))


async def _finish_deletion(at: StackRun, old: Resource) -> None:
    """Complete an interrupted deletion: the new object may need the name or the address of the old one.

    What needed the old object was deleted before it. If it cannot be deleted now, the clean-up tries again.
    """
    if old.nested_stack_id is not None:
        return
    try:
        handler = at.handler_of(old)
    except ResourceFailure:  # its type is no longer installed: the clean-up reports that
        return
    work, keep = at.work(old, handler), hooks.stays(at, old)
    props = await at.stored_properties(work)
    error = await lifecycle.run_guarded(work, lifecycle.delete(work, props, keep=keep))
    if error is None and not keep:
        at.rows.forget(old)


async def _adopt(work: ResourceContext, target: Target, external_id: str) -> None:
    """Take an object that exists already; it is never changed and never deleted."""
    external_id = hidden_if_secret(external_id, work.run.secrets)
    if work.resource.external_id == external_id and work.resource.status is Status.COMPLETE:
        return
    external = {"deletion_policy": "Retain", "external_id": external_id, "physical_id": external_id}
    await work.enter(Action.ADOPT, **{**target.intent, **external})
    await work.kind.check(work, work.kind.properties.wrap({}))
    await work.leave(Status.COMPLETE, attributes=await work.attributes(target.wanted))


async def _take_over(
    at: StackRun, work: ResourceContext, target: Target, adopted: Mapping[str, Any], walk: Walk
) -> None:
    """Make the object that the adopted data name the resource's own."""
    if isinstance(work.kind, NestedType):
        await nested.create(at, work, target.props, target.intent, walk)
    else:
        ready = await with_ids(target.props, at.run.find, at.run.known_ids, strict=False)
        data = adopted.get(work.resource.name)
        await lifecycle.adopt(work, ready, data, target.wanted, **target.intent)


def _is_half_adopted(work: ResourceContext) -> bool:
    """Whether an adoption was interrupted; a stack inside goes on with its own."""
    row = work.resource
    begun = (row.action, row.status) == (Action.ADOPT, Status.IN_PROGRESS)
    return begun and not isinstance(work.kind, NestedType)


async def _replace(at: StackRun, work: ResourceContext, difference: Difference) -> ResourceContext:
    """Add a new row for the name; the old object is deleted when nothing needs it any more.

    Events show an update that turns out to be a replacement, but none where the state of the resource, or its
    type, already says so.
    """
    old = work.resource
    fresh = at.new_row(old.name, replaces=old.id)
    reason = f"The Resource {old.name} requires replacement."
    marks: dict[str, Any] = {"replaced_by": fresh.id}
    policy = at.desired.resources[old.name].replacement_policy
    if policy is not None and (old.action, old.status) != (Action.CREATE, Status.FAILED):
        marks["deletion_policy"] = policy
    await at.run.write(
        Insert(fresh),
        Update(Resource, old.id, marks),
        *(
            resource_event(at.stack, old, Action.UPDATE, status, text, old.physical_id)
            for status, text in ((Status.IN_PROGRESS, STATE_CHANGED), (Status.COMPLETE, reason))
            if difference.changed
        ),
    )
    at.put_beside(replace(old, **marks), fresh)
    return at.work(fresh, at.desired.types[old.name].handler)


# --- objects that stay ----------------------------------------------------------------------------


async def _update(at: StackRun, work: ResourceContext, target: Target) -> None:
    find, known = at.run.find, at.run.known_ids
    await _repair(at, work, target)
    intent = dict(target.intent)
    if "metadata" in intent and work.kind.signalable:
        await renew_metadata(work, target.metadata)
        del intent["metadata"]
    stored = present(work.resource, target.props, rewritten(at, work.resource))
    old = await with_ids(type(target.props).wrap(stored), find, known, strict=False)
    new = await with_ids(target.props, find, known)
    await lifecycle.update(work, old, new, target.wanted, previous_properties=stored, **intent)


async def _repair(at: StackRun, work: ResourceContext, target: Target) -> bool:
    """Finish a create that failed after its object was made; whether there was one.

    It is CREATE_IN_PROGRESS again, with an event, since it may take as long as the first attempt.
    """
    if (work.resource.action, work.resource.status) != (Action.CREATE, Status.FAILED):
        return False
    await work.enter(Action.CREATE)
    props = await at.stored_properties(work)
    await lifecycle.finish(work, props, target.wanted)
    return True


async def _leave_alone(at: StackRun, work: ResourceContext, target: Target) -> None:
    if await _repair(at, work, target):
        await _store_changed(work, target.intent)
        return
    row, values = work.resource, dict(target.intent)
    if lacks_attributes(work, target.wanted):
        values["attributes"] = await work.attributes(target.wanted)
    if row.status is Status.FAILED:
        text = "Update status to COMPLETE for FAILED resource neither update nor replace."
        await work.leave(Status.COMPLETE, text, **values)
        return
    await _store_changed(work, values)
    at.kept.add(row.name)


async def _store_changed(work: ResourceContext, values: Mapping[str, Any]) -> None:
    """Store those of some values of the row that differ."""
    changed = {key: value for key, value in values.items() if getattr(work.resource, key) != value}
    if changed:
        await work.store(**changed)
        await work.flush()

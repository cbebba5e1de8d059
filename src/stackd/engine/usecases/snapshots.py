"""Snapshots of stacks: taken, seen, restored and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from stackd.db import snapshots
from stackd.db.journal import Insert, Update
from stackd.engine.definition.desired import Source, load_source
from stackd.engine.definition.documents import load_definition, load_json
from stackd.engine.execution.snapshots import kept_in, put_content
from stackd.engine.services.stack_data import definition_data, facts_of
from stackd.engine.transitions import require_start
from stackd.engine.usecases import checking, stacks
from stackd.engine.usecases.access import Named, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.fetching import Fetched
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import NotFound, NotSupported, RequestLimitExceeded, SnapshotNotFound
from stackd.offload import in_thread
from stackd.records import Action, Caller, Snapshot, Stack, Status, new_id, now
from stackd.resources.copies import COPY
from stackd.resources.registry import Registry

_UNSHOWN = ("kind", "is_kept", COPY)


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """A snapshot with the stack and the resources as they were; nothing is masked."""

    snapshot: Snapshot
    data: Mapping[str, Any]


async def take(
    engine: Engine, caller: Caller, named: Named, name: str | None, *, rule: str = "stacks:snapshot"
) -> SnapshotView:
    """Accept a snapshot; the stack is SNAPSHOT_IN_PROGRESS when this returns."""
    stack = await permitted(engine, caller, rule, named, live=True)
    taken: list[Snapshot] = []

    async def begin(newest: Stack) -> Stack:
        require_start(newest, Action.SNAPSHOT)
        await _require_possible(engine, caller, newest)
        put = put_content(engine.services.db, newest.project_id, {**facts_of(newest), "resources": {}})
        made = _new(caller, newest, name, put.id)
        taken[:] = [made]
        return await stacks.accept_snapshot(engine, caller, newest, put, Insert(made), snapshot=made.id)

    await stacks.on_newest(engine, stack, begin)
    return await _view(engine, stack, taken[0])


async def _require_possible(engine: Engine, caller: Caller, stack: Stack) -> None:
    if stack.parent_id is not None:
        raise NotSupported("Taking a snapshot of a stack inside another is not supported.")
    most = engine.limits.max_snapshots_per_stack
    limited = most >= 0 and not engine.policy.is_admin(caller)
    if limited and await snapshots.count(engine.services.db, stack.id) >= most:
        raise RequestLimitExceeded(
            f"Request limit exceeded: You have reached the maximum snapshots per stack ({most}). "
            "Please delete some snapshots."
        )


def _new(caller: Caller, stack: Stack, name: str | None, content: str) -> Snapshot:
    moment = now()
    return Snapshot(
        id=new_id(),
        stack_id=stack.id,
        root_id=stack.root_id,
        project_id=caller.project_id,
        name=name,
        action=Action.CREATE,
        status=Status.IN_PROGRESS,
        definition=stack.definition,
        content=content,
        created_at=moment,
        updated_at=moment,
    )


async def listed(
    engine: Engine, caller: Caller, named: Named, *, rule: str = "stacks:list_snapshots"
) -> list[SnapshotView]:
    """The snapshots of a stack that the caller's project took, oldest first."""
    stack = await permitted(engine, caller, rule, named, live=True)
    found = await snapshots.listed(engine.services.db, stack.id, caller.project_id)
    return [await _view(engine, stack, each) for each in found]


async def show(
    engine: Engine, caller: Caller, named: Named, snapshot_id: str, *, rule: str = "stacks:show_snapshot"
) -> SnapshotView:
    """One snapshot."""
    stack = await permitted(engine, caller, rule, named, live=True)
    return await _view(engine, stack, await _found(engine, caller, stack, snapshot_id))


async def delete(
    engine: Engine, caller: Caller, named: Named, snapshot_id: str, *, rule: str = "stacks:delete_snapshot"
) -> None:
    """Accept the deletion of a snapshot and of what it made in the cloud."""
    stack = await permitted(engine, caller, rule, named, live=True)
    snapshot = await _found(engine, caller, stack, snapshot_id)
    if (snapshot.action, snapshot.status) == (Action.CREATE, Status.IN_PROGRESS):
        raise NotSupported("Deleting in-progress snapshot is not supported.")
    values: dict[str, Any] = {"action": Action.DELETE, "status": Status.IN_PROGRESS, "updated_at": now()}
    await engine.services.journal.write(Update(Snapshot, snapshot.id, values))
    engine.removals.begin(replace(snapshot, **values))


async def restore(
    engine: Engine, caller: Caller, named: Named, snapshot_id: str, *, rule: str = "stacks:restore_snapshot"
) -> Stack:
    """Accept that a stack becomes again what it was; the stack is RESTORE_IN_PROGRESS when this returns."""
    stack = await permitted(engine, caller, rule, named, live=True)
    snapshot = await _found(engine, caller, stack, snapshot_id)
    if (snapshot.action, snapshot.status) != (Action.CREATE, Status.COMPLETE):
        raise NotSupported("Restoring incomplete snapshot is not supported.")
    return await stacks.on_newest(engine, stack, lambda newest: _restore(engine, caller, newest, snapshot))


async def _restore(engine: Engine, caller: Caller, stack: Stack, snapshot: Snapshot) -> Stack:
    require_start(stack, Action.RESTORE)
    db, registry = engine.services.db, engine.services.registry
    content = await load_json(db, stack.project_id, snapshot.content)
    source = await load_definition(db, stack.project_id, snapshot.definition)
    whole: Source = await in_thread(restored, source, content, registry)
    stored = await load_definition(db, stack.project_id, stack.definition)
    fetched = Fetched(engine.services.egress, engine.limits.max_template_size, stack.project_id)
    checked = await checking.checked_redefinition(engine, caller, stack, whole, stored, fetched)
    request = StackRequest(name=stack.name, existing=True)
    return await stacks.accept_change(
        engine, caller, stack, request, checked, action=Action.RESTORE, restores=snapshot.content
    )


def restored(source: Source, content: Mapping[str, Any], registry: Registry) -> Source:
    """The definition in which resources are made of the copies that a snapshot has (pure)."""
    version, data = source.template.version, dict(source.template.data)
    section, key = version.sections["resources"], version.resource_keys.get("properties", "properties")
    definitions = dict(data.get(section) or {})
    for name, kind, kept in kept_in(content, registry):
        if isinstance(definition := definitions.get(name), dict):
            properties = kind.restored(definition.get(key) or {}, kept)
            definitions[name] = {**definition, key: properties}
    data[section] = definitions
    return load_source(data, source.environment.to_data(), source.files)


async def _found(engine: Engine, caller: Caller, stack: Stack, snapshot_id: str) -> Snapshot:
    snapshot = await snapshots.get(engine.services.db, snapshot_id, caller.project_id)
    if snapshot is None:
        raise NotFound(f"Snapshot with id {snapshot_id} not found")
    if snapshot.stack_id != stack.id:
        raise SnapshotNotFound(snapshot_id, stack.name)
    return snapshot


async def _view(engine: Engine, stack: Stack, snapshot: Snapshot) -> SnapshotView:
    db = engine.services.db
    content = await load_json(db, stack.project_id, snapshot.content)
    source = await load_definition(db, stack.project_id, snapshot.definition)
    found = {
        name: {key: value for key, value in entry.items() if key not in _UNSHOWN}
        for name, entry in content["resources"].items()
    }
    return SnapshotView(snapshot, {**content, **definition_data(source, source.files), "resources": found})

"""Snapshots at work: what is kept of a stack, and the removal of what snapshots made in the cloud."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.db import documents, resources, snapshots, stacks
from stackd.db.codec import to_json
from stackd.db.database import Database
from stackd.db.journal import Change, PutDocument, Remove, Update
from stackd.engine.definition.documents import load_json
from stackd.engine.execution.cancellation import Cancellation
from stackd.engine.execution.resource_context import ResourceContext, StackRows
from stackd.engine.execution.run import OperationRun, Services
from stackd.engine.planning.inputs import Inputs
from stackd.engine.planning.ordering import target_of
from stackd.engine.services.background import Background
from stackd.engine.services.stack_data import current_rows, facts_of, resource_data
from stackd.engine.services.stored_trees import identify
from stackd.errors import ResourceFailure, ServiceUnavailable, StackdError
from stackd.offload import in_thread
from stackd.records import Action, Operation, Resource, Snapshot, Stack, Status, new_id, now
from stackd.resources.base import ResourceType
from stackd.resources.context import StackInfo
from stackd.resources.copies import COPY, SNAPSHOT
from stackd.resources.registry import Registry

log = structlog.get_logger(__name__)

_LEFT_ALONE: Final = timedelta(seconds=30)
"""How long a removal that another process may be at work on is left to it."""


# --- what is kept -------------------------------------------------------------------------------------


def put_content(db: Database, project_id: str, content: Mapping[str, Any]) -> PutDocument:
    """The change that stores what a snapshot keeps."""
    body = to_json(content)
    return PutDocument(project_id, documents.document_id(db.document_key, project_id, body), body)


async def closing(db: Database, stack: Stack, snapshot_id: str) -> list[Change]:
    """What the end of a snapshot stores; ``stack`` is in its new state."""
    rows = await resources.of_stack(db, stack.id)
    put: PutDocument = await in_thread(_content, db, stack, rows, snapshot_id)
    values = {"status": stack.status, "reason": stack.reason, "content": put.id, "updated_at": now()}
    return [put, Update(Snapshot, snapshot_id, values)]


def _content(db: Database, stack: Stack, rows: list[Resource], snapshot_id: str) -> PutDocument:
    found = {
        name: {
            **resource_data(row),
            "kind": row.kind,
            "is_kept": row.data.get(SNAPSHOT) == snapshot_id,
            COPY: row.data.get(COPY),
        }
        for name, row in current_rows(stack, rows).items()
    }
    return put_content(db, stack.project_id, {**facts_of(stack), "resources": found})


def kept_in(
    content: Mapping[str, Any] | None, registry: Registry
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each resource of which a snapshot has a copy: its name, its type, and where the copy is (pure).

    Of one that was interrupted that may be no more than the name under which the copy is found.
    """
    for name, entry in ((content or {}).get("resources") or {}).items():
        kind = registry.types.get(entry["kind"])
        if kind is None or not entry["is_kept"]:
            continue
        kept = {key: entry["resource_data"][key] for key in kind.kept if key in entry["resource_data"]}
        if entry.get(COPY):
            kept[COPY] = entry[COPY]
        if kept:
            yield name, kind, kept


# --- restoring ----------------------------------------------------------------------------------------


async def rewritten(
    db: Database, registry: Registry, stack: Stack, operation: Operation, rows: Iterable[Resource]
) -> dict[str, frozenset[str]]:
    """By the ids of rows, the properties that bring back a snapshot whose restoration is not done yet.

    They count as changed, although they are what they are to be if the snapshot was restored before.
    """
    content = await load_json(db, stack.project_id, str(operation.options.get("restores") or ""))
    current = current_rows(stack, rows)
    target = target_of(stack.definition)
    return {
        row.id: frozenset(kind.rewritten)
        for name, kind, _ in kept_in(content, registry)
        if (row := current.get(name)) is not None and not is_restored(row, target, operation.created_at)
    }


def is_restored(row: Resource, target: str, accepted_at: datetime) -> bool:
    """Whether the operation that was accepted then has brought a resource to the definition (pure).

    What it made, in place of another, is as the snapshot has it.
    """
    if row.created_at >= accepted_at:
        return True
    is_done = (row.action, row.status, row.applied_from) == (Action.UPDATE, Status.COMPLETE, target)
    return is_done and row.updated_at is not None and row.updated_at >= accepted_at


# --- removal ------------------------------------------------------------------------------------------


async def close_all(run: OperationRun, stack: Stack) -> None:
    """Note what unfinished snapshots of a stack that goes have made, before its resources are gone."""
    for each in await snapshots.of_tree(run.services.db, stack.root_id):
        if each.stack_id == stack.id and (each.action, each.status) == (Action.CREATE, Status.IN_PROGRESS):
            changes = await closing(run.services.db, stack, each.id)
            failed = Update(Snapshot, each.id, {"status": Status.FAILED, "reason": stack.reason})
            await run.write(*changes, failed)


async def remove_all(run: OperationRun, stack: Stack) -> None:
    """Remove the snapshots of a stack that goes; of one that is given up their copies stay."""
    for each in await snapshots.of_tree(run.services.db, stack.root_id):
        if each.stack_id == stack.id:
            if not run.inputs.abandons:
                await remove_copies(run, stack, each)
            await run.write(Remove(Snapshot, each.id))


async def remove_copies(run: OperationRun, stack: Stack, snapshot: Snapshot) -> None:
    """Remove what a snapshot made in the cloud; can be repeated."""
    content = await load_json(run.services.db, stack.project_id, snapshot.content)
    rows = current_rows(stack, await resources.of_stack(run.services.db, stack.id))
    async with run.cancellation.slots:
        for name, kind, kept in kept_in(content, run.services.registry):
            try:
                await kind.delete_snapshot(_context(run, stack, rows.get(name), name, kind), kept)
            except StackdError as error:
                raise ResourceFailure(f"Snapshot {snapshot.id}: resources.{name}: {error}") from error


def _context(
    run: OperationRun, stack: Stack, row: Resource | None, name: str, kind: ResourceType[Any]
) -> ResourceContext:
    """What a type sees of a resource that may no longer be there."""
    row = row or Resource(
        id=new_id(),
        stack_id=stack.id,
        root_id=stack.root_id,
        name=name,
        type=kind.type_name,
        kind=kind.type_name,
        created_at=now(),
    )
    info = StackInfo(stack.id, stack.name, stack.project_id, stack.root_id, stack.name)
    return ResourceContext(run, stack, info, kind, row, StackRows((), {}))


class SnapshotRemovals(Background[Snapshot]):
    """Removes snapshots that users have deleted: the state DELETE_IN_PROGRESS is the queue.

    A removal that is repeated, or done by two processes, does no harm.
    """

    def __init__(self, services: Services, cloud_of: Callable[[Stack], Awaitable[Cloud]]) -> None:
        super().__init__("snapshot", self._remove, partial(snapshots.going, services.db), _LEFT_ALONE)
        self._services = services
        self._cloud_of = cloud_of

    async def _remove(self, snapshot: Snapshot) -> None:
        journal = self._services.journal
        try:
            stack = await stacks.get(self._services.db, snapshot.stack_id, None)
            if stack is not None:
                await remove_copies(await self._run(stack), stack, snapshot)
            await journal.write(Remove(Snapshot, snapshot.id))
        except ServiceUnavailable:
            raise
        except StackdError as error:
            log.warning("snapshot_not_removed", snapshot=snapshot.id, error=str(error))
            values = {"status": Status.FAILED, "reason": str(error), "updated_at": now()}
            await journal.write(Update(Snapshot, snapshot.id, values))

    async def _run(self, stack: Stack) -> OperationRun:
        """An operation outside of any walk."""
        services, cloud = self._services, await self._cloud_of(stack)
        inputs = Inputs(services.registry, identify(services.db, stack.project_id))
        cancellation = Cancellation(services.tuning.slots)
        return OperationRun(
            services, services.journal.write, inputs, cloud, None, Finder(cloud), cancellation
        )

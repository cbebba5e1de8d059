"""Detections of drift at work: what the cloud has, held against what stacks recorded.

A detection changes nothing in the cloud. Its record is the queue: one that is running is taken up by the next
process, and made twice it stores the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.db import drift, resources, stacks
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.engine.definition.documents import load_definition
from stackd.engine.execution.name_lookup import with_ids
from stackd.engine.execution.observation import live_objects
from stackd.engine.execution.run import Services
from stackd.engine.planning.drift import IN_SYNC, Comparison, compared, gone
from stackd.engine.services.background import Background
from stackd.engine.services.stack_data import current_rows
from stackd.errors import Fenced, ServiceUnavailable, StackdError, TemplateError
from stackd.offload import in_thread
from stackd.records import Action, DriftDetection, DriftState, Resource, ResourceDrift, Stack, now
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON
from stackd.template.masking import NOTHING, Secrets, concealed_text

log = structlog.get_logger(__name__)

_LEFT_ALONE: Final = timedelta(seconds=60)
"""How long a detection that another process may be at work on is left to it."""

_AT_ONCE: Final = 25
"""Resources that are compared in one turn of the event loop."""

_DISTURBED: Final = frozenset({Action.DELETE, Action.INIT})


async def compare(
    services: Services, cloud: Cloud, stack: Stack, names: Collection[str] | None = None
) -> list[ResourceDrift]:
    """The resources of one stack, or those of some names, compared with their objects.

    Those whose types cannot be compared are left out, and stacks inside: they are compared by themselves.
    """
    rows = current_rows(stack, await resources.of_stack(services.db, stack.id))
    chosen = [row for row in rows.values() if (names is None or row.name in names) and _has_object(row)]
    given = await _given(services, stack)
    secrets = await services.redaction.of(stack)
    live = await live_objects(cloud, services.registry, chosen)
    found = []
    finder, known = Finder(cloud), {row.physical_id for row in rows.values() if row.physical_id}
    for count, row in enumerate(chosen, 1):
        if count % _AT_ONCE == 0:
            await asyncio.sleep(0)
        if row.id in live and (kind := services.registry.types.get(row.kind)) is not None:
            made = await _compared(kind, row, live[row.id], given.get(row.name), finder, known, secrets)
            if made is not None:
                found.append(_record(stack, row, made))
    return found


def _has_object(row: Resource) -> bool:
    return row.external_id is None and row.action not in _DISTURBED


async def _given(services: Services, stack: Stack) -> Mapping[str, Collection[str]]:
    """The properties that the template sets of each resource, where it lists them by their names."""
    try:
        source = await load_definition(services.db, stack.project_id, stack.definition)
    except TemplateError:
        return {}
    key = source.template.version.resource_keys["properties"]
    sections = {name: each.raw.get(key) for name, each in source.template.resources.items()}
    return {name: frozenset(each) for name, each in sections.items() if isinstance(each, Mapping)}


async def _compared(
    kind: ResourceType[Any],
    row: Resource,
    live: JSON | None,
    given: Collection[str] | None,
    finder: Finder,
    known: set[str],
    secrets: Secrets,
) -> Comparison | None:
    """The comparison of one resource; None if its type cannot be compared.

    In a thread: long lists take long to compare, and a stack may have many resources.
    """
    written = {name: value for name, value in row.properties.items() if given is None or name in given}
    if live is None:
        return gone(written, secrets)
    props = await with_ids(kind.properties.wrap(dict(row.properties)), finder, known, strict=False)
    pairs = kind.observed(props, live)
    if pairs is None:
        return None
    chosen = {name: pair for name, pair in pairs.items() if name in written}
    made: Comparison = await in_thread(compared, chosen, secrets)
    return made


def _record(stack: Stack, row: Resource, made: Comparison) -> ResourceDrift:
    return ResourceDrift(
        id=drift.resource_drift_id(stack.id, row.name),
        project_id=stack.project_id,
        stack_id=stack.id,
        name=row.name,
        type=row.type,
        physical_id=row.physical_id,
        status=made.status,
        checked_at=now(),
        content=made.content(),
    )


def stored(found: Iterable[ResourceDrift]) -> list[Change]:
    """The changes that store what was found, in place of what was known before."""
    return [change for each in found for change in (Remove(ResourceDrift, each.id), Insert(each))]


class DriftDetections(Background[DriftDetection]):
    """Runs detections in the background."""

    def __init__(self, services: Services, cloud_of: Callable[[Stack], Awaitable[Cloud]]) -> None:
        super().__init__("drift", self._run, partial(drift.running, services.db), _LEFT_ALONE)
        self._services = services
        self._cloud_of = cloud_of

    async def _run(self, detection: DriftDetection) -> None:
        try:
            changes = await self._detected(detection)
        except ServiceUnavailable:
            raise
        except StackdError as error:
            log.warning("drift_not_detected", detection=detection.id, error=str(error))
            changes = [_end(detection, DriftState.FAILED, reason=await self._shown(detection, error))]
        except Exception:
            log.exception("drift_detection_broke", detection=detection.id)
            changes = [_end(detection, DriftState.FAILED, reason="An unexpected error occurred.")]
        with contextlib.suppress(Fenced):  # another process was faster
            await self._services.journal.write(*changes)

    async def _shown(self, detection: DriftDetection, error: StackdError) -> str:
        """Why a detection failed, without the secrets of its stack."""
        stack = await stacks.get(self._services.db, detection.stack_id, detection.project_id)
        secrets = await self._services.redaction.of(stack) if stack is not None else NOTHING
        return concealed_text(str(error), secrets)

    async def _detected(self, detection: DriftDetection) -> list[Change]:
        """What is stored of a detection that comes to its end."""
        stack = await stacks.get(self._services.db, detection.stack_id, detection.project_id)
        if stack is None or stack.deleted_at is not None:
            return [_end(detection, DriftState.FAILED, reason="The stack was deleted.")]
        found = await compare(self._services, await self._cloud_of(stack), stack, detection.names)
        changes = stored(found)
        if detection.names is None:
            names = {each.name for each in found}
            known = await drift.of_stack(self._services.db, stack.id)
            changes += [Remove(ResourceDrift, each.id) for each in known if each.name not in names]
        drifted = sum(each.status != IN_SYNC for each in found)
        return [*changes, _end(detection, DriftState.DONE, drifted=drifted, compared=len(found))]


def _end(detection: DriftDetection, state: DriftState, **values: Any) -> Update:
    """The end of a detection, unless another process has stored it."""
    running = {"state": DriftState.RUNNING}
    return Update(
        DriftDetection, detection.id, {"state": state, "updated_at": now(), **values}, where=running
    )

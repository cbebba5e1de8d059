"""What an alarm acts on: a resource of its project, or a URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from stackd.db import resources, stacks
from stackd.db.database import Database
from stackd.engine.definition.types import handler_of
from stackd.engine.planning.ordering import best_row, target_of
from stackd.errors import ResourceFailure
from stackd.records import Alarm, Resource, Stack
from stackd.resources.base import ResourceType
from stackd.resources.context import Endpoints
from stackd.resources.heat.addresses import Addressed, parse_arn
from stackd.resources.registry import Registry
from stackd.urls import is_url

_SIGNALS = ("signal", "waitcondition")


@dataclass(frozen=True, slots=True)
class Receiver:
    """A resource that is signalled."""

    stack: Stack
    row: Resource
    kind: ResourceType[Any]

    @property
    def scales(self) -> bool:
        """Whether a signal changes the size of a group."""
        return self.kind.adjustment(self.row) is not None


@dataclass(frozen=True, slots=True)
class Targets:
    """Finds what actions of alarms mean, within the project of each alarm."""

    db: Database
    registry: Registry
    endpoints: Endpoints

    async def receiver(self, alarm: Alarm, action: str) -> Receiver | None:
        """The resource that an action means; None if it means a URL elsewhere, or nothing that there is."""
        if (named := addressed(action, self.endpoints)) is not None:
            return await self._at(alarm, named)
        if is_url(action) or alarm.stack_id is None:
            return None
        stack = await stacks.get(self.db, alarm.stack_id, alarm.project_id, live=True)
        return await self._referred(stack, action) if stack is not None else None

    async def _at(self, alarm: Alarm, named: Addressed) -> Receiver | None:
        stack = await stacks.get(self.db, named.stack_id, alarm.project_id, live=True)
        if stack is None or named.project_id != stack.project_id or stack.name != named.stack_name:
            return None
        rows = await resources.named(self.db, stack.id, named.resource)
        await self.registry.ready(row.kind for row in rows)
        return self._made(stack, best_row(rows, target_of(stack.definition)) or (rows[-1] if rows else None))

    async def _referred(self, stack: Stack, reference: str) -> Receiver | None:
        """The resource of the alarm's stack with this name, physical id or reference."""
        rows = await resources.of_stack(self.db, stack.id)
        await self.registry.ready(row.kind for row in rows)
        for row in sorted(rows, key=lambda row: bool(row.replaced_by)):
            made = self._made(stack, row)
            if made is not None and reference in (row.physical_id, row.name, made.kind.reference(row)):
                return made
        return None

    def _made(self, stack: Stack, row: Resource | None) -> Receiver | None:
        if row is None:
            return None
        try:
            return Receiver(stack, row, handler_of(row, self.registry, {}))
        except ResourceFailure:
            return None


def addressed(action: str, endpoints: Endpoints) -> Addressed | None:
    """The resource whose ARN an action is, or whose URL for signals, with a token or with a signature."""
    if action.startswith("arn:"):
        return parse_arn(action)
    path = urlsplit(action).path if is_url(action) else ""
    for kind in _SIGNALS:
        beginning = urlsplit(f"{endpoints.cfn}/{kind}/")
        if action.startswith(beginning.geturl()):
            return parse_arn(unquote(path.removeprefix(beginning.path)))
    if action.startswith(f"{endpoints.native}/"):
        return _native(path.removeprefix(urlsplit(endpoints.native).path))
    return None


def _native(path: str) -> Addressed | None:
    """The resource in the path of a signal with a token."""
    match [unquote(part) for part in path.split("/")[1:]]:
        case [project, "stacks", name, identity, "resources", resource, "signal"]:
            return Addressed(project, name, identity, resource)
    return None

"""Records with plausible fields; a test names those that it is about."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stackd.records import Action, Credential, Definition, Event, Operation, Resource, Stack, Status

START = datetime(2030, 1, 1, tzinfo=UTC)
_ticks = itertools.count()


def _tick() -> datetime:
    return START + timedelta(seconds=next(_ticks))


def new_id() -> str:
    return str(uuid.uuid4())


def a_stack(name: str = "", **fields: Any) -> Stack:
    id_ = fields.get("id") or new_id()
    stack = Stack(
        id=id_,
        project_id="project",
        name=name or f"stack-{id_[:8]}",
        owner="alice",
        user_id="user",
        action=Action.CREATE,
        status=Status.COMPLETE,
        reason="Stack CREATE completed successfully",
        definition=Definition(template="t" * 64, environment="e" * 64, files=""),
        root_id=id_,
        created_at=_tick(),
    )
    return replace(stack, **fields)


def a_child(parent: Stack, name: str = "", **fields: Any) -> Stack:
    placed = {
        "project_id": parent.project_id,
        "parent_id": parent.id,
        "root_id": parent.root_id,
        "depth": parent.depth + 1,
    }
    return a_stack(name, **(placed | fields))


def a_resource(stack: Stack, name: str = "server", **fields: Any) -> Resource:
    resource = Resource(
        id=new_id(),
        stack_id=stack.id,
        root_id=stack.root_id,
        name=name,
        type="OS::Nova::Server",
        kind="OS::Nova::Server",
        created_at=_tick(),
        properties={"flavor": "m1.small"},
    )
    return replace(resource, **fields)


def an_event(stack: Stack, resource_name: str = "server", **fields: Any) -> Event:
    event = Event(
        id=new_id(),
        stack_id=stack.id,
        root_id=stack.root_id,
        project_id=stack.project_id,
        time=_tick(),
        resource_name=resource_name,
        resource_type="OS::Nova::Server",
        physical_id=None,
        action=Action.CREATE,
        status=Status.COMPLETE,
        reason="state changed",
    )
    return replace(event, **fields)


def an_operation(stack: Stack, **fields: Any) -> Operation:
    created = _tick()
    operation = Operation(
        id=new_id(),
        stack_id=stack.id,
        root_id=stack.root_id,
        project_id=stack.project_id,
        action=Action.CREATE,
        state="queued",
        created_at=created,
        deadline=created + timedelta(hours=1),
    )
    return replace(operation, **fields)


def a_credential(**fields: Any) -> Credential:
    credential = Credential(
        id=new_id(),
        user_id="user",
        project_id="project",
        roles=("member",),
        trust_id="trust",
        created_at=_tick(),
    )
    return replace(credential, **fields)

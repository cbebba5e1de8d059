"""Queries of events: of a stack, of its nested stacks, and of one resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from stackd.db import events, stacks
from stackd.db.codec import AT_ONCE
from stackd.db.events import EventFilter
from stackd.db.stacks import Page
from stackd.engine.usecases.access import Named, permitted, permitted_with
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.queries import Reader
from stackd.errors import StackdError
from stackd.offload import in_turns
from stackd.records import Caller, Event, Stack
from stackd.template.masking import Secrets, concealed_fields

_FEW = 8
"""Largest number of stacks that are read one by one."""


class NoEvents(StackdError):
    """No events found."""

    code = 404
    wire_type = "HTTPNotFound"


class EventView(NamedTuple):
    """An event with the stack in which it happened."""

    event: Event
    stack: Stack


@dataclass(frozen=True, slots=True)
class EventList:
    """Events of a stack; ``root`` is the stack if the events of its nested stacks are included."""

    events: Sequence[EventView]
    root: Stack | None


async def listed(
    reader: Reader,
    caller: Caller,
    named: Named,
    filters: Mapping[str, Sequence[str]],
    page: Page,
    *,
    resource: str | None = None,
    depth: int = 0,
    with_properties: bool = False,
    rule: str = "events:index",
) -> EventList:
    """The events of a stack and of those inside it down to ``depth``, or only those of one resource.

    With ``with_properties`` each event that begins a change has the properties that the resource gets.
    Raises NoEvents where a resource has none.
    """
    allowed = {name: tuple(values) for name, values in filters.items()}
    if resource is not None:
        allowed["resource_name"] = (resource,)
    wanted = EventFilter(nested_depth=depth, allowed=allowed)
    stack, found = await _read(reader.engine, caller, rule, named, wanted, page, brief=not with_properties)
    if resource is not None and not found:
        raise NoEvents("No events found.")
    if with_properties:
        secrets = await reader.engine.redaction.of(stack)
        found = await in_turns(lambda event: _concealed(event, secrets), found, AT_ONCE)
    known = {stack.id: stack, **await _others(reader, stack, {event.stack_id for event in found})}
    shown = [EventView(event, known[event.stack_id]) for event in found if event.stack_id in known]
    return EventList(shown, stack if depth else None)


def _concealed(event: Event, secrets: Secrets) -> Event:
    """An event with secrets masked in its properties."""
    return (
        replace(event, properties=concealed_fields(event.properties, secrets)) if event.properties else event
    )


async def _read(
    engine: Engine, caller: Caller, rule: str, named: Named, wanted: EventFilter, page: Page, *, brief: bool
) -> tuple[Stack, list[Event]]:
    """The stack and a page of events, read together where a page is one query."""
    db = engine.services.db
    if page.limit == 0:
        return await permitted(engine, caller, rule, named), []
    if wanted.nested_depth or page.marker:
        stack = await permitted(engine, caller, rule, named)
        return stack, await events.listed(db, stack.id, wanted, page, brief=brief)
    part = events.page_of(db, wanted, page, {}, brief=brief)
    stack, [found] = await permitted_with(engine, caller, rule, named, part)
    return stack, found


async def _others(reader: Reader, stack: Stack, wanted: set[str]) -> dict[str, Stack]:
    """The stacks with these ids below a stack: read one by one if they are few."""
    db, missing = reader.engine.services.db, wanted - {stack.id}
    if len(missing) > _FEW:
        return {each.id: each for each in await stacks.tree(db, stack.root_id, live=False)}
    found = [await stacks.get(db, each, None) for each in missing]
    return {each.id: each for each in found if each is not None}


async def show(
    reader: Reader,
    caller: Caller,
    named: Named,
    resource: str,
    event_id: str,
    *,
    rule: str = "events:show",
) -> tuple[EventView, Mapping[str, Any]]:
    """One event of a resource, and the resource's properties at the time of the event."""
    stack = await permitted(reader.engine, caller, rule, named)
    event = await events.get(reader.engine.services.db, stack.id, event_id)
    if event is None or event.resource_name != resource:
        raise NoEvents(f"No event {event_id} found")
    return EventView(event, stack), await reader.properties_at(stack, event)

"""Events are listed by stack, by resource and with those of the stacks inside."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db.stacks import Page
from stackd.engine.usecases import event_queries
from stackd.engine.usecases.event_queries import NoEvents
from stackd.engine.usecases.queries import Reader
from tests.support.engine import World
from tests.support.templates import hot

VALUE = {"type": "OS::Heat::Value", "properties": {"value": "x"}}
GROUP = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": VALUE}}
TEMPLATE = {"heat_template_version": "2018-08-31", "resources": {"v": VALUE, "g": GROUP}}


async def test_depth_adds_events_of_the_stacks_inside_with_their_stack(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        reader, caller = Reader(process.engine), process.caller
        own = await event_queries.listed(reader, caller, stack, {}, Page())
        assert {each.stack.id for each in own.events} == {stack.id}
        assert own.root is None
        every = await event_queries.listed(reader, caller, stack, {}, Page(), depth=3)
        assert len({each.stack.id for each in every.events}) == 2
        assert every.root == stack


async def test_events_of_a_resource_are_filtered_and_paged(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        reader, caller = Reader(process.engine), process.caller
        filters = {"status": ["COMPLETE"]}
        found = await event_queries.listed(reader, caller, stack, filters, Page(), resource="v")
        assert [(each.event.resource_name, each.event.status) for each in found.events] == [("v", "COMPLETE")]
        first = await event_queries.listed(reader, caller, stack, {}, Page(limit=1))
        assert len(first.events) == 1
        with pytest.raises(NoEvents):
            await event_queries.listed(reader, caller, stack, {}, Page(), resource="none")


async def test_event_is_shown_with_the_properties_of_its_resource(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        reader, caller = Reader(process.engine), process.caller
        found = await event_queries.listed(reader, caller, stack, {}, Page(), resource="v")
        identity = found.events[0].event.id
        view, properties = await event_queries.show(reader, caller, stack, "v", identity)
        assert (view.event.id, properties) == (identity, {"value": "x"})
        with pytest.raises(NoEvents):
            await event_queries.show(reader, caller, stack, "g", identity)


async def test_events_show_the_properties_of_their_time(stackd_world: World) -> None:
    def template(value: str) -> dict[str, Any]:
        return hot({"v": {"type": "OS::Heat::Value", "properties": {"value": value}}})

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template("old")))
        stack = await process.done(await process.update(stack, template("new")))
        stack = await process.done(await process.update(stack, hot({})))
        reader, caller = Reader(process.engine), process.caller
        found = await event_queries.listed(reader, caller, stack, {}, Page(descending=False), resource="v")
        shown = []
        for each in found.events:
            view, properties = await event_queries.show(reader, caller, stack, "v", each.event.id)
            shown.append((view.event.action, view.event.status, properties))
        assert shown == [
            ("CREATE", "IN_PROGRESS", {"value": "old"}),
            ("CREATE", "COMPLETE", {"value": "old"}),
            ("UPDATE", "IN_PROGRESS", {"value": "new"}),
            ("UPDATE", "COMPLETE", {"value": "new"}),
            ("DELETE", "IN_PROGRESS", {"value": "new"}),
            ("DELETE", "COMPLETE", {"value": "new"}),
        ]

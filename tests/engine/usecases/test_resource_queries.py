"""Resources are listed with those of the stacks inside, and filtered."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.usecases import resource_queries, signals
from stackd.engine.usecases.queries import Reader
from stackd.errors import ResourceNotFound, StackdError
from tests.support.engine import World

VALUE = {"type": "OS::Heat::Value", "properties": {"value": "x"}, "metadata": {"k": "v"}}
GROUP = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 2, "resource_def": VALUE}}
TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "resources": {"v": {**VALUE, "description": "text"}, "g": GROUP},
}


async def test_depth_shows_the_stacks_inside_and_filters_hold_for_them_too(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        reader, caller = Reader(process.engine), process.caller
        for depth, filters, names in [
            (0, {}, ["g", "v"]),
            (9, {}, ["g", "v", "0", "1"]),
            (9, {"type": ["Value"]}, ["v", "0", "1"]),
            (9, {"name": ["1", "v"], "status": ["CREATE_COMPLETE"]}, ["v", "1"]),
            (0, {"status": ["COMPLETE"], "action": ["DELETE"]}, []),
            (0, {"name": []}, ["g", "v"]),
        ]:
            found = await resource_queries.listed(reader, caller, stack, filters, depth=depth)
            assert [view.resource.name for view in found] == names


async def test_resource_is_shown_with_what_the_template_says_of_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        reader, caller = Reader(process.engine), process.caller
        view, description = await resource_queries.show(reader, caller, stack, "v")
        assert (view.resource.attributes["value"], description) == ("x", "text")
        assert await resource_queries.metadata(reader, caller, stack, "v") == {"k": "v"}
        with pytest.raises(ResourceNotFound):
            await resource_queries.show(reader, caller, stack, "none")


async def test_value_of_a_test_resource_is_shown(stackd_world: World) -> None:
    word = {"type": "OS::Heat::TestResource", "properties": {"value": "v"}}
    async with stackd_world.process() as process:
        template = {"heat_template_version": "2018-08-31", "resources": {"t": word}}
        stack = await process.done(await process.create("s", template))
        view, _ = await resource_queries.show(Reader(process.engine), process.caller, stack, "t")
        assert view.resource.attributes["output"] == "v"


async def test_client_of_a_test_resource_is_named_as_in_heat(stackd_world: World) -> None:
    properties = {"wait_secs": 1, "client_name": "nova", "entity_name": "servers"}
    word = {"type": "OS::Heat::TestResource", "properties": properties}
    async with stackd_world.process() as process:
        template = {"heat_template_version": "2018-08-31", "resources": {"t": word}}
        stack = await process.done(await process.create("s", template))
        assert stack.status == "COMPLETE", stack.reason


async def test_failure_of_a_test_resource_has_its_name_in_heat(stackd_world: World) -> None:
    word = {"type": "OS::Heat::TestResource", "properties": {"fail": True}}
    async with stackd_world.process() as process:
        template = {"heat_template_version": "2018-08-31", "resources": {"t": word}}
        stack = await process.done(await process.create("s", template, disable_rollback=True))
        assert stack.reason == "Resource CREATE failed: ValueError: resources.t: Test Resource failed t"


MALFORMED = [{"status": "MAYBE"}, {"status": []}, {"other": 1}, {"unset_hook": ["l"]}, {"unset_hook": {}}]


@pytest.mark.parametrize("details", MALFORMED)
async def test_malformed_signal_is_refused_as_the_mistake_of_its_sender(
    stackd_world: World, details: dict[str, Any]
) -> None:
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {"h": {"type": "OS::Heat::WaitConditionHandle"}},
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template))
        assert stack.status == "COMPLETE", stack.reason
        with pytest.raises(StackdError) as caught:
            await signals.signal(process.engine, process.caller, stack, "h", details)
        assert caught.value.code == 400
        await signals.signal(process.engine, process.caller, stack, "h", {"status": "SUCCESS"})

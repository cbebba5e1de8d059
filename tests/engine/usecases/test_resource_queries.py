"""Resources are listed with those of the stacks inside, and filtered."""

from __future__ import annotations

import pytest

from stackd.engine.usecases import resource_queries
from stackd.engine.usecases.queries import Reader
from stackd.errors import ResourceNotFound
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

"""What an operation leaves is freed without the garbage collector, which would stop everything meanwhile."""

from __future__ import annotations

import gc
from collections import Counter

from stackd.engine.planning.ordering import Node
from stackd.engine.planning.plan import Step
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.stacks import preview_update
from stackd.records import Action, Resource, Status
from stackd.template.template import ResourceDefinition, Template
from tests.support.engine import World
from tests.support.templates import hot

LARGE = (Template, ResourceDefinition, Resource, Step, Node)
VALUE = {"type": "OS::Heat::Value"}


def left() -> Counter[str]:
    """What of the records of stacks only the collector can free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return Counter(type(each).__name__ for each in gc.garbage if isinstance(each, LARGE))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


async def test_no_circle_holds_the_records_of_a_stack(stackd_world: World) -> None:
    template = hot(
        {f"r{number}": {**VALUE, "properties": {"value": "a"}, "condition": "yes"} for number in range(20)},
        conditions={"yes": {"equals": ["a", "a"]}},
    )
    async with stackd_world.process() as process:
        gc.collect()
        gc.disable()
        try:
            stack = await process.done(await process.create("s", template))
            template["resources"]["r1"]["properties"] = {"value": "b"}
            stack = await process.done(await process.update(stack, template))
            assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
            request = StackRequest(template=template)
            await preview_update(process.engine, process.caller, stack, request, nested=True)
            assert left() == {}
        finally:
            gc.enable()

"""Resource types are found by pattern, described, and made into templates to start from."""

from __future__ import annotations

from stackd.engine.usecases import resource_types
from tests.support.engine import World


async def test_types_are_listed_by_pattern_and_described(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        engine, caller = process.engine, process.caller
        found = await resource_types.listed(engine, caller, pattern="OS::Heat::Val")
        assert [each.name for each in found] == ["OS::Heat::Value"]
        shown = await resource_types.show(engine, caller, "OS::Heat::Value", described=True)
        assert {"properties", "attributes", "description"} <= shown.keys()
        template = await resource_types.generate_template(
            engine, caller, "OS::Heat::Value", template_type="hot"
        )
        assert template["resources"]["Value"]["type"] == "OS::Heat::Value"

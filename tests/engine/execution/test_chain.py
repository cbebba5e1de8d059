"""A chain of resources, from its creation to its deletion."""

from dataclasses import replace

from stackd.records import Status
from tests.support.engine import World

TYPES = ["OS::Heat::RandomString", "OS::Heat::TestResource"]


async def test_chain_is_made_in_order_shortened_and_deleted(stackd_world: World) -> None:
    chain = {"type": "OS::Heat::ResourceChain", "properties": {"resources": TYPES}}
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {"chain": chain},
        "outputs": {"refs": {"value": {"get_attr": ["chain", "refs"]}}},
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template))
        assert stack.status is Status.COMPLETE, stack.reason
        assert len((await process.outputs(stack))["refs"]) == 2
        row = (await process.rows(stack))["chain"]
        inside = await process.stack(replace(stack, id=row.nested_stack_id or ""))
        made = [each for each in await process.told(inside) if each.endswith("CREATE_COMPLETE")]
        assert made[:2] == ["0 CREATE_COMPLETE", "1 CREATE_COMPLETE"]
        chain["properties"] = {"resources": TYPES[:1]}
        stack = await process.done(await process.update(stack, template))
        assert stack.status is Status.COMPLETE, stack.reason
        assert set(await process.rows(inside)) == {"0"}
        assert (await process.done(await process.delete(stack))).deleted_at is not None

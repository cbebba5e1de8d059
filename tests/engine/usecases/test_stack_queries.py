"""Stacks are read in pages, with outputs only where asked for, and as they were defined."""

from __future__ import annotations

from stackd.db.stacks import Page, StackFilter
from stackd.engine.usecases import stack_queries
from stackd.engine.usecases.queries import Reader
from tests.support.engine import World

TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "parameters": {"p": {"type": "string", "hidden": True, "default": "d"}},
    "outputs": {"o": {"value": {"get_param": "p"}, "description": "text"}},
}


async def test_page_says_whether_it_is_full_and_how_many_there_are(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        for name in ("a", "b", "c"):
            await process.done(await process.create(name, TEMPLATE))
        reader = Reader(process.engine)
        found = await stack_queries.listed(
            reader, process.caller, StackFilter(), Page(limit=2), with_count=True
        )
        assert ([each.name for each in found.stacks], found.is_full, found.count) == (["c", "b"], True, 3)
        rest = await stack_queries.listed(
            reader, process.caller, StackFilter(), Page(limit=2, marker=found.stacks[-1].id)
        )
        assert ([each.name for each in rest.stacks], rest.is_full, rest.count) == (["a"], False, None)
        nothing = await stack_queries.listed(reader, process.caller, StackFilter(), Page(limit=0))
        assert (nothing.stacks, nothing.is_full) == ([], False)
        assert len((await stack_queries.listed_plainly(reader, process.caller)).stacks) == 3


async def test_stack_is_shown_with_outputs_where_asked_for(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        reader, caller = Reader(process.engine), process.caller
        found = await stack_queries.show(reader, caller, stack)
        assert found.outputs == {"o": {"description": "text", "value": "d"}}
        assert (await stack_queries.show(reader, caller, stack, with_outputs=False)).outputs is None
        assert await stack_queries.output_descriptions(reader, caller, stack) == {"o": "text"}
        assert (await stack_queries.output(reader, caller, stack, "o"))["value"] == "d"
        await process.done(await process.delete(stack))
        assert (await stack_queries.show(reader, caller, stack)).outputs is None


async def test_definition_is_read_as_it_was_sent_but_for_hidden_values(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        files = {"a.txt": "text"}
        stack = await process.create("s", TEMPLATE, parameters={"p": "secret"}, files=files)
        await process.done(stack)
        reader, caller = Reader(process.engine), process.caller
        assert await stack_queries.template(reader, caller, stack) == TEMPLATE
        assert await stack_queries.files(reader, caller, stack) == files
        environment = await stack_queries.environment(reader, caller, stack)
        assert environment["parameters"] == {"p": "******"}

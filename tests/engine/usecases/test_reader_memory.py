"""What is remembered of stored definitions takes no more memory than it is counted as."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from stackd.engine.definition.desired import build, load_source
from stackd.engine.definition.documents import size_of
from stackd.engine.usecases import queries
from stackd.engine.usecases.live_attributes import LiveOutput
from stackd.engine.usecases.queries import Facts, Reader
from stackd.recent import Recent
from stackd.records import Definition, Stack
from stackd.resources.registry import load_registry
from stackd.template.parameters import StackIdentity
from tests.support.engine import Process, World
from tests.support.templates import hot

TEXT = "x" * 50_000
VALUES: dict[str, Any] = {
    "lists": [[] for _ in range(20_000)],
    "maps": [{} for _ in range(20_000)],
    "nothing": [None] * 20_000,
    "texts": [str(number) for number in range(20_000)],
    "functions": [{"get_param": "OS::stack_id"}] * 2_000,
}
TEMPLATES: dict[str, Any] = {
    **{
        name: hot({"a": {"type": "OS::Heat::Value", "properties": {"value": value}}})
        for name, value in VALUES.items()
    },
    "resources": hot({f"r{number}": {"type": "OS::Heat::Value"} for number in range(900)}),
    "parameters": hot({}, parameters={f"p{each}": {"type": "string", "default": ""} for each in range(500)}),
    "outputs": hot({}, outputs={f"o{number}": {"value": 1} for number in range(2_000)}),
}


def memory_of(make: Callable[[], Any]) -> int:
    """Bytes of what is made."""
    make()
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] if made is not None else 0
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", TEMPLATES)
def test_evaluated_definition_is_counted_by_its_documents(name: str) -> None:
    text, registry = json.dumps(TEMPLATES[name], separators=(",", ":")), load_registry()
    identity = StackIdentity(project_id="p", stack_name="s", stack_id="i")

    def make() -> Any:
        source = load_source(json.loads(text), {}, {})
        return build(source, identity, registry, Definition("a", "b", ""), strict=False)

    assert memory_of(make) <= queries._GROWTH * len(text)


def test_facts_are_counted() -> None:
    def make() -> Facts:
        texts = [{f"{part}-{number}": f"{part}-{number}-text" for number in range(500)} for part in "abc"]
        live = {
            f"live-{number}": LiveOutput(
                {f"r{number}-{each}": frozenset({f"a{each}", f"b{number}"}) for each in range(3)},
                frozenset({f"r{number}-{each}" for each in range(3)}),
            )
            for number in range(100)
        }
        return Facts("y" * 1_000, texts[0], texts[1], 5, live, texts[2])

    assert memory_of(make) <= make().weight() <= 4 * memory_of(make)


async def described(process: Process, name: str, text: str) -> Stack:
    files = {"a": text} if text else {}
    template = hot({}, description=f"{name} {text}", parameters={"p": {"type": "string", "default": text}})
    return await process.done(await process.create(name, template, files=files))


async def test_large_definitions_are_forgotten_before_small_ones(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader = Reader(process.engine)
        reader._facts, reader._desired = Recent(60_000), Recent(50 * 60_000)
        process.db.documents = Recent(60_000)
        small = [await described(process, f"small{number}", "") for number in range(5)]
        large = [await described(process, f"large{number}", TEXT) for number in range(3)]
        for stack in (*large, *small):
            assert (await reader.facts(stack)).description.startswith(stack.name)
            assert (await reader.desired(stack)).definition == stack.definition
        assert len(reader._facts) == len(reader._desired) == len(small)
        assert process.db.documents._weight <= 60_000


async def test_size_of_a_definition_is_that_of_its_documents(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        small, large = await described(process, "a", ""), await described(process, "b", TEXT)
        sizes = [await size_of(process.db, each.project_id, each.definition) for each in (small, large)]
        assert sizes[0] < 1_000
        assert 3 * len(TEXT) < sizes[1] < 3 * len(TEXT) + 1_000
        assert await size_of(process.db, small.project_id, Definition()) > 0

"""The life of `Example::Dns::Record` at a service that answers from a script."""

import asyncio
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stackd.resources.registry import load_registry

OURS = {"id": "x1", "name": "mine", "size": 1}


class Script:
    """A context and its service: notes what is asked, and gives the answers in turn."""

    physical_name = "stack-name-abcdefghijkl"

    def __init__(self, *answers: Any, physical_id: str = "") -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []
        self.physical_id = physical_id
        self.resource = SimpleNamespace(id="resource-id", properties={}, data={})
        self.cloud = SimpleNamespace(service=lambda name: self)

    def __getattr__(self, verb: str) -> Any:
        async def answer(*request: Any) -> Any:
            self.asked.append((verb, *request))
            return self.answers.pop(0) if self.answers else None

        return answer

    async def created(self, physical_id: str, live: Any = None) -> None:
        """What a type calls as soon as its object exists."""
        self.physical_id = physical_id


@cache
def kind() -> Any:
    """The type, loaded as the server loads it."""
    registry = load_registry([Path(__file__).parents[1]])
    assert registry.problems == ()
    return registry.get("Example::Dns::Record")


def props(**values: Any) -> Any:
    """Properties as the type is called with them."""
    return kind().properties.load(values)


def test_object_is_made() -> None:
    ctx = Script({"record": OURS})
    asyncio.run(kind().create(ctx, props(name="mine")))
    assert ctx.asked == [("post", "/records", {"record": {"name": "mine", "size": 1}})]
    assert ctx.physical_id == "x1"


def test_object_whose_answer_was_lost_is_found_by_its_name() -> None:
    ctx = Script([{"id": "x0", "name": "another"}, OURS])
    assert asyncio.run(kind().find(ctx, props(name="mine"))) == [OURS]


def test_update_sends_what_differs() -> None:
    ctx = Script(physical_id="x1")
    asyncio.run(kind().update(ctx, props(name="mine"), props(name="mine", description="new")))
    assert ctx.asked == [("put", "/records/x1", {"record": {"description": "new"}})]


def test_object_is_deleted() -> None:
    ctx = Script(physical_id="x1")
    asyncio.run(kind().delete(ctx, props()))
    assert ctx.asked == [("delete", "/records/x1")]

"""What a deleted nested stack still shows when the stack around it has forgotten what was secret."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db import stacks
from stackd.db.documents import get
from stackd.records import Status
from tests.support.engine import World
from tests.support.templates import hot

HIDDEN = {"word": {"type": "string", "hidden": True}}


def group(**more: Any) -> Any:
    member = {"type": "OS::Heat::TestResource", "properties": {"value": {"get_param": "word"}}}
    properties = {"count": 2, "resource_def": member}
    return hot({"group": {"type": "OS::Heat::ResourceGroup", "properties": properties}, **more})


def provider(**more: Any) -> Any:
    properties = {"given": {"get_param": "word"}}
    return hot({"group": {"type": "inner.yaml", "properties": properties}, **more})


FILES = {
    "inner.yaml": """
heat_template_version: 2018-08-31
parameters: {given: {type: string}}
resources: {one: {type: 'OS::Heat::Value', properties: {value: {get_param: given}}}}
outputs: {told: {value: {get_attr: [one, value]}}}
"""
}


@pytest.mark.parametrize("with_child", [group, provider])
async def test_a_deleted_nested_stack_keeps_no_secret_of_the_stack_around_it(
    stackd_world: World, with_child: Any
) -> None:
    def filled(template: Any, word: str) -> dict[str, Any]:
        environment = {"parameters": {"word": word}}
        return {"template": template | {"parameters": HIDDEN}, "environment": environment, "files": FILES}

    async with stackd_world.process() as process:
        first = filled(with_child(), "s3cret-word")
        stack = await process.done(await process.create("s", first.pop("template"), **first))
        child_id = (await process.rows(stack))["group"].nested_stack_id or ""
        for word in ("s3cret-word", "another", "third"):
            stack = await process.done(await process.update(stack, **filled(hot({}), word)))
            assert stack.status is Status.COMPLETE, stack.reason
        child = await stacks.get(process.db, child_id, None)
        assert child is not None
        assert child.deleted_at is not None
        kept = [
            (await get(process.db, child.project_id, each)).decode()
            for each in (child.definition.template, child.definition.environment)
        ]
    shown = "".join([*kept, repr(child.outputs)])
    assert "******" in shown
    assert "s3cret" not in shown

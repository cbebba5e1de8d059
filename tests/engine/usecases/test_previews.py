"""Previews show and count resources as Heat's do."""

from __future__ import annotations

import json
from typing import Any

from stackd.engine.usecases import stacks
from stackd.engine.usecases.previews import new_stack
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Stack
from tests.support.engine import Process, World

VERSION = {"heat_template_version": "2018-08-31"}
WORD = {"type": "OS::Heat::RandomString"}
ROOT = {**VERSION, "resources": {"outer": {"type": "outer.yaml"}}}
OUTER = json.dumps({**VERSION, "resources": {"inner": {"type": "inner.yaml"}}})


def inner(**resources: Any) -> str:
    return json.dumps({**VERSION, "resources": resources})


FILES = {"outer.yaml": OUTER, "inner.yaml": inner(word=WORD)}


async def listed(
    process: Process, stack: Stack, template: Any, files: dict[str, str], *, nested: bool = True
) -> dict[str, list[tuple[str | None, str]]]:
    request = StackRequest(template=template, files=files)
    current = await process.stack(stack)
    found = await stacks.preview_update(process.engine, process.caller, current, request, nested=nested)
    lists = found.lists(nested=nested)
    return {name: [(each.parent_resource, each.name) for each in of] for name, of in lists.items() if of}


async def test_resources_that_contain_stacks_count_as_updated(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", ROOT, files=FILES))
        updated = [(None, "outer"), ("outer", "inner")]
        assert await listed(process, stack, ROOT, FILES) == {
            "unchanged": [("inner", "word")],
            "updated": updated,
        }
        assert await listed(process, stack, ROOT, FILES, nested=False) == {"updated": [(None, "outer")]}
        more = {**FILES, "inner.yaml": inner(word=WORD, other=WORD)}
        assert await listed(process, stack, ROOT, more) == {
            "unchanged": [("inner", "word")],
            "updated": updated,
            "added": [("inner", "other")],
        }
        other = {**FILES, "inner.yaml": inner(word={**WORD, "properties": {"salt": "2"}})}
        assert await listed(process, stack, ROOT, other) == {
            "updated": updated,
            "replaced": [("inner", "word")],
        }
        less = {**FILES, "outer.yaml": json.dumps(VERSION)}
        assert await listed(process, stack, ROOT, less) == {
            "updated": [(None, "outer")],
            "deleted": [("outer", "inner"), ("inner", "word")],
        }


async def test_replaced_resource_is_listed_once_and_what_it_contains_as_deleted(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", ROOT, files=FILES))
        template = {**VERSION, "resources": {"outer": {"type": "OS::Heat::None"}}}
        assert await listed(process, stack, template, {}) == {
            "replaced": [(None, "outer")],
            "deleted": [("outer", "inner"), ("inner", "word")],
        }


async def test_preview_of_a_stack_shows_properties_with_their_defaults(stackd_world: World) -> None:
    resources = {"t": {"type": "OS::Heat::TestResource", "properties": {"value": "v"}}}
    request = StackRequest(name="s", template={**VERSION, "resources": resources})
    async with stackd_world.process() as process:
        found = new_stack(*await stacks.preview(process.engine, process.caller, request))
    assert found.resources[0].properties == {
        "value": "v",
        "fail": False,
        "update_replace": False,
        "update_replace_value": None,
        "wait_secs": 0,
        "action_wait_secs": None,
        "attr_wait_secs": 0,
        "constraint_prop_secs": 0,
        "client_name": "",
        "entity_name": "",
    }

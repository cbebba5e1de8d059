"""Mistakes of a whole definition, as they may be shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.engine.definition.desired import Source
from stackd.engine.validation.inspection import inspect
from stackd.errors import TemplateError
from stackd.resources.registry import load_registry
from stackd.settings import Limits
from stackd.template import load_environment, load_template
from stackd.template.parameters import StackIdentity
from tests.support.engine import World

SECRET = "correct-horse-battery"
GIVEN = {"get_param": "word"}
MAP = {"word": {"key": SECRET}}


def words(length: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::RandomString", "properties": {"length": length}}


def group(length: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": words(length)}}


def template(resource: Any, **word: Any) -> dict[str, Any]:
    parameter = {"type": "string", **word}
    return {
        "heat_template_version": "2021-04-16",
        "parameters": {"word": parameter},
        "resources": {"r": resource},
    }


INNER = {"type": "inner.yaml", "properties": {"word": GIVEN}}
PATTERN = {"constraints": [{"allowed_pattern": "[0-9]+"}]}


@pytest.mark.parametrize(
    ("resource", "inner"),
    [
        (words(GIVEN), {}),
        (words({"list_join": ["", ["x", GIVEN]]}), {}),
        (words({"get_param": ["word", "key"]}), {}),
        (words({"list_join": ["", ["x", {"get_param": ["word", "key"]}]]}), {}),
        (group(GIVEN), {}),
        (group({"list_join": ["", ["x", GIVEN]]}), {}),
        (INNER, template(words(GIVEN))),
        (INNER, template(group(GIVEN))),
        (INNER, template(words(1), **PATTERN)),
        (INNER, template(words(GIVEN), hidden=True)),
    ],
)
def test_mistakes_show_no_hidden_value_in_any_stack_of_the_tree(resource: Any, inner: Any) -> None:
    is_map = "key" in json.dumps(resource)
    data = template(resource, type="json" if is_map else "string", hidden=True)
    environment = load_environment({"parameters": MAP if is_map else {"word": SECRET}})
    source = Source(load_template(data), environment, {"inner.yaml": json.dumps(inner)})
    found = inspect(source, StackIdentity(), load_registry(), Limits(), name="s")
    shown = [
        repr((str(each), each.wire_message, each.value, each.remedy, each.gist)) for each in found.errors
    ]
    assert len(shown) == 1
    assert "******" in shown[0]
    assert SECRET not in shown[0]


async def test_names_that_the_cloud_does_not_know_are_not_shown_if_they_are_hidden(
    stackd_world: World,
) -> None:
    server = {
        "type": "OS::Nova::Server",
        "properties": {"image": GIVEN, "flavor": "m1.small", "networks": [{"network": "public"}]},
    }
    files = {"inner.yaml": json.dumps(template(server))}
    async with stackd_world.process() as process:
        with pytest.raises(TemplateError) as caught:
            await process.create("s", template(INNER, hidden=True), parameters={"word": SECRET}, files=files)
    assert "******" in str(caught.value)
    assert SECRET not in repr((str(caught.value), caught.value.value, caught.value.remedy))

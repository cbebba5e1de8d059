"""What nested stacks bring to the stack around them: files, facades, and the errors of their outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.engine.usecases import stack_queries, stacks, validate
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import TemplateError
from stackd.records import Status
from tests.support.engine import World

VERSION = {"heat_template_version": "2018-08-31"}
VALUE = {"type": "OS::Heat::Value", "properties": {"type": "json", "value": {"a": 1}}}
CHILD = json.dumps(
    {
        **VERSION,
        "resources": {"v": VALUE},
        "outputs": {
            "bad": {"value": {"list_join": [",", {"get_attr": ["v", "value", "a"]}]}},
            "good": {"value": {"get_attr": ["v", "value", "a"]}},
        },
    }
)


def outputs(**values: Any) -> dict[str, Any]:
    return {name: {"value": {"get_attr": path}} for name, path in values.items()}


async def test_error_of_a_nested_output_is_the_error_of_the_output_that_shows_it(stackd_world: World) -> None:
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 1, "resource_def": {"type": "child.yaml"}},
    }
    template = {
        **VERSION,
        "resources": {"c": {"type": "child.yaml"}, "g": group},
        "outputs": outputs(bad=["c", "bad"], good=["c", "good"], members=["g", "bad"]),
    }
    async with stackd_world.process() as process:
        stack = await process.create("s", template, files={"child.yaml": CHILD})
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE
        found = (await stack_queries.show(Reader(process.engine), process.caller, stack)).outputs or {}
        assert found["good"]["value"] == 1
        assert "value" not in found["bad"]
        assert found["bad"]["error"].endswith(
            'Error in c output bad: outputs.bad.value.list_join: "list_join" must operate on a list'
        )
        assert "Error in 0 output bad: " in found["members"]["error"]
        mended = CHILD.replace('["v", "value", "a"]}]', '["v", "value", "none"]}]')
        await process.done(await process.update(stack, template, files={"child.yaml": mended}))
        found = (await stack_queries.show(Reader(process.engine), process.caller, stack)).outputs or {}
        assert found["bad"]["value"] == ""


@pytest.mark.parametrize("name", ["/opt/provider.yaml", "file:///opt/provider.yaml", "provider.yaml"])
async def test_provider_template_stays_when_only_the_stack_around_it_changes(
    stackd_world: World, name: str
) -> None:
    resources = {"c": {"type": "My::Type"}}
    environment = {"resource_registry": {"My::Type": name}}
    async with stackd_world.process() as process:
        stack = await process.create(
            "s", {**VERSION, "resources": resources}, files={name: CHILD}, environment=environment
        )
        stack = await process.done(stack)
        changed = {**VERSION, "resources": {**resources, "v": VALUE}}
        for _ in range(2):
            await process.update(stack, changed, environment=environment)
            assert (await process.done(stack)).status is Status.COMPLETE
        stored = await stack_queries.files(Reader(process.engine), process.caller, stack)
        assert stored == {name: CHILD}


FACADES = [
    ({}, {}, "Required property flavor for facade OS::Nova::Server missing in provider"),
    (
        {"flavor": {"type": "json"}},
        {},
        "Property flavor type mismatch between facade OS::Nova::Server (String) and provider (Map)",
    ),
    (
        {"flavor": {"type": "string"}, "other": {"type": "string"}},
        {},
        "Provider requires property other unknown in facade OS::Nova::Server",
    ),
    ({"flavor": {"type": "string"}}, {}, "for facade OS::Nova::Server missing in provider"),
]


@pytest.mark.parametrize(("parameters", "outputs", "message"), FACADES)
async def test_template_in_place_of_a_known_type_must_have_its_properties_and_attributes(
    stackd_world: World, parameters: Any, outputs: Any, message: str
) -> None:
    provider = json.dumps({**VERSION, "parameters": parameters, "outputs": outputs})
    request = StackRequest(
        name="s",
        template={**VERSION, "resources": {"s": {"type": "OS::Nova::Server"}}},
        files={"p.yaml": provider},
        environment={"resource_registry": {"OS::Nova::Server": "p.yaml"}},
    )
    async with stackd_world.process() as process:
        for refusing in (stacks.create, stacks.preview):
            with pytest.raises(TemplateError) as caught:
                await refusing(process.engine, process.caller, request)
            assert any(message in str(each) for each in getattr(caught.value, "errors", [caught.value]))
        with pytest.raises(TemplateError):
            await validate.validate(process.engine, process.caller, request, nested=False)


async def test_validation_lists_templates_used_as_types_and_asks_no_policy_of_types(
    stackd_world: World,
) -> None:
    resources = {"c": {"type": "child.yaml"}, "r": {"type": "OS::Keystone::Role"}}
    request = StackRequest(template={**VERSION, "resources": resources}, files={"child.yaml": CHILD})
    async with stackd_world.process() as process:
        assert "admin" not in process.caller.roles
        found = await validate.validate(process.engine, process.caller, request, nested=False)
    registry = found["Environment"]["resource_registry"]
    assert registry == {"child.yaml": "child.yaml", "resources": {}}

"""Stacks under an operator's environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackd.errors import TemplateError
from stackd.records import Action, Status
from stackd.settings import OperatorEnvironment, SettingsError
from tests.support.engine import World

WRAPPED = """
heat_template_version: 2021-04-16
parameters:
  value: {type: string}
  suffix: {type: string, default: '!'}
resources:
  original:
    type: OS::Heat::Value
    properties: {value: {list_join: ['', [{get_param: value}, {get_param: suffix}]]}}
outputs:
  value: {value: {get_attr: [original, value]}}
"""
USING = {
    "heat_template_version": "2021-04-16",
    "parameters": {"word": {"type": "string"}},
    "resources": {"r": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": "word"}}}},
    "outputs": {"said": {"value": {"get_attr": ["r", "value"]}}},
}


def under(world: World, directory: Path, text: str) -> None:
    """Give the servers of the world an operator's environment."""
    environments = directory / "environment.d"
    environments.mkdir()
    (environments / "site.yaml").write_text(text.replace("HERE", directory.as_uri()))
    section = OperatorEnvironment(directory=str(environments))
    world.settings = world.settings.model_copy(update={"environment": section})


async def test_operator_may_wrap_a_type_and_give_defaults(stackd_world: World, tmp_path: Path) -> None:
    """Inside the template that stands for it the type is what it always was, also after a restart."""
    (tmp_path / "wrapped.yaml").write_text(WRAPPED)
    text = "resource_registry: {'OS::Heat::Value': HERE/wrapped.yaml}\nparameter_defaults: {word: hello}"
    under(stackd_world, tmp_path, text)
    async with stackd_world.process() as process:
        stack = await process.create("s", USING)
        assert (await process.done(stack)).status is Status.COMPLETE
        assert await process.outputs(stack) == {"said": "hello!"}
    async with stackd_world.process() as process:
        await process.update(stack, existing=True, parameters={"word": "x"})
        ended = await process.done(stack)
        assert (ended.action, ended.status) == (Action.UPDATE, Status.COMPLETE), ended.reason
        assert await process.outputs(stack) == {"said": "x!"}
        await process.delete(stack)
        assert (await process.done(stack)).status is Status.COMPLETE


async def test_values_of_users_come_before_defaults_of_the_operator(
    stackd_world: World, tmp_path: Path
) -> None:
    under(stackd_world, tmp_path, "parameter_defaults: {word: operator}")
    template = {**USING, "resources": {"r": {"type": "OS::Heat::Value", "properties": {"value": "v"}}}}
    template["outputs"] = {"said": {"value": {"get_param": "word"}}}
    async with stackd_world.process() as process:
        for name, request, expected in (
            ("none", {}, "operator"),
            ("default", {"environment": {"parameter_defaults": {"word": "user"}}}, "user"),
            ("value", {"parameters": {"word": "given"}}, "given"),
        ):
            stack = await process.create(name, template, **request)
            await process.done(stack)
            assert await process.outputs(stack) == {"said": expected}


async def test_users_may_name_no_other_file_of_the_machine(stackd_world: World, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(WRAPPED)
    under(stackd_world, tmp_path, "")
    url = f"{tmp_path.as_uri()}/secret.yaml"
    template = {"heat_template_version": "2021-04-16", "resources": {"r": {"type": url}}}
    async with stackd_world.process() as process:
        with pytest.raises(TemplateError, match="is not among the files of the request"):
            await process.create("s", template)


async def test_server_does_not_start_with_a_broken_environment(stackd_world: World, tmp_path: Path) -> None:
    under(stackd_world, tmp_path, "resource_registry:\n  A: HERE/none.yaml\n")
    with pytest.raises(SettingsError, match=r"environment\.d/site\.yaml:2:6: there is no file"):
        async with stackd_world.process():
            raise AssertionError("it has started")

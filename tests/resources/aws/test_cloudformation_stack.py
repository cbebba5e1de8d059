"""AWS::CloudFormation::Stack, in whole engines with a web server beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stackd.engine.usecases import access
from stackd.errors import InvalidTemplateAttribute, StackdError
from stackd.records import Action, Stack, Status
from stackd.settings import Egress
from tests.support.engine import Process, world
from tests.support.web import Site, website

INNER = """
HeatTemplateFormatVersion: '2012-12-12'
Parameters:
  Word: {Type: String}
  Words: {Type: CommaDelimitedList, Default: ''}
Resources:
  Value:
    Type: OS::Heat::Value
    Properties: {value: {'Fn::Join': ['-', [{Ref: Word}, {'Fn::Join': ['+', {Ref: Words}]}]]}}
Outputs:
  Said: {Value: {'Fn::GetAtt': [Value, value]}}
"""


def using(url: Any, attribute: str = "Outputs.Said", **properties: Any) -> dict[str, Any]:
    return {
        "HeatTemplateFormatVersion": "2012-12-12",
        "Resources": {
            "Nested": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"TemplateURL": url, "Parameters": {"Word": "hello"}, **properties},
            }
        },
        "Outputs": {
            "Said": {"Value": {"Fn::GetAtt": ["Nested", attribute]}},
            "Reference": {"Value": {"Ref": "Nested"}},
        },
    }


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with website({"/inner": INNER}) as made:
        yield made


@pytest_asyncio.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    async with world(tmp_path) as made:
        egress = Egress(allowed_networks=("127.0.0.1/32",), timeout=2.0)
        made.settings = made.settings.model_copy(update={"egress": egress})
        async with made.process() as started:
            yield started


async def complete(process: Process, stack: Stack, action: Action = Action.CREATE) -> dict[str, Any]:
    ended = await process.done(stack)
    assert (ended.action, ended.status) == (action, Status.COMPLETE), ended.reason
    return await process.outputs(stack)


async def refused(process: Process, template: Any) -> StackdError:
    with pytest.raises(StackdError) as caught:
        await process.create("refused", template)
    return caught.value


async def test_stack_is_made_from_what_is_at_the_url(process: Process, site: Site) -> None:
    parameters = {"Word": "hello", "Words": ["a", "b"]}
    template = using(site.url("/inner"), Parameters=parameters, TimeoutInMinutes=5)
    stack = await process.create("s", template)
    outputs = await complete(process, stack)
    row = (await process.rows(stack))["Nested"]
    child = await access.find(process.engine, process.caller, row.nested_stack_id or "", "stacks:show")
    assert outputs["Said"] == "hello-a+b"
    assert outputs["Reference"] == f"arn:openstack:heat::{child.project_id}:stacks/{child.name}/{child.id}"
    assert child.parent_id == stack.id


async def test_update_fetches_again_and_changes_the_stack(process: Process, site: Site) -> None:
    url = site.url("/inner")
    stack = await process.create("s", using(url))
    assert (await complete(process, stack))["Said"] == "hello-"
    row = (await process.rows(stack))["Nested"]
    site.pages["/inner"] = INNER.replace("'-'", "'='")
    await process.update(stack, using(url))
    assert (await complete(process, stack, Action.UPDATE))["Said"] == "hello="
    assert (await process.rows(stack))["Nested"].physical_id == row.physical_id
    site.pages.clear()
    await process.delete(stack)
    await complete(process, stack, Action.DELETE)


async def test_template_inside_may_have_such_a_stack_too(process: Process, site: Site) -> None:
    outer = using(site.url("/inner"))
    site.pages["/outer"] = str(outer)
    stack = await process.create("s", using(site.url("/outer"), Parameters={}))
    assert (await complete(process, stack))["Said"] == "hello-"
    assert site.paths == ["/outer", "/inner"]


async def test_file_of_that_name_comes_before_the_url(process: Process, site: Site) -> None:
    stack = await process.create("s", using("inner.json"), files={"inner.json": INNER})
    assert (await complete(process, stack))["Said"] == "hello-"
    assert site.requests == []


async def test_template_that_cannot_be_fetched_is_named_with_its_place(process: Process, site: Site) -> None:
    url = site.url("/missing")
    error = await refused(process, using(url))
    assert error.code == 400
    assert error.message == f'Could not fetch remote template "{url}": Failed to retrieve template from {url}'
    assert getattr(error, "path", "") == "resources.Nested.properties.TemplateURL"


async def test_mistake_inside_is_told(process: Process, site: Site) -> None:
    assert "Word" in (await refused(process, using(site.url("/inner"), Parameters={}))).message


@pytest.mark.parametrize("attribute", ["Said", "Outputs.Other", "Outputs."])
async def test_other_attributes_have_no_value(process: Process, site: Site, attribute: str) -> None:
    stack = await process.create("s", using(site.url("/inner"), attribute))
    assert (await complete(process, stack))["Said"] is None


async def test_attribute_that_is_no_output_is_refused(process: Process, site: Site) -> None:
    handler = process.engine.services.registry.get("AWS::CloudFormation::Stack")
    stack = await process.create("s", using(site.url("/inner")))
    await complete(process, stack)
    row = (await process.rows(stack))["Nested"]
    from stackd.engine.definition.nested_definitions import NO_MEMBERS
    from stackd.resources.base import NestedType

    assert isinstance(handler, NestedType)
    with pytest.raises(InvalidTemplateAttribute, match=r"Nested Outputs\.Said"):
        handler.read(row, "Outputs.Said", (), NO_MEMBERS)

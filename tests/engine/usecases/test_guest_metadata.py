"""Whose metadata the users of a stack read: that of their own resource, and what their policies allow."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from stackd.engine.usecases import resource_queries
from stackd.engine.usecases.access import GUEST, lookup
from stackd.engine.usecases.queries import Reader
from stackd.errors import EntityNotFound, Forbidden
from stackd.records import Caller, Stack, Status
from tests.support.engine import Process, World

TEMPLATE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Word": {"Type": "String", "NoEcho": "true"}},
    "Resources": {
        "One": {"Type": "OS::Heat::None", "Metadata": {"said": {"Ref": "Word"}}},
        "Two": {"Type": "OS::Heat::None", "Metadata": {"a": 2}},
        "Only": {"Type": "OS::Heat::AccessPolicy", "Properties": {"AllowedResources": ["One"]}},
        "All": {"Type": "AWS::IAM::User"},
        "Some": {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"Ref": "Only"}]}},
        "Keys": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "Some"}}},
        "Told": {
            "Type": "OS::Heat::Value",
            "Properties": {"value": {"Fn::GetAtt": ["Keys", "SecretAccessKey"]}},
        },
    },
    "Outputs": {"Secret": {"Value": {"Fn::GetAtt": ["Keys", "SecretAccessKey"]}}},
}


async def read(process: Process, caller: Caller, stack: Stack, name: str) -> Any:
    try:
        return dict(await resource_queries.metadata(Reader(process.engine), caller, stack, name))
    except Forbidden:
        return None


async def test_users_read_what_their_policies_allow_with_all_that_is_in_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        asked = await process.create("s", TEMPLATE, parameters={"Word": "a-secret-word"})
        stack = await process.done(asked)
        assert stack.status is Status.COMPLETE, stack.reason
        rows = await process.rows(stack)
        project = stack.stack_user_project_id
        guest = replace(process.caller, project_id=project, roles=(GUEST,))
        seen = {
            user: [
                await read(process, replace(guest, user_id=rows[user].physical_id), stack, name)
                for name in ("One", "Two")
            ]
            for user in ("All", "Some")
        }
        one, two = {"said": "a-secret-word"}, {"a": 2}
        assert seen == {"All": [one, two], "Some": [one, None]}
        assert await read(process, replace(guest, user_id="stranger"), stack, "One") is None
        assert await read(process, process.caller, stack, "One") == {"said": "******"}


async def test_secret_of_a_key_pair_is_in_no_event(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        asked = await process.create("s", TEMPLATE, parameters={"Word": "w"})
        stack = await process.done(asked)
        secret = (await process.outputs(stack))["Secret"]
        changed = deepcopy(TEMPLATE)
        changed["Resources"]["Told"]["Properties"]["value"] = {
            "Fn::Join": ["", ["x", {"Fn::GetAtt": ["Keys", "SecretAccessKey"]}]]
        }
        await process.done(await process.update(stack, changed, parameters={"Word": "w"}))
        reader = Reader(process.engine)
        told = [await reader.properties_at(stack, each) for each in await process.events(stack)]
        assert (await process.rows(stack))["Told"].properties["value"] == f"x{secret}"
        assert secret not in str(told)
        assert "'x******'" in str(told)


async def test_guests_find_their_stack_by_its_name_and_no_other_one(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, parameters={"Word": "w"}))
        await process.done(await process.create("other", {"heat_template_version": "2018-08-31"}))
        guest = replace(process.caller, project_id=stack.stack_user_project_id, roles=(GUEST,))
        rule = "cloudformation:DescribeStackResource"
        found = await lookup(process.engine, guest, "s", rule=rule)
        assert found.id == stack.id
        for caller, name, asked in (
            (guest, "other", rule),
            (replace(guest, project_id="another"), "s", rule),
            (replace(guest, roles=("reader", "member")), "s", rule),
        ):
            with pytest.raises(EntityNotFound):
                await lookup(process.engine, caller, name, rule=asked)
        with pytest.raises(Forbidden):
            await lookup(process.engine, guest, "s", rule="cloudformation:DescribeStacks")

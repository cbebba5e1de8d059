"""A database by the names of AWS on the dev cloud: made, changed in place, and what its guest reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from stackd.engine.usecases import resource_queries, signals
from stackd.engine.usecases.access import GUEST
from stackd.engine.usecases.queries import Reader
from stackd.records import Resource, Stack, Status
from tests.support.engine import Process, world
from tests.support.waiting import until

ENVIRONMENT = {"parameter_defaults": {"DBImageId": "cirros"}}
SETUP = "/etc/cfn/setup.sql"


def template(**properties: Any) -> dict[str, Any]:
    database = {
        "AllocatedStorage": "5",
        "DBInstanceClass": "m1.tiny",
        "DBName": "blog",
        "Engine": "MySQL",
        "MasterUsername": "writer",
        "MasterUserPassword": {"Ref": "Password"},
        **properties,
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Password": {"Type": "String", "NoEcho": "true"}},
        "Resources": {"Database": {"Type": "AWS::RDS::DBInstance", "Properties": database}},
        "Outputs": {
            name: {"Value": {"Fn::GetAtt": ["Database", f"Endpoint.{name}"]}} for name in ("Address", "Port")
        },
    }


async def inside(process: Process, stack: Stack) -> tuple[Stack, dict[str, Resource]]:
    row = (await process.rows(stack))["Database"]
    child = await process.stack(replace(stack, id=row.nested_stack_id or ""))
    return child, await process.rows(child)


async def started(process: Process, stack: Stack) -> None:
    async def is_waiting() -> bool:
        row = (await process.rows(stack)).get("Database")
        if row is None or row.nested_stack_id is None:
            return False
        rows = (await inside(process, stack))[1]
        return "instance" in rows and rows["instance"].status is Status.COMPLETE

    await until(is_waiting)
    child, _ = await inside(process, stack)
    success = {"Status": "SUCCESS", "Reason": "", "UniqueId": "database", "Data": ""}
    await signals.signal(process.engine, process.caller, child, "handle", success)


async def statements(process: Process, stack: Stack) -> str:
    """The SQL that the guest reads."""
    child, rows = await inside(process, stack)
    guest = replace(
        process.caller,
        user_id=rows["user"].physical_id or "",
        project_id=child.stack_user_project_id,
        roles=(GUEST,),
    )
    found = await resource_queries.metadata(Reader(process.engine), guest, child, "instance")
    text: str = found["AWS::CloudFormation::Init"]["config"]["files"][SETUP]["content"]
    return text


async def test_database_is_made_and_changes_in_place(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        options: dict[str, Any] = {"environment": ENVIRONMENT, "parameters": {"Password": "it's \\ secret"}}
        asked = await process.create("s", template(), **options)
        await started(process, asked)
        stack = await process.done(asked)
        assert stack.status is Status.COMPLETE, stack.reason
        _, before = await inside(process, stack)
        outputs = await process.outputs(stack)
        assert outputs == {"Address": before["instance"].attributes["PublicIp"], "Port": "3306"}
        text = await statements(process, stack)
        assert "CREATE DATABASE IF NOT EXISTS `blog`;" in text
        assert "IDENTIFIED BY 'it''s \\\\ secret';" in text

        options["parameters"] = {"Password": "another-secret"}
        changed = template(Port="3307", DBInstanceClass="m1.small")
        stack = await process.done(await process.update(stack, changed, **options))
        assert stack.status is Status.COMPLETE, stack.reason
        child, after = await inside(process, stack)
        assert after["instance"].physical_id == before["instance"].physical_id
        assert (await process.outputs(stack))["Port"] == "3307"
        assert "'another-secret'" in await statements(process, stack)
        shown = await resource_queries.metadata(Reader(process.engine), process.caller, child, "instance")
        assert "another-secret" not in str(shown)
        await process.done(await process.delete(stack))
        assert made.objects("servers") == []

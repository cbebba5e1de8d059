"""Stacks that share values: whoever comes second, and whatever dies between, what is used is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stackd.db import exports as export_rows
from stackd.db.journal import Update
from stackd.engine.services import exports
from stackd.engine.usecases.queries import Reader
from stackd.errors import ExportExists, ExportInUse, Fenced, StackdError, TemplateError
from stackd.records import Action, Export, Stack, Status
from tests.support.engine import Process, World, unless_dead, world

CFN = {"HeatTemplateFormatVersion": "2012-12-12"}


def exporting(length: int = 5, name: str = "word", **more: Any) -> dict[str, Any]:
    """A stack that exports a word; another length replaces it."""
    word = {"Type": "OS::Heat::RandomString", "Properties": {"length": length}}
    value = {"Value": {"Fn::GetAtt": ["Word", "value"]}, "Export": {"Name": name}}
    return {**CFN, "Resources": {"Word": word, **more}, "Outputs": {"Word": value}}


def importing(name: str = "word", **more: Any) -> dict[str, Any]:
    value = {"Type": "OS::Heat::Value", "Properties": {"value": {"Fn::ImportValue": name}}}
    output = {"Value": {"Fn::GetAtt": ["Value", "value"]}}
    return {**CFN, "Resources": {"Value": value, **more}, "Outputs": {"Value": output}}


async def made(process: Process, name: str, template: Any, **options: Any) -> Stack:
    stack = await process.done(await process.create(name, template, **options))
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


async def offered(process: Process) -> dict[str, Any]:
    found = await export_rows.of_project(process.db, process.caller.project_id)
    return {each.name: each.value for each in found}


async def importers(process: Process, name: str = "word") -> list[str]:
    found = await export_rows.importers(process.db, process.caller.project_id, name)
    return [each.stack_name for each in found]


async def test_many_begin_to_import_at_once(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        await made(process, "exporter", exporting())
        await asyncio.gather(*(made(process, f"user{number}", importing()) for number in range(8)))
        assert await importers(process) == [f"user{number}" for number in range(8)]


async def test_of_a_deletion_and_an_import_at_once_one_is_refused(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        for number in range(4):
            exporter = await made(process, f"exporter{number}", exporting(name=f"word{number}"))
            attempts = [process.create(f"user{number}", importing(f"word{number}")), process.delete(exporter)]
            if number % 2:
                attempts.reverse()
            outcomes = await asyncio.gather(*attempts, return_exceptions=True)
            refused = [each for each in outcomes if isinstance(each, StackdError)]
            assert len(refused) == 1, outcomes
            deleted = (await process.done(exporter)).action is Action.DELETE
            assert (await importers(process, f"word{number}") == []) is deleted


async def test_a_deletion_that_was_checked_before_an_import_finds_it_anyway(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        exporter = await made(process, "exporter", exporting())
        withdrawn = await exports.withdraw(process.db, exporter)
        await made(process, "user", importing())
        with pytest.raises(Fenced):
            await process.engine.services.journal.write(*withdrawn)
        with pytest.raises(ExportInUse):
            await process.delete(exporter)


async def test_of_two_stacks_that_export_a_name_at_once_one_is_refused(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        outcomes = await asyncio.gather(
            *(process.create(name, exporting()) for name in ("one", "two")), return_exceptions=True
        )
        assert [type(each) for each in outcomes if isinstance(each, Exception)] == [ExportExists]


async def test_used_value_survives_an_update_without_rollback_whose_resources_would_go(
    stackd_world: World,
) -> None:
    """The old object is cleaned only after its export was given up, which it is not while it is used."""
    net = {"Type": "OS::Neutron::Net", "DeletionPolicy": "Delete"}
    first = exporting(Net=net)
    first["Outputs"]["Word"]["Value"] = {"Ref": "Net"}
    async with stackd_world.process() as process:
        exporter = await made(process, "exporter", first)
        await made(process, "user", importing())
        before = [each["id"] for each in stackd_world.objects("networks")]
        changed = exporting()
        stack = await process.done(await process.update(exporter, changed))
        assert (stack.action, stack.status) == (Action.UPDATE, Status.FAILED)
        assert stack.reason == "Export word cannot be updated as it is in use by user."
        assert [each["id"] for each in stackd_world.objects("networks")] == before
        assert await offered(process) == {"word": before[0]}


async def test_exports_follow_an_update_and_its_rollback(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        exporter = await made(process, "exporter", exporting())
        word = (await offered(process))["word"]
        fails = {"Type": "OS::Heat::TestResource", "Properties": {"fail": True}}
        await process.update(exporter, exporting(9, name="other", Fails=fails), disable_rollback=False)
        stack = await process.done(exporter)
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        assert await offered(process) == {"word": word}
        assert [each.name for each in await export_rows.of_stack(process.db, exporter.id)] == ["word"]
        await process.update(exporter, exporting(9, name="other"))
        await process.done(exporter)
        assert [(name, len(value)) for name, value in (await offered(process)).items()] == [("other", 9)]


async def test_stacks_inside_others_export_and_import_too(stackd_world: World) -> None:
    files = {"in.yaml": _text(exporting()), "use.yaml": _text(importing())}
    around = {**CFN, "Resources": {"Inner": {"Type": "in.yaml"}}}
    using = {**CFN, "Resources": {"Inner": {"Type": "use.yaml"}}}
    async with stackd_world.process() as process:
        outer = await made(process, "outer", around, files=files)
        user = await made(process, "user", using, files=files)
        assert [name.startswith("user-Inner-") for name in await importers(process)] == [True]
        with pytest.raises(ExportInUse, match="Export word cannot be deleted as it is in use by user-Inner-"):
            await process.delete(outer)
        stack = await process.done(await process.update(outer, CFN))
        assert (stack.action, stack.status) == (Action.UPDATE, Status.FAILED)
        assert "Export word cannot be deleted as it is in use by user-Inner-" in stack.reason
        await process.done(await process.delete(user))
        assert await importers(process) == []
        gone = await process.done(await process.delete(outer))
        assert gone.status is Status.COMPLETE, gone.reason
        assert await offered(process) == {}


async def test_imported_values_are_shown_as_they_are_now(stackd_world: World) -> None:
    """Stacks of one tree do not keep each other's exports from changing."""
    async with stackd_world.process() as process:
        reader = Reader(process.engine)
        await made(process, "exporter", exporting())
        user = await made(process, "user", importing())
        [export] = await export_rows.of_project(process.db, process.caller.project_id)
        for value in ("one", "other"):
            await process.engine.services.journal.write(Update(Export, export.id, {"value": value}))
            desired = await reader.desired(user)
            assert desired.source.exports == {"word": value}
            assert desired.properties("Value", desired.scope({})) == {"value": value}


def _text(template: Any) -> str:
    import json

    return json.dumps(template)


async def test_what_an_update_replaces_is_kept_when_its_policy_says_so(stackd_world: World) -> None:
    def key(name: str, **policy: str) -> dict[str, Any]:
        return {"Type": "OS::Nova::KeyPair", "Properties": {"name": name}, **policy}

    kept = {"UpdateReplacePolicy": "Retain"}
    async with stackd_world.process() as process:
        template = {**CFN, "Resources": {"Kept": key("a", **kept), "Gone": key("b")}}
        stack = await made(process, "keys", template)
        template = {**CFN, "Resources": {"Kept": key("a2", **kept), "Gone": key("b2")}}
        stack = await process.done(await process.update(stack, template))
        assert stack.status is Status.COMPLETE, stack.reason
        assert sorted(each["name"] for each in stackd_world.objects("keypairs")) == ["a", "a2", "b2"]
        await process.done(await process.delete(stack))
        assert [each["name"] for each in stackd_world.objects("keypairs")] == ["a"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_sharing_survives_a_crash_at_a_write(tmp_path: Path, dies_at: int, after: bool) -> None:
    async with world(tmp_path) as kept:
        async with kept.process() as process:
            exporter = await made(process, "exporter", exporting())
            word = (await offered(process))["word"]
        async with kept.process(dies_at=dies_at, after=after) as dying:
            await unless_dead(dying, asyncio.create_task(_change_all(dying, exporter)))
        async with kept.process() as process:
            await process.done(exporter)
            users = await importers(process)
            value = (await offered(process))["word"]
            assert users in ([], ["user"])
            assert (value == word) is (len(value) == 5)
            if users:
                with pytest.raises(ExportInUse):
                    await process.delete(exporter)


async def _change_all(process: Process, exporter: Stack) -> None:
    """A change of the value, and one that begins to use it."""
    await process.done(await process.update(exporter, exporting(7)))
    await process.done(await process.create("user", importing()))


async def test_snapshot_of_what_has_none_is_refused_when_it_would_be_replaced(stackd_world: World) -> None:
    key = {"Type": "OS::Nova::KeyPair", "Properties": {"name": "a"}, "UpdateReplacePolicy": "Snapshot"}
    async with stackd_world.process() as process:
        with pytest.raises(TemplateError, match='"Snapshot" update replace policy not supported'):
            await process.create("keys", {**CFN, "Resources": {"Key": key}})


async def test_an_import_between_the_check_and_the_change_is_seen_when_the_walk_is_taken_up_again(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write of the change finds its condition gone; the operation is resumed and finds the importer."""
    switch = exports.switch

    async with stackd_world.process() as process:

        async def overtaken(*args: Any) -> Any:
            changes = await switch(*args)
            monkeypatch.setattr(exports, "switch", switch)
            await made(process, "user", importing())
            return changes

        exporter = await made(process, "exporter", exporting())
        before = await offered(process)
        monkeypatch.setattr(exports, "switch", overtaken)
        await process.update(exporter, exporting(7))
        stack = await process.done(exporter)
        assert (stack.action, stack.status) == (Action.UPDATE, Status.FAILED)
        assert stack.reason == "Export word cannot be updated as it is in use by user."
        assert await offered(process) == before

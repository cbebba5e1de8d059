"""Change sets: what they show, when they can be executed, and the names that they reserve."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stackd.db import plans as plan_rows
from stackd.db import stacks
from stackd.engine.usecases import change_sets, plans
from stackd.engine.usecases.change_sets import Execution, NewChangeSet, View
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import NO_TERMS, Terms, Token
from stackd.errors import (
    ActionInProgress,
    BadRequest,
    ChangeSetExists,
    ChangeSetNotFound,
    ChangeSetUnavailable,
    EntityNotFound,
    NotSupported,
    RequestLimitExceeded,
    StackExists,
)
from stackd.records import Stack
from tests.scenarios.lives import Death, Stage
from tests.support.actions import a_test, made, remove, resource, state, template
from tests.support.engine import Process, World, world

NET = "OS::Neutron::Net"
STRIDE = 5
"""Of the writes at which a process can die every fifth is tried."""

EXECUTE = "cloudformation:DescribeChangeSet"


async def create(
    process: Process,
    content: dict[str, Any],
    name: str = "c",
    *,
    kind: str = "UPDATE",
    stack: str = "s",
    terms: Terms = NO_TERMS,
    token: Token | None = None,
    **request: Any,
) -> View:
    wanted = NewChangeSet(name=name, kind=kind, stack=stack, token=token)
    asked = StackRequest.model_validate({"template": content, **request})
    return await change_sets.create(process.engine, process.caller, wanted, asked, terms)


async def shown(process: Process, name: str = "c", stack: str = "s") -> View:
    return await change_sets.found(process.engine, process.caller, stack, name, rule=EXECUTE)


async def execute(process: Process, name: str = "c", **options: Any) -> Stack:
    view = await shown(process, name)
    return await change_sets.execute(process.engine, process.caller, view, **options)


async def listed(process: Process, stack: str = "s") -> dict[str, str]:
    found = await change_sets.listed(process.engine, process.caller, stack)
    return {each.change_set.name: each.execution.value for each in found}


# --- new stacks -------------------------------------------------------------------------------------------


async def test_change_set_of_a_new_stack_reserves_its_name_and_makes_it_when_executed(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        view = await create(process, template(net=resource(NET)), kind="CREATE")
        assert view.execution is Execution.AVAILABLE
        assert state(view.stack) == "INIT_COMPLETE"
        assert view.change_set.content["changes"] == [{"action": "Add", "name": "net", "type": NET}]
        assert stackd_world.objects("networks") == []

        stack = await execute(process)
        assert (stack.id, state(stack)) == (view.stack.id, "CREATE_IN_PROGRESS")
        assert (await shown(process)).execution is Execution.IN_PROGRESS
        assert state(await process.done(stack)) == "CREATE_COMPLETE"
        assert (await shown(process)).execution is Execution.COMPLETE
        assert await listed(process) == {}
        assert len(stackd_world.objects("networks")) == 1
        assert (await process.stack(stack)).settings["change_set"] == ["c", view.change_set.uuid]


async def test_reserved_stack_is_in_no_native_list_and_nothing_can_be_done_to_it_but_delete_it(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        view = await create(process, template(net=resource(NET)), kind="CREATE")
        assert await stacks.listed(process.db, view.stack.project_id) == []
        assert await stacks.count(process.db, view.stack.project_id) == 0
        assert (
            await stacks.count(process.db, view.stack.project_id, stacks.StackFilter(show_reserved=True)) == 1
        )
        with pytest.raises(StackExists):
            await process.create("s", template(net=resource(NET)))
        with pytest.raises(NotSupported, match="only reserved for change sets"):
            await process.update(view.stack, template(net=resource(NET)))

        gone = await process.delete(view.stack)
        assert state(gone) == "DELETE_COMPLETE"
        assert (await process.told(view.stack))[-1] == "s DELETE_COMPLETE"
        with pytest.raises(EntityNotFound):
            await shown(process)
        await made(process, template(net=resource(NET)))


async def test_a_name_is_reserved_once_however_many_change_sets_there_are(stackd_world: World) -> None:
    content = template(net=resource(NET))
    async with stackd_world.process() as process:
        both = [create(process, content, name, kind="CREATE") for name in ("a", "b")]
        assert len({each.stack.id for each in await asyncio.gather(*both)}) == 1
        assert await listed(process) == {"a": "AVAILABLE", "b": "AVAILABLE"}
        stack = await execute(process, "a")
        assert await listed(process) == {"b": "OBSOLETE"}
        await process.done(stack)
        with pytest.raises(ChangeSetUnavailable, match=r"status of \[OBSOLETE\]: The stack has changed"):
            await execute(process, "b")


@pytest.mark.parametrize(
    ("terms", "options", "end"),
    [
        (NO_TERMS, {}, "ROLLBACK_COMPLETE"),
        (NO_TERMS, {"disable_rollback": True}, "CREATE_FAILED"),
        (Terms(deletes=True), {}, "DELETE_COMPLETE"),
        (Terms(deletes=True), {"disable_rollback": True}, "CREATE_FAILED"),
    ],
)
async def test_failure_leads_to_what_was_asked_for(
    stackd_world: World, terms: Terms, options: dict[str, Any], end: str
) -> None:
    async with stackd_world.process() as process:
        view = await create(process, template(r=a_test(fail=True)), kind="CREATE", terms=terms)
        stack = await execute(process, **options)
        assert state(await process.done(stack)) == end
        again = await change_sets.found(
            process.engine, process.caller, "", "", view.change_set.uuid, rule=EXECUTE
        )
        assert again.execution is Execution.FAILED


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE"])
async def test_kind_must_fit_the_stack(stackd_world: World, kind: str) -> None:
    async with stackd_world.process() as process:
        if kind == "CREATE":
            await made(process, template(r=a_test()))
            with pytest.raises(BadRequest, match="already exists and cannot be created again"):
                await create(process, template(r=a_test(value="b")), kind=kind)
        else:
            with pytest.raises(EntityNotFound, match="s"):
                await create(process, template(r=a_test()), kind=kind)
            await create(process, template(r=a_test()), kind="CREATE")
            with pytest.raises(EntityNotFound):
                await create(process, template(r=a_test()), "d", kind=kind)


# --- updates ----------------------------------------------------------------------------------------------


def shared(name: str, size: int, value: str, **parameters: Any) -> dict[str, Any]:
    """A template in which each kind of change can be made."""
    return {
        "heat_template_version": "2018-08-31",
        "parameters": {"value": {"type": "string", "default": "x"}},
        "resources": {
            "net": resource(NET, name=name),
            "word": resource("OS::Heat::RandomString", length=size),
            "by_parameter": a_test(value={"get_param": "value"}),
            "by_attribute": a_test(value={"get_attr": ["word", "value"]}),
            value: a_test(),
        },
    }


async def test_changes_are_shown_with_what_causes_them(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        await made(process, shared("a", 8, "old"))
        view = await create(process, shared("b", 9, "new"), parameters={"value": "y"})
        changes = {each["name"]: each for each in view.change_set.content["changes"]}

        def summary(name: str) -> tuple[Any, ...]:
            change = changes[name]
            sources = [
                (each["name"], each["source"], each.get("entity"), each["evaluation"], each["recreation"])
                for each in change["details"]
            ]
            return (change["action"], change["replacement"], change["scope"], sources)

        assert {name: each["action"] for name, each in changes.items()} == {
            "net": "Modify", "word": "Modify", "by_parameter": "Modify", "by_attribute": "Modify",
            "old": "Remove", "new": "Add",
        }  # fmt: skip
        assert summary("net") == (
            "Modify", "False", ["Properties"], [("name", "DirectModification", None, "Static", "Never")],
        )  # fmt: skip
        assert summary("word") == (
            "Modify", "True", ["Properties"], [("length", "DirectModification", None, "Static", "Always")],
        )  # fmt: skip
        assert summary("by_parameter") == (
            "Modify", "False", ["Properties"],
            [("value", "ParameterReference", "value", "Static", "Never")],
        )  # fmt: skip
        assert summary("by_attribute") == (
            "Modify", "False", ["Properties"],
            [("value", "ResourceAttribute", "word.value", "Dynamic", "Never")],
        )  # fmt: skip
        assert changes["word"]["policy_action"] == "ReplaceAndDelete"
        assert changes["old"]["policy_action"] == "Delete"
        assert changes["net"]["details"][0]["path"] == "/Properties/name"
        assert (changes["net"]["details"][0]["before"], changes["net"]["details"][0]["after"]) == ("a", "b")
        assert changes["net"]["physical_id"] == (await process.rows(view.stack))["net"].physical_id


async def test_change_set_that_changes_nothing_has_failed_and_says_so(stackd_world: World) -> None:
    content = template(net=resource(NET))
    async with stackd_world.process() as process:
        await made(process, content)
        view = await create(process, content)
        assert view.execution is Execution.UNAVAILABLE
        assert (view.change_set.reason or "").startswith("The submitted information didn't contain changes.")
        with pytest.raises(ChangeSetUnavailable, match=r"\[UNAVAILABLE\]"):
            await execute(process)
        assert await plan_rows.listed(process.db, view.stack.project_id) == []


async def test_update_that_is_executed_does_what_was_shown_and_leaves_the_others_obsolete(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, template(net=resource(NET, name="a")))
        await create(process, template(net=resource(NET, name="b")), "b", tags="t=1")
        await create(process, template(net=resource(NET, name="c")), "c")
        await execute(process, "b")
        end = await process.done(stack)
        assert (state(end), end.tags) == ("UPDATE_COMPLETE", ("t=1",))
        assert [each["name"] for each in stackd_world.objects("networks")] == ["b"]
        assert await listed(process) == {"c": "OBSOLETE"}
        replaced = await create(process, template(net=resource(NET, name="d")), "c")
        assert (await shown(process)).change_set.uuid == replaced.change_set.uuid
        await execute(process, "c")
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"


async def test_change_set_is_obsolete_once_an_object_is_gone_from_the_cloud(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, template(net=resource(NET, name="a"), r=a_test(value="a")))
        await create(process, template(net=resource(NET, name="a"), r=a_test(value="b")))
        remove(stackd_world, (await process.rows(stack))["net"])
        with pytest.raises(ChangeSetUnavailable, match=r"\[OBSOLETE\].*net"):
            await execute(process)
        assert (await shown(process)).execution is Execution.OBSOLETE
        assert state(await process.stack(stack)) == "CREATE_COMPLETE"


async def test_stack_in_progress_gets_no_change_set(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(r=a_test(wait_secs=5)))
        with pytest.raises(ActionInProgress):
            await create(process, template(r=a_test(value="b")))
        await process.done(stack)


async def test_names_are_taken_until_a_change_set_is_deleted(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        await made(process, template(r=a_test()))
        first = await create(process, template(r=a_test(value="b")))
        with pytest.raises(ChangeSetExists, match=r"ChangeSet \[c\] already exists"):
            await create(process, template(r=a_test(value="c")))
        await change_sets.delete(process.engine, process.caller, "s", "c")
        with pytest.raises(ChangeSetNotFound, match=r"^ChangeSet \[c\] does not exist$"):
            await shown(process)
        assert await plan_rows.listed(process.db, first.stack.project_id) == []
        await change_sets.delete(process.engine, process.caller, "s", "c")  # there is nothing to do
        with pytest.raises(EntityNotFound):
            await change_sets.delete(process.engine, process.caller, "t", "c")


async def test_the_oldest_that_are_over_make_room_for_new_ones(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_sets, "MOST", 2)
    async with stackd_world.process() as process:
        stack = await made(process, template(r=a_test(value="a")))
        await create(process, template(r=a_test(value="a")), "unchanged")
        await create(process, template(r=a_test(value="b")), "b")
        await create(process, template(r=a_test(value="c")), "c")
        assert await listed(process) == {"b": "AVAILABLE", "c": "AVAILABLE"}
        with pytest.raises(RequestLimitExceeded, match="may have 2 change sets"):
            await create(process, template(r=a_test(value="d")), "d")
        await execute(process, "b")
        await process.done(stack)
        await create(process, template(r=a_test(value="d")), "d")
        assert await listed(process) == {"c": "OBSOLETE", "d": "AVAILABLE"}


async def test_change_set_that_runs_is_not_deleted(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        await create(process, template(r=a_test(wait_secs=5)), kind="CREATE")
        stack = await execute(process)
        with pytest.raises(ChangeSetUnavailable, match=r"cannot be deleted .* \[EXECUTE_IN_PROGRESS\]"):
            await change_sets.delete(process.engine, process.caller, "s", "c")
        await process.done(stack)
        await change_sets.delete(process.engine, process.caller, "s", "c")
        with pytest.raises(ChangeSetNotFound):
            await shown(process)


async def test_plan_of_a_change_set_can_be_executed_as_any_other(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        view = await create(process, template(net=resource(NET)), kind="CREATE")
        stack = await plans.execute(process.engine, process.caller, view.change_set.plan_id)
        assert stack.id == view.stack.id
        assert state(await process.done(stack)) == "CREATE_COMPLETE"
        assert (await shown(process)).execution is Execution.COMPLETE


async def test_change_set_that_is_asked_for_twice_under_one_token_is_made_once(
    stackd_world: World,
) -> None:
    token = Token(value="t", digest="d")
    async with stackd_world.process() as process:
        await made(process, template(r=a_test()))
        first = await create(process, template(r=a_test(value="b")), token=token)
        again = await create(process, template(r=a_test(value="b")), token=token)
        assert first.change_set.uuid == again.change_set.uuid


async def test_hidden_values_are_in_no_change_set(stackd_world: World) -> None:
    def secret(value: str) -> dict[str, Any]:
        return {
            "heat_template_version": "2018-08-31",
            "parameters": {"p": {"type": "string", "hidden": True, "default": value}},
            "resources": {"r": a_test(value={"get_param": "p"})},
        }

    async with stackd_world.process() as process:
        await made(process, secret("first-secret"))
        view = await create(process, secret("other-secret"))
        assert "first-secret" not in str(view.change_set)
        assert "other-secret" not in str(view.change_set)
        assert view.change_set.content["changes"][0]["details"][0]["source"] == "ParameterReference"


# --- crashes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["write", "written"])
async def test_execution_is_completed_once_whenever_the_process_dies(tmp_path: Path, kind: str) -> None:
    """Each life asks for the execution if it is not under way; there is one network in the end."""
    number, came = 1, True
    while came:
        place = tmp_path / str(number)
        place.mkdir()
        came = await _dies_at(place, Death(kind, number))
        number += STRIDE
    assert number > STRIDE


async def _dies_at(place: Path, death: Death) -> bool:
    async with world(place, ready_after=0.005) as made_world:
        stage = Stage.set(made_world, 1)

        async def life(process: Process) -> Stack:
            found = await stacks.named(process.db, "s", process.caller.project_id)
            if found is None:
                await create(process, template(net=resource(NET)), kind="CREATE")
            view = await shown(process)
            if view.execution is Execution.AVAILABLE:
                await change_sets.execute(process.engine, process.caller, view)
            return await process.done(view.stack)

        died = await stage.live(life, death) is None

        async def last(process: Process) -> None:
            assert state(await life(process)) == "CREATE_COMPLETE", death
            assert (await shown(process)).execution is Execution.COMPLETE
            assert len(made_world.objects("networks")) == 1

        await stage.live(last)
        return died


async def test_reserved_name_is_in_lists_that_ask_for_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        view = await create(process, template(net=resource(NET)), kind="CREATE")
        wanted = stacks.StackFilter(show_reserved=True)
        found = await stacks.listed(process.db, view.stack.project_id, wanted)
        assert [each.id for each in found] == [view.stack.id]


async def test_change_set_without_changes_leaves_its_name_to_the_next(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        await made(process, template(r=a_test()))
        empty = await create(process, template(r=a_test()))
        assert empty.execution is Execution.UNAVAILABLE
        assert (await create(process, template(r=a_test(value="b")))).execution is Execution.AVAILABLE

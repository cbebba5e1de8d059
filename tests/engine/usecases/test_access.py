"""Every use case asks policy first, and shows nothing of other projects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackd.auth.policy import Policy
from stackd.db.journal import Update
from stackd.db.stacks import Page, StackFilter
from stackd.engine.usecases import (
    access,
    actions,
    event_queries,
    plan_states,
    plans,
    resource_queries,
    resource_types,
    service_queries,
    signals,
    stack_queries,
    stacks,
    validate,
)
from stackd.engine.usecases.access import StackRef
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import EntityNotFound, Forbidden
from stackd.records import Caller, Stack
from tests.support.engine import Process, World

TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "resources": {"v": {"type": "OS::Heat::Value", "properties": {"value": "x"}}},
    "outputs": {"o": {"value": 1}},
}
REQUEST = StackRequest(name="other", template=TEMPLATE)
UseCase = Callable[[Reader, Caller, access.Named], Any]

ON_A_STACK: dict[str, UseCase] = {
    "show": stack_queries.show,
    "outputs": stack_queries.output_descriptions,
    "output": lambda reader, caller, named: stack_queries.output(reader, caller, named, "o"),
    "template": stack_queries.template,
    "environment": stack_queries.environment,
    "files": stack_queries.files,
    "resources": lambda reader, caller, named: resource_queries.listed(reader, caller, named, {}),
    "resource": lambda reader, caller, named: resource_queries.show(reader, caller, named, "v"),
    "metadata": lambda reader, caller, named: resource_queries.metadata(reader, caller, named, "v"),
    "events": lambda reader, caller, named: event_queries.listed(reader, caller, named, {}, Page()),
    "event": lambda reader, caller, named: event_queries.show(reader, caller, named, "v", "none"),
    "signal": lambda reader, caller, named: signals.signal(reader.engine, caller, named, "v", None),
    "mark": lambda reader, caller, named: signals.mark(reader.engine, caller, named, "v", broken=True),
    "action": lambda reader, caller, named: actions.act(reader.engine, caller, named, "cancel_update"),
    "update": lambda reader, caller, named: stacks.update(reader.engine, caller, named, REQUEST),
    "delete": lambda reader, caller, named: stacks.delete(reader.engine, caller, named),
    "plan": lambda reader, caller, named: plans.draft_update(
        reader.engine, caller, named, REQUEST, observe=False
    ),
    "plan of a deletion": lambda reader, caller, named: plans.draft_deletion(
        reader.engine, caller, named, observe=False
    ),
}
ON_NONE: dict[str, Callable[[Reader, Caller], Any]] = {
    "list": lambda reader, caller: stack_queries.listed(reader, caller, StackFilter(), Page()),
    "plain list": stack_queries.listed_plainly,
    "create": lambda reader, caller: stacks.create(reader.engine, caller, REQUEST),
    "validate": lambda reader, caller: validate.validate(reader.engine, caller, REQUEST, nested=False),
    "lookup": lambda reader, caller: access.lookup(reader.engine, caller, "s"),
    "types": lambda reader, caller: resource_types.listed(reader.engine, caller),
    "type": lambda reader, caller: resource_types.show(reader.engine, caller, "OS::Heat::Value"),
    "type's template": lambda reader, caller: resource_types.generate_template(
        reader.engine, caller, "OS::Heat::Value"
    ),
    "versions": lambda reader, caller: service_queries.template_versions(reader.engine, caller),
    "functions": lambda reader, caller: service_queries.template_functions(
        reader.engine, caller, "heat_template_version.rocky"
    ),
    "build": lambda reader, caller: service_queries.build(reader.engine, caller),
    "processes": lambda reader, caller: service_queries.processes(reader.engine, caller),
    "new plan": lambda reader, caller: plans.draft_new(reader.engine, caller, REQUEST),
    "plans": lambda reader, caller: plans.listed(reader.engine, caller),
    "saved plan": lambda reader, caller: plans.shown(reader.engine, caller, "none"),
    "delete a plan": lambda reader, caller: plans.delete(reader.engine, caller, "none"),
    "execute a plan": lambda reader, caller: plans.execute(reader.engine, caller, "none"),
}


async def called(result: Any) -> Any:
    """The result of a use case, whether it waits or not."""
    return await result if isinstance(result, Awaitable) else result


async def made(process: Process) -> tuple[Reader, Stack]:
    return Reader(process.engine), await process.done(await process.create("s", TEMPLATE))


async def test_caller_without_a_role_is_refused_everything_before_anything_is_looked_up(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        reader, stack = await made(process)
        caller = replace(process.caller, roles=())
        for use_case in ON_A_STACK.values():
            for named in (stack, StackRef("gone", "gone")):
                with pytest.raises(Forbidden):
                    await called(use_case(reader, caller, named))
        for plain in ON_NONE.values():
            with pytest.raises(Forbidden):
                await called(plain(reader, caller))


async def test_stack_of_another_project_is_not_found_by_anything(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = await made(process)
        caller = replace(process.caller, project_id="elsewhere", roles=("member", "reader"))
        for use_case in ON_A_STACK.values():
            with pytest.raises(EntityNotFound):
                await called(use_case(reader, caller, stack))
        with pytest.raises(EntityNotFound):
            await access.lookup(process.engine, caller, stack.id)
        assert (await stack_queries.listed_plainly(reader, caller)).stacks == []


async def test_name_must_fit_the_id(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = await made(process)
        with pytest.raises(EntityNotFound, match="wrong"):
            await stack_queries.show(reader, process.caller, StackRef(stack.id, "wrong"))
        assert (await stack_queries.show(reader, process.caller, StackRef(stack.id))).stack == stack


async def test_front_end_with_rules_of_its_own_passes_them(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        reader, stack = await made(process)
        guest = replace(process.caller, roles=("heat_stack_user",))
        with pytest.raises(Forbidden):
            await stack_queries.show(reader, guest, stack, rule="cloudformation:DescribeStacks")
        rule = "cloudformation:DescribeStackResource"
        view, _ = await resource_queries.show(reader, guest, stack, "v", rule=rule)
        assert view.resource.name == "v"


@pytest.mark.parametrize("rule", ["plans:execute", "stacks:delete"])
async def test_plan_is_executed_only_by_whom_its_action_is_allowed_to(
    stackd_world: World, tmp_path: Path, rule: str
) -> None:
    async with stackd_world.process() as process:
        reader, stack = await made(process)
        draft = await plans.draft_deletion(reader.engine, process.caller, stack, observe=False)
        saved = await plans.save(reader.engine, draft)
        rules = tmp_path / "policy.yaml"
        rules.write_text(f'"{rule}": "role:somebody_else"\n')
        process.engine.policy = Policy(rules)
        with pytest.raises(Forbidden):
            await plans.execute(process.engine, process.caller, saved.id)
        assert (await plans.shown(process.engine, process.caller, saved.id)).state == plan_states.READY


async def test_stack_is_looked_up_by_name_and_by_id(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        _, stack = await made(process)
        for reference in (stack.name, stack.id):
            assert await access.lookup(process.engine, process.caller, reference) == stack


@pytest.mark.parametrize(
    "roles", [("admin", "member", "reader"), ("admin", "member", "reader", access.GUEST)]
)
async def test_who_is_in_the_project_of_a_stack_s_users_is_no_more_than_a_guest(
    stackd_world: World, roles: tuple[str, ...]
) -> None:
    async with stackd_world.process() as process:
        reader, stack = await made(process)
        await process.engine.services.journal.write(
            Update(Stack, stack.id, {"stack_user_project_id": "users"})
        )
        caller = replace(process.caller, project_id="users", roles=roles)
        for name, use_case in ON_A_STACK.items():
            expected = Forbidden if name == "metadata" and access.GUEST in roles else EntityNotFound
            if name != "signal" or access.GUEST not in roles:
                with pytest.raises(expected):
                    await called(use_case(reader, caller, stack))


async def test_stacks_of_other_projects_are_neither_decrypted_nor_read(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stackd_world.process() as process:
        _, stack = await made(process)
        caller = replace(process.caller, project_id="elsewhere", roles=("member", "reader"))
        read: list[Any] = []
        monkeypatch.setattr(process.db.codecs.stacks, "record", read.append)
        with pytest.raises(EntityNotFound):
            await access.find(process.engine, caller, stack.id, "stacks:show")
        assert read == []


async def test_who_may_list_the_stacks_of_all_projects_may_show_them_and_no_more(
    stackd_world: World, tmp_path: Path
) -> None:
    async with stackd_world.process() as process:
        reader, stack = await made(process)
        rules = tmp_path / "policy.yaml"
        rules.write_text('"stacks:global_index": "role:auditor"\n')
        process.engine.policy = Policy(rules)
        auditor = replace(process.caller, project_id="elsewhere", roles=("auditor", "member", "reader"))
        found = await stack_queries.listed(reader, auditor, StackFilter(), Page(), every_project=True)
        assert [each.id for each in found.stacks] == [stack.id]
        assert (await stack_queries.listed(reader, auditor, StackFilter(), Page())).stacks == []
        for name, use_case in ON_A_STACK.items():
            if name == "show":
                assert (await use_case(reader, auditor, stack)).stack == stack
                continue
            with pytest.raises(EntityNotFound):
                await called(use_case(reader, auditor, stack))

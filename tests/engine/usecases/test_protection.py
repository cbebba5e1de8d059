"""Protection from being deleted, and the stack policy, as they guard a stack."""

from __future__ import annotations

import json

import pytest

from stackd.engine.usecases import plans, protection
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import Terms
from stackd.errors import BadRequest, EntityNotFound, Fenced, NothingToUpdate, StackProtected, UpdateDenied
from stackd.records import Action, Stack, Status
from tests.support.actions import a_test, made, resource, state, template
from tests.support.engine import Process, World

FIRST = template(db=a_test(value="a"), web=a_test(value="a"))
SECOND = template(db=a_test(value="b"), web=a_test(value="a"))
THIRD = template(db=a_test(value="a"), web=a_test(value="b"))
WITHOUT_DB = template(web=a_test(value="a"))
KEEPS_DB = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/db"},
        ]
    }
)


async def protect(process: Process, stack: Stack, protected: bool = True) -> Stack:
    return await protection.protect(process.engine, process.caller, stack, protected=protected)


async def test_protected_stack_is_deleted_only_once_it_is_protected_no_longer(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, FIRST)
        draft = await plans.draft_deletion(process.engine, process.caller, stack, observe=False)
        assert (await protect(process, stack)).protected
        newest = await process.stack(stack)
        giving_up = use_cases.accept_deletion(process.engine, process.caller, newest, abandon=True)
        planning = plans.draft_deletion(process.engine, process.caller, stack, observe=False)
        for deletion in (process.delete(stack), giving_up, planning):
            with pytest.raises(StackProtected, match=r"^Stack \[s\] cannot be deleted while Term"):
                await deletion
        saved = await plans.save(process.engine, draft)
        with pytest.raises(StackProtected):
            await plans.execute(process.engine, process.caller, saved.id)
        assert state(await process.stack(stack)) == "CREATE_COMPLETE"

        await protect(process, stack, False)
        await process.delete(stack)
        assert state(await process.done(stack)) == "DELETE_COMPLETE"


async def test_stack_inside_a_protected_one_is_protected_by_it(stackd_world: World) -> None:
    inside = resource("OS::Heat::ResourceGroup", count=1, resource_def=a_test())
    async with stackd_world.process() as process:
        stack = await made(process, template(group=inside))
        child = await process.stack_inside(stack, "group")
        await protect(process, stack)
        with pytest.raises(StackProtected, match=r"Stack \[s\]"):
            await process.delete(child)
        with pytest.raises(BadRequest, match="cannot be updated for nested stack"):
            await protect(process, child)


async def test_deletion_that_did_not_see_the_protection_is_refused_when_it_is_written(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, FIRST)
        await protect(process, stack)
        with pytest.raises(Fenced):
            await use_cases.accept_deletion(process.engine, process.caller, stack)
        assert state(await process.stack(stack)) == "CREATE_COMPLETE"


async def test_stack_that_is_being_deleted_cannot_be_protected(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, FIRST)
        await process.delete(stack)
        await process.done(stack)
        with pytest.raises(EntityNotFound):
            await protect(process, stack)


async def test_update_that_the_policy_denies_is_refused_before_anything_happens(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, FIRST)
        await protection.set_policy(process.engine, process.caller, stack, KEEPS_DB)
        assert await protection.policy_of(process.engine, process.caller, stack) == KEEPS_DB
        for denied, change in ((SECOND, "Modify"), (WITHOUT_DB, "Delete")):
            with pytest.raises(UpdateDenied, match=rf"#2\] does not allow \[Update:{change}\] for .*/db\]"):
                await process.update(stack, denied)
        assert state(await process.stack(stack)) == "CREATE_COMPLETE"

        await process.update(stack, THIRD)
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"


async def test_policy_of_one_update_takes_the_place_of_the_stacks_own(stackd_world: World) -> None:
    allows = json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}
    )
    async with stackd_world.process() as process:
        stack = await made(process, FIRST)
        await protection.set_policy(process.engine, process.caller, stack, KEEPS_DB)
        request, terms = StackRequest(template=SECOND), Terms(policy_during=allows)
        await use_cases.update(process.engine, process.caller, stack, request, terms=terms)
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"
        assert (await process.stack(stack)).policy == KEEPS_DB


async def test_walk_stops_at_what_the_policy_denies_and_goes_back(stackd_world: World) -> None:
    """The policy comes with the very update, so that nothing but the walk could refuse it."""
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", FIRST, disable_rollback=False))
        request = StackRequest(name="other", template=SECOND)
        _, checked = await use_cases.preview(process.engine, process.caller, request)
        terms = Terms(policy_during=KEEPS_DB)
        await use_cases.accept_change(process.engine, process.caller, stack, request, checked, terms=terms)
        end = await process.done(stack)
        assert state(end) == "ROLLBACK_COMPLETE"
        told = [each.reason for each in await process.events(stack)]
        assert any("Action denied by stack policy: Statement [#2]" in each for each in told)
        assert (await process.rows(stack))["db"].properties["value"] == "a"


async def test_text_that_is_no_policy_is_not_stored(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, FIRST)
        with pytest.raises(BadRequest, match="Error validating stack policy"):
            await protection.set_policy(process.engine, process.caller, stack, "{}")
        assert (await process.stack(stack)).policy is None


@pytest.mark.parametrize("what", ["same", "default", "output", "tags", "setting", "policy", "parameter"])
async def test_update_that_changes_nothing_is_refused_where_that_is_asked_for(
    stackd_world: World, what: str
) -> None:
    """Only what matters to somebody is a change: an output does, a description does not."""
    base = FIRST | {"parameters": {"p": {"type": "string", "default": "x"}}}
    others = {
        "default": (base | {"description": "new"}, {}, {}),
        "output": (base | {"outputs": {"o": {"value": "1"}}}, {}, {}),
        "tags": (base, {"tags": ("a=b",)}, {}),
        "setting": (base, {}, {"settings": {"role_arn": "r"}}),
        "policy": (base, {}, {"policy": KEEPS_DB}),
        "parameter": (base, {"parameters": {"p": "y"}}, {}),
    }
    content, request, asked = others.get(what, (base, {}, {}))
    async with stackd_world.process() as process:
        stack = await made(process, base)
        update = use_cases.update(
            process.engine,
            process.caller,
            stack,
            StackRequest.model_validate({"template": content, **request}),
            terms=Terms(only_changes=True, **asked),
        )
        if what in ("same", "default"):
            with pytest.raises(NothingToUpdate, match=r"^No updates are to be performed\.$"):
                await update
            assert state(await process.stack(stack)) == "CREATE_COMPLETE"
        else:
            accepted = await update
            assert (accepted.action, accepted.status) == (Action.UPDATE, Status.IN_PROGRESS)
            assert state(await process.done(stack)) == "UPDATE_COMPLETE"


async def test_plan_says_which_change_the_stack_policy_does_not_allow(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, FIRST)
        for content, refused in ((SECOND, ["db"]), (THIRD, []), (WITHOUT_DB, ["db"])):
            await protection.set_policy(process.engine, process.caller, stack, KEEPS_DB)
            request = StackRequest(template=content)
            draft = await plans.draft_update(
                process.engine, process.caller, await process.stack(stack), request, observe=False
            )
            steps = plans.contents(draft.saved)["steps"]
            assert [step["path"][0] for step in steps if "refused" in step] == refused
            assert draft.saved.options["summary"].get("refused", 0) == len(refused)
            assert all("denied by stack policy" in step["refused"] for step in steps if "refused" in step)

"""Trusts, and the users of what runs inside servers."""

from __future__ import annotations

import asyncio

import pytest

from stackd.db import credentials
from stackd.engine.services.stack_users import StackUserService
from stackd.errors import MissingCredential, NotSupported
from stackd.records import Stack, Status
from tests.support.engine import Process, World
from tests.support.records import a_stack
from tests.support.templates import hot

HANDLE = {"type": "OS::Heat::WaitConditionHandle"}


async def test_many_stacks_at_once_share_one_trust(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        made = await asyncio.gather(*(process.create(f"s{n}", hot({})) for n in range(5)))
        assert len({stack.credential_id for stack in made}) == 1
        assert len(stackd_world.objects("trusts")) == 1


async def test_trust_whose_record_was_lost_is_taken_over(stackd_world: World) -> None:
    async with stackd_world.process(dies_at=1) as first:
        dying = asyncio.create_task(first.create("s", hot({})))
        await asyncio.wait({dying}, timeout=1)
        dying.cancel()
        assert len(stackd_world.objects("trusts")) == 1
    async with stackd_world.process() as second:
        stack = await second.done(await second.create("s", hot({})))
        assert stack.status is Status.COMPLETE
        assert len(stackd_world.objects("trusts")) == 1


async def test_trust_whose_answer_was_lost_is_taken_over(stackd_world: World) -> None:
    rule = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "drop_after", "times": 1}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        await process.done(await process.create("s", hot({})))
        assert stackd_world.cloud.faults.rules[0].fired == 1
        assert len(stackd_world.objects("trusts")) == 1


async def test_stack_without_credentials_says_what_to_do(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        with pytest.raises(MissingCredential, match="update it once"):
            await process.engine.trusts.of_stack(a_stack(credential_id=None))
        with pytest.raises(MissingCredential):
            await process.engine.trusts.of_stack(a_stack(credential_id="gone"))
        await process.engine.trusts.release(a_stack(credential_id=None))


async def test_credential_in_use_is_not_released(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({})))
        await process.engine.trusts.release(stack)
        assert await credentials.get(process.db, stack.credential_id or "") is not None
        assert len(stackd_world.objects("trusts")) == 1


def guests_of(world: World) -> tuple[int, int]:
    """Numbers of projects and users in the stack domain."""
    return len(world.objects("projects")), len(world.objects("users"))


async def test_tree_has_one_project_and_each_resource_its_user_until_they_go(stackd_world: World) -> None:
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 2, "resource_def": HANDLE},
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"h": HANDLE, "g": group})))
        assert stack.status is Status.COMPLETE, stack.reason
        assert guests_of(stackd_world) == (1, 3)
        await _all_share(process, stack)
        stack = await process.done(await process.update(stack, hot({"h": HANDLE})))
        assert guests_of(stackd_world) == (1, 1)
        stack = await process.done(await process.delete(stack))
        assert stack.status is Status.COMPLETE, stack.reason
        assert guests_of(stackd_world) == (0, 0)


async def _all_share(process: Process, stack: Stack) -> None:
    from stackd.db import stacks

    projects = {each.stack_user_project_id for each in await stacks.tree(process.db, stack.id)}
    assert len(projects) == 1
    assert projects != {None}


async def test_users_without_a_stack_domain_are_refused_with_the_remedy() -> None:
    guests = StackUserService(None, None, None)  # type: ignore[arg-type]
    with pytest.raises(NotSupported, match=r"keystone\.stack_domain_name"):
        await guests.make(a_stack(), "name", None, keypair=False)


async def test_half_made_user_goes_with_its_resource(stackd_world: World) -> None:
    rule = {"method": "POST", "path": "/credentials$", "effect": "status", "status": 400}
    stackd_world.cloud.faults.replace([rule])
    handle = {"type": "OS::Heat::WaitConditionHandle", "properties": {"signal_transport": "CFN_SIGNAL"}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"h": handle})))
        stackd_world.cloud.faults.replace([])
        stack = await process.done(await process.delete(stack))
        assert stack.status is Status.COMPLETE, stack.reason
        assert guests_of(stackd_world) == (0, 0)


async def test_users_of_stacks_with_long_names_are_different(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        for last in "ab":
            stack = await process.done(await process.create("x" * 100 + last, hot({"h": HANDLE})))
            assert stack.status is Status.COMPLETE, stack.reason
        names = [user["name"] for user in stackd_world.objects("users")]
        assert len(set(names)) == 2
        assert all(len(name) == 64 for name in names)


@pytest.mark.parametrize("dies_at", [5, 6, 7])
async def test_half_made_project_goes_with_its_stack(stackd_world: World, dies_at: int) -> None:
    async with stackd_world.process(dies_at=dies_at) as first:
        stack = await first.create("s", hot({"h": HANDLE}))
        await asyncio.sleep(0.3)
    assert guests_of(stackd_world)[0] == (dies_at > 5)
    async with stackd_world.process() as second:
        stack = await second.done(await second.delete(stack))
        assert stack.status is Status.COMPLETE, stack.reason
        assert guests_of(stackd_world) == (0, 0)

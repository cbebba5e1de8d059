"""Credentials that Keystone no longer accepts are replaced by the next caller's; operations wait for that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from stackd.db import credentials
from stackd.db.credentials import LOST, PENDING, STANDING
from stackd.db.journal import Update
from stackd.errors import CredentialsLost
from stackd.records import Action, Credential, Stack, Status
from tests.support.engine import Process, World
from tests.support.templates import hot
from tests.support.waiting import until

NET = {"n": {"type": "OS::Neutron::Net"}}
ANOTHER = {"n": {"type": "OS::Neutron::Net", "properties": {"name": "another"}}}


def delete_trusts(world: World) -> None:
    """Somebody deletes every trust, and with it the tokens that were made from it."""
    table = world.cloud.store.tables["identity.trusts"]
    for trust in list(table.rows.values()):
        world.cloud.store.remove(trust)
        world.cloud.world.revoke(trust_id=trust.id)


def forget_callers(process: Process) -> None:
    """As if the last request of every caller were long ago."""
    process.engine.trusts._callers.clear()


async def state_of(process: Process, stack: Stack) -> str:
    stored = await credentials.get(process.db, (await process.stack(stack)).credential_id or "")
    return stored.state if stored else ""


async def settled(process: Process, name: str, template: object = None) -> Stack:
    """A complete stack whose trust stands and is in use."""
    stack = await process.done(await process.create(name, template or hot(NET)))
    assert stack.status is Status.COMPLETE, stack.reason
    await process.trusted()
    return stack


@contextlib.asynccontextmanager
async def restarted(world: World, *names: str) -> AsyncIterator[tuple[Process, list[Stack]]]:
    """A process without memory, and stacks that an earlier one made."""
    async with world.process() as first:
        stacks = [await settled(first, name) for name in names]
    async with world.process() as second:
        yield second, stacks


async def test_deletion_after_somebody_deleted_the_trust_ends_well(stackd_world: World) -> None:
    async with restarted(stackd_world, "s") as (process, (stack,)):
        delete_trusts(stackd_world)
        stack = await process.done(await process.delete(stack))
        assert (stack.action, stack.status) == (Action.DELETE, Status.COMPLETE), stack.reason
        assert stackd_world.objects("networks") == []
        trusted = await process.trusted()
        assert [trust["id"] for trust in stackd_world.objects("trusts")] == [trusted.trust_id]


async def test_operation_waits_for_the_next_caller_and_all_stacks_have_the_new_trust(
    stackd_world: World,
) -> None:
    async with restarted(stackd_world, "one", "two", "three") as (process, (one, two, three)):
        delete_trusts(stackd_world)
        with capture_logs() as logged:
            await process.update(one, hot(ANOTHER))
            forget_callers(process)
            await asyncio.sleep(30)
        assert (await process.stack(one)).status is Status.IN_PROGRESS
        assert await state_of(process, one) == LOST
        assert "credential_lost" in {line["event"] for line in logged}
        await process.done(await process.delete(two))
        one = await process.done(one)
        assert one.status is Status.COMPLETE, one.reason
        assert await state_of(process, three) in (PENDING, STANDING)
        trusted = await process.trusted()
        assert {one.credential_id, (await process.stack(three)).credential_id} == {trusted.id}
        assert [trust["id"] for trust in stackd_world.objects("trusts")] == [trusted.trust_id]


async def test_operation_that_waits_in_vain_ends_with_its_timeout(stackd_world: World) -> None:
    async with restarted(stackd_world, "s") as (process, (stack,)):
        delete_trusts(stackd_world)
        await process.update(stack, hot(ANOTHER), timeout_mins=1)
        forget_callers(process)
        stack = await process.done(stack)
        assert stack.status is Status.FAILED
        assert stack.reason.startswith("Timed out after 60 s while waiting for n ")


async def test_object_that_is_becoming_ready_is_waited_for_meanwhile(stackd_world: World) -> None:
    volume = {"v": {"type": "OS::Cinder::Volume", "properties": {"size": 1}}}
    async with restarted(stackd_world, "one", "two") as (process, (one, two)):
        stackd_world.cloud.world.ready_after = 20.0
        await process.update(one, hot(volume))
        await asyncio.sleep(5)
        delete_trusts(stackd_world)
        forget_callers(process)
        await asyncio.sleep(60)
        assert (await process.stack(one)).status is Status.IN_PROGRESS
        await process.delete(two)
        one = await process.done(one)
        assert one.status is Status.COMPLETE, one.reason


async def test_token_that_is_revoked_before_the_trust_stands_is_replaced(stackd_world: World) -> None:
    rule = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "status", "status": 403}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot(NET)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert await state_of(process, stack) == PENDING
        stackd_world.cloud.faults.replace([])
        del stackd_world.cloud.world.tokens[process.caller.token]
        forget_callers(process)
        with pytest.raises(CredentialsLost):
            await (await process.engine.trusts.of_stack(stack)).network.get("/networks")
        assert await state_of(process, stack) == LOST


async def test_trust_that_was_made_unnoticed_is_used_when_the_token_is_refused(stackd_world: World) -> None:
    unnoticed = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "drop_after", "times": 1}
    unseen = {"method": "GET", "path": "/OS-TRUST/trusts", "effect": "status", "status": 403, "times": 1}
    stackd_world.cloud.faults.replace([unnoticed, unseen])
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot(NET)))
        await until(lambda: bool(stackd_world.cloud.faults.rules[1].fired))
        assert await state_of(process, stack) == PENDING
        del stackd_world.cloud.world.tokens[process.caller.token]
        forget_callers(process)
        with pytest.raises(CredentialsLost):
            await (await process.engine.trusts.of_stack(stack)).network.get("/networks")
        assert await state_of(process, stack) == STANDING
        assert await (await process.engine.trusts.of_stack(stack)).network.get("/networks")
        assert len(stackd_world.objects("trusts")) == 1


async def test_trust_is_not_given_up_while_the_service_user_itself_is_refused(stackd_world: World) -> None:
    async with restarted(stackd_world, "s") as (process, (stack,)):
        users = stackd_world.cloud.store.tables["identity.users"].rows.values()
        heat = next(user for user in users if user.data["name"] == "heat")
        heat.private["password"] = "changed"
        await process.update(stack, hot(ANOTHER))
        await asyncio.sleep(30)
        assert await state_of(process, stack) == STANDING
        assert (await process.stack(stack)).status is Status.IN_PROGRESS
        heat.private["password"] = "secret"
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason


async def test_another_user_of_the_project_takes_over_the_stack_it_deletes(stackd_world: World) -> None:
    async with restarted(stackd_world, "mine", "untouched") as (process, (mine, untouched)):
        stored = await credentials.get(process.db, mine.credential_id or "")
        assert stored is not None
        await process.journal.write(Update(Credential, stored.id, {"user_id": "another"}))
        await (await process.engine.trusts.of_stack(mine)).network.get("/networks")
        delete_trusts(stackd_world)
        mine = await process.done(await process.delete(mine))
        assert mine.status is Status.COMPLETE, mine.reason
        assert mine.credential_id == (await process.trusted()).id
        assert (await process.stack(untouched)).credential_id == stored.id

"""Trusts are made once, shared, and revoked some minutes after the last stack that used them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from stackd.db import credentials
from stackd.db.journal import Insert
from stackd.records import Status
from tests.support.engine import World
from tests.support.waiting import until

EMPTY = {"heat_template_version": "2018-08-31"}
AT_ONCE = timedelta(0)
AN_HOUR = timedelta(hours=1)


async def test_trust_is_kept_for_some_minutes_after_the_last_stack(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        for name in ("one", "two"):
            stack = await process.done(await process.create(name, EMPTY))
            assert stack.status is Status.COMPLETE
            await process.trusted()
            await process.done(await process.delete(stack))
            await process.engine.trusts.revoke_idle()
        assert len(stackd_world.objects("trusts")) == 1
        await process.engine.trusts.revoke_idle(AT_ONCE)
        assert stackd_world.objects("trusts") == []


async def test_trust_that_a_new_stack_is_about_to_use_is_not_revoked(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        trusted = await process.trusted()
        async with process.engine.trusts.borrowed(process.caller):
            await process.engine.trusts.revoke_idle(AT_ONCE)
            assert await credentials.get(process.db, trusted.id) == trusted
        assert len(stackd_world.objects("trusts")) == 1


async def test_next_process_revokes_what_a_dead_one_left(stackd_world: World) -> None:
    async with stackd_world.process() as first:
        await first.trusted()
    async with stackd_world.process() as second:
        await second.engine.trusts.revoke_idle(AT_ONCE)
        assert stackd_world.objects("trusts") == []
        assert await credentials.of_user(second.db, second.caller.user_id, second.caller.project_id) == []


async def test_trust_whose_making_is_uncertain_is_revoked_too(stackd_world: World) -> None:
    lost = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "drop_after"}
    stackd_world.cloud.faults.replace([lost])
    async with stackd_world.process() as process:
        async with process.engine.trusts.borrowed(process.caller) as pending:
            await until(lambda: bool(stackd_world.objects("trusts")))
        stackd_world.cloud.faults.replace([])
        await process.engine.trusts.revoke_idle(AT_ONCE)
        assert stackd_world.objects("trusts") == []
        assert await credentials.get(process.db, pending.id) is None


async def test_request_for_a_trust_that_is_not_needed_comes_to_its_end_first(stackd_world: World) -> None:
    slow = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "delay", "seconds": 20.0}
    stackd_world.cloud.faults.replace([slow])
    async with stackd_world.process() as process:
        async with process.engine.trusts.borrowed(process.caller):
            await until(lambda: stackd_world.cloud.faults.rules[0].fired == 1)
        await process.engine.trusts.revoke_idle(AT_ONCE)
        await asyncio.sleep(30)
        assert stackd_world.objects("trusts") == []


async def test_trust_that_keystone_made_after_its_process_had_died_goes_with_the_credential(
    stackd_world: World,
) -> None:
    slow = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "delay", "seconds": 20.0, "times": 1}
    stackd_world.cloud.faults.replace([slow])
    async with stackd_world.process(dies_at=100) as first:
        stack = await first.done(await first.create("s", EMPTY))
        assert stackd_world.cloud.faults.rules[0].fired == 1
    async with stackd_world.process() as second:
        await second.trusted()
        await asyncio.sleep(30)
        assert len(stackd_world.objects("trusts")) == 2
        await second.done(await second.delete(stack))
        await second.engine.trusts.revoke_idle(AT_ONCE)
        assert stackd_world.objects("trusts") == []


async def test_trust_that_cannot_be_revoked_keeps_no_other_from_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        trusted = await process.trusted()
        stuck = replace(trusted, id="stuck", user_id="another", created_at=trusted.created_at - AN_HOUR)
        await process.journal.write(Insert(stuck))
        once = {"method": "DELETE", "path": "/OS-TRUST/trusts", "status": 403, "times": 2}
        stackd_world.cloud.faults.replace([once])
        await process.engine.trusts.revoke_idle(AT_ONCE)
        assert await credentials.get(process.db, "stuck") is not None
        assert await credentials.get(process.db, trusted.id) is None
        assert stackd_world.objects("trusts") == []
        await process.engine.trusts.revoke_idle(AT_ONCE)
        assert await credentials.get(process.db, "stuck") is None

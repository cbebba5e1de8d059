"""Trusts, and the users of what runs inside servers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from stackd.db import credentials
from stackd.db.journal import Change, Update
from stackd.engine.services.stack_users import StackUserService
from stackd.errors import MissingCredential, NotSupported
from stackd.records import Credential, Stack, Status
from tests.support.engine import Process, World, neighbour
from tests.support.records import a_stack
from tests.support.templates import hot

HANDLE = {"type": "OS::Heat::WaitConditionHandle"}


async def test_many_stacks_at_once_share_one_trust(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        made = await asyncio.gather(*(process.create(f"s{n}", hot({})) for n in range(5)))
        assert len({stack.credential_id for stack in made}) == 1
        await process.trusted()
        assert len(stackd_world.objects("trusts")) == 1


SLOW = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "delay", "seconds": 20.0}


async def test_stack_is_made_with_the_callers_token_while_the_trust_is_slow(stackd_world: World) -> None:
    stackd_world.cloud.faults.replace([SLOW])
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"n": {"type": "OS::Neutron::Net"}})))
        assert stack.status is Status.COMPLETE, stack.reason
        assert stackd_world.objects("trusts") == []
        trusted = await process.trusted()
        assert (trusted.id, trusted.token) == (stack.credential_id, None)
        assert len(stackd_world.objects("trusts")) == 1


async def test_request_with_a_known_token_needs_no_identity_service(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stackd_world.cloud.faults.replace([{"service": "identity", "status": 503}])
        stack = await process.done(await process.create("s", hot({"n": {"type": "OS::Neutron::Net"}})))
        assert stack.status is Status.COMPLETE, stack.reason
        stackd_world.cloud.faults.replace([])
        await process.trusted()


def _is_trust(change: Change) -> bool:
    """Whether this is the write after the trust was made."""
    return isinstance(change, Update) and change.kind is Credential


async def test_trust_whose_making_was_interrupted_is_found_by_its_expiry(stackd_world: World) -> None:
    stackd_world.cloud.faults.replace([SLOW | {"seconds": 1.0}])  # the request comes to its end before
    async with stackd_world.process(dies_on=_is_trust) as first:
        stack = await first.create("s", hot({"n": {"type": "OS::Neutron::Net"}}))
        await first.journal.died.wait()
        assert len(stackd_world.objects("trusts")) == 1
    async with stackd_world.process() as second:
        stack = await second.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        trusted = await second.trusted()
        assert trusted.id == stack.credential_id
        assert [trust["id"] for trust in stackd_world.objects("trusts")] == [trusted.trust_id]


async def test_trust_whose_answer_was_lost_is_found(stackd_world: World) -> None:
    rule = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "drop_after", "times": 1}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        await process.done(await process.create("s", hot({})))
        await process.trusted()
        assert stackd_world.cloud.faults.rules[0].fired == 1
        assert len(stackd_world.objects("trusts")) == 1


async def test_trusts_of_another_server_are_never_taken(stackd_world: World, tmp_path: Path) -> None:
    """Even one that the other server made while a making of this one was interrupted."""
    refused = {"method": "POST", "path": "/OS-TRUST/trusts", "effect": "drop"}
    async with neighbour(stackd_world, tmp_path) as other:
        stackd_world.cloud.faults.replace([refused])
        async with stackd_world.process(dies_at=10_000) as first:
            mine = await first.done(await first.create("mine", hot({})))
        stackd_world.cloud.faults.replace([])
        async with other.process() as second:
            theirs = await second.done(await second.create("theirs", hot({})))
            foreign = (await second.trusted()).trust_id
        async with stackd_world.process() as first:
            assert (await first.trusted()).trust_id != foreign
            assert len(stackd_world.objects("trusts")) == 2
            await first.done(await first.delete(mine))
            await first.engine.trusts.revoke_idle(timedelta(0))
            assert [trust["id"] for trust in stackd_world.objects("trusts")] == [foreign]
        async with other.process() as second:
            theirs = await second.done(await second.update(theirs, hot({"n": {"type": "OS::Neutron::Net"}})))
            assert theirs.status is Status.COMPLETE, theirs.reason
            assert await second.engine.trusts._makings.find(await second.trusted()) == [foreign]


async def test_stack_without_credentials_says_what_to_do(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        with pytest.raises(MissingCredential, match="update it once"):
            await process.engine.trusts.of_stack(a_stack(credential_id=None))
        with pytest.raises(MissingCredential):
            await process.engine.trusts.of_stack(a_stack(credential_id="gone"))


async def test_credential_in_use_is_not_revoked(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({})))
        await process.trusted()
        await process.engine.trusts.revoke_idle(timedelta(0))
        assert await credentials.get(process.db, stack.credential_id or "") is not None
        assert len(stackd_world.objects("trusts")) == 1


def guests_of(world: World) -> tuple[int, int]:
    """Numbers of projects and users in the stack domain."""
    return len(world.objects("projects")), len(world.objects("users"))


SLOW_ALARM = {
    "slow": {"type": "OS::Heat::TestResource", "properties": {"action_wait_secs": {"create": 5}}},
    "alarm": {
        "type": "OS::Aodh::EventAlarm",
        "depends_on": "slow",
        "properties": {"alarm_queues": ["news"]},
    },
}


async def test_a_service_gets_the_users_own_token_to_make_a_trust_and_an_update_brings_another(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", hot(SLOW_ALARM))
        await process.trusted()
        process.engine.trusts._callers.clear()  # as after a restart
        stack = await process.done(stack)
        assert stack.status is Status.FAILED
        assert "Update the stack, which brings a token of the user" in stack.reason
        assert stackd_world.objects("alarms") == []
        stack = await process.done(await process.update(stack, hot(SLOW_ALARM)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert len(stackd_world.objects("alarms")) == 1
        own = await process.engine.trusts.delegating(stack)
        assert own is not None
        assert (await own.token()).trust_id == ""


async def test_a_trust_that_may_be_delegated_further_serves_without_a_token_of_the_user(
    stackd_world: World,
) -> None:
    keystone = stackd_world.settings.keystone.model_copy(update={"trusts_redelegated": True})
    stackd_world.settings = stackd_world.settings.model_copy(update={"keystone": keystone})
    async with stackd_world.process() as process:
        stack = await process.create("s", hot(SLOW_ALARM))
        trusted = await process.trusted()
        process.engine.trusts._callers.clear()
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        made = [each.get("redelegated_trust_id") for each in stackd_world.objects("trusts")]
        assert made == [None, trusted.trust_id]


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


@pytest.mark.parametrize("dies_at", [6, 7, 8])
async def test_half_made_project_goes_with_its_stack(stackd_world: World, dies_at: int) -> None:
    async with stackd_world.process(dies_at=dies_at) as first:
        await first.trusted()
        stack = await first.create("s", hot({"h": HANDLE}))
        await asyncio.sleep(0.3)
    assert guests_of(stackd_world)[0] == (dies_at > 6)
    async with stackd_world.process() as second:
        stack = await second.done(await second.delete(stack))
        assert stack.status is Status.COMPLETE, stack.reason
        assert guests_of(stackd_world) == (0, 0)

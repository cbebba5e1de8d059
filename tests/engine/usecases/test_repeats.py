"""Requests that come again under the same token are accepted once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from stackd.db import change_sets, operations
from stackd.engine.usecases import recovery, repeats
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.engine import REMEMBERED
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import Terms, Token
from stackd.errors import StackExists, TokenReused
from stackd.records import Stack, now
from tests.support.actions import a_test, made, state, template
from tests.support.engine import Process, World

CREATE = "stacks:create"


async def create(process: Process, token: str, digest: str = "d", name: str = "s") -> Stack:
    given = Token(value=token, digest=digest)

    async def act() -> Stack:
        request = StackRequest(name=name, template=template(r=a_test()))
        return await use_cases.create(process.engine, process.caller, request, terms=Terms(token=given))

    return await repeats.once(process.engine, process.caller, CREATE, given, act)


async def test_same_request_gets_the_stack_of_the_first(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        first = await create(process, "t")
    async with stackd_world.process() as process:
        assert (await create(process, "t")).id == first.id
        with pytest.raises(TokenReused, match="The ClientRequestToken t was used"):
            await create(process, "t", digest="other")
        with pytest.raises(StackExists):
            await create(process, "another")
        assert len(await operations.of_root(process.db, first.id, unfinished=False)) == 1


async def test_same_request_twice_at_a_time_is_accepted_once(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        both = await asyncio.gather(create(process, "t"), create(process, "t"))
        assert len({each.id for each in both}) == 1
        await process.done(both[0])


async def test_token_is_of_the_operation_and_stays_with_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await create(process, "t")
        operation = await operations.get(process.db, stack.operation_id or "")
        assert operation is not None
        assert operation.options["token"] == "t"


async def test_repeated_deletion_is_no_deletion_of_a_later_stack(stackd_world: World) -> None:
    token = Token(value="t", digest="delete s")

    async def delete(process: Process, stack: Stack) -> Stack:
        async def act() -> Stack:
            return await recovery.delete(process.engine, process.caller, stack, token=token)

        return await repeats.once(process.engine, process.caller, "cloudformation:DeleteStack", token, act)

    async with stackd_world.process() as process:
        first = await made(process, template(r=a_test()))
        await delete(process, first)
        assert state(await process.done(first)) == "DELETE_COMPLETE"
        second = await made(process, template(r=a_test()))
        assert (await delete(process, second)).id == first.id
        assert state(await process.stack(second)) == "CREATE_COMPLETE"


async def test_tokens_are_forgotten_after_a_day(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await create(process, "t")
        await change_sets.forget_requests(process.db, now() - REMEMBERED)
        assert await change_sets.request(process.db, stack.project_id, "t") is not None
        await change_sets.forget_requests(process.db, now() + timedelta(1))
        assert await change_sets.request(process.db, stack.project_id, "t") is None

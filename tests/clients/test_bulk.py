"""Creates of one moment share a call, and each still gets its own answer or error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog

from stackd.clients.bulk import LONGEST, MOST, Bulk
from stackd.clients.failures import AnswerLost
from stackd.clients.wire import Permit, request_id
from stackd.errors import CloudConflict, Fenced, StackdError


class Ports:
    """A collection that refuses objects called ``bad`` and loses answers when told to."""

    def __init__(self, *, lossy: bool = False) -> None:
        self.calls: list[int] = []
        self.lossy = lossy

    async def post(self, body: Any, permit: Permit | None) -> Any:
        if permit is not None:
            permit()
        objects = body.get("ports") or [body["port"]]
        self.calls.append(len(objects))
        await asyncio.sleep(0)
        if self.lossy:
            raise AnswerLost("lost")
        if any(each["name"] == "bad" for each in objects):
            raise CloudConflict("bad")
        made = [{"id": f"id-{each['name']}", **each} for each in objects]
        return {"ports": made[::-1]} if "ports" in body else {"port": made[0]}


async def _create(bulk: Bulk, *names: str) -> list[Any]:
    waiting = (bulk.create({"port": {"name": name}}) for name in names)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_objects_of_one_moment_share_a_call_and_get_their_own_answers() -> None:
    ports = Ports()
    answers = await _create(Bulk("port", "ports", ports.post), "a", "b", "c")
    assert [answer["port"]["id"] for answer in answers] == ["id-a", "id-b", "id-c"]
    assert ports.calls == [3]


async def test_whoever_may_not_act_any_more_is_not_taken_along() -> None:
    def refuse() -> None:
        raise Fenced

    ports = Ports()
    bulk = Bulk("port", "ports", ports.post)

    async def create(name: str, permit: Permit) -> Any:
        return await bulk.create({"port": {"name": name}}, permit)

    waiting = (create("a", lambda: None), create("stale", refuse), create("b", lambda: None))
    made, refused, other = await asyncio.gather(*waiting, return_exceptions=True)
    assert (made["port"]["id"], other["port"]["id"]) == ("id-a", "id-b")
    assert isinstance(refused, Fenced)
    assert ports.calls == [1, 1]


async def test_a_single_object_is_posted_as_it_is() -> None:
    ports = Ports()
    assert (await _create(Bulk("port", "ports", ports.post), "a"))[0]["port"]["id"] == "id-a"
    assert ports.calls == [1]


async def test_more_than_a_call_takes_are_parted() -> None:
    ports = Ports()
    names = [f"p{number}" for number in range(MOST + 1)]
    answers = await _create(Bulk("port", "ports", ports.post), *names)
    assert [answer["port"]["name"] for answer in answers] == names
    assert sorted(ports.calls) == [1, MOST]


class Slow(Ports):
    """A collection whose calls take a while."""

    async def post(self, body: Any, permit: Permit | None) -> Any:
        await asyncio.sleep(0.07)
        return await super().post(body, permit)


async def _trickle(bulk: Bulk, count: int, pause: float) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(count):
            tasks.append(group.create_task(bulk.create({"port": {"name": f"p{number}"}})))
            if number:  # the first two come at the same moment
                await asyncio.sleep(pause)
    return [task.result() for task in tasks]


async def test_while_a_bulk_is_on_its_way_more_are_gathered() -> None:
    ports = Slow()
    answers = await _trickle(Bulk("port", "ports", ports.post), 12, 0.01)
    assert [answer["port"]["id"] for answer in answers] == [f"id-p{number}" for number in range(12)]
    assert ports.calls == [2, 7, 3]


async def test_nobody_waits_longer_than_for_a_full_call_or_a_moment() -> None:
    clock, ports = asyncio.get_running_loop().time, Slow()
    bulk, began = Bulk("port", "ports", ports.post), clock()
    await _trickle(bulk, 2 * MOST, 0.0)
    assert ports.calls[1] == MOST
    assert clock() - began < 3 * 0.07 + LONGEST


async def test_single_objects_do_not_wait_for_each_other() -> None:
    clock, ports = asyncio.get_running_loop().time, Slow()
    bulk, began = Bulk("port", "ports", ports.post), clock()
    one = asyncio.create_task(_create(bulk, "a"))
    await asyncio.sleep(0.01)
    await asyncio.gather(one, _create(bulk, "b"))
    assert (ports.calls, round(clock() - began, 2)) == ([1, 1], 0.08)


async def test_one_refused_object_does_not_spoil_the_others() -> None:
    ports = Ports()
    good, bad = await _create(Bulk("port", "ports", ports.post), "a", "bad")
    assert good["port"]["id"] == "id-a"
    assert isinstance(bad, CloudConflict)
    assert ports.calls == [2, 1, 1]


async def test_a_lost_answer_is_lost_for_all_and_nothing_is_sent_again() -> None:
    ports = Ports(lossy=True)
    answers = await _create(Bulk("port", "ports", ports.post), "a", "b")
    assert all(isinstance(answer, AnswerLost) for answer in answers)
    assert ports.calls == [2]


async def test_an_answer_that_makes_no_sense_reaches_all() -> None:
    async def post(body: Any, permit: Permit | None) -> Any:
        return {"unknown": []}

    answers = await _create(Bulk("port", "ports", post), "a", "b")
    assert all(isinstance(answer, LookupError) for answer in answers)


async def test_what_a_collection_leaves_is_answered_and_not_posted() -> None:
    async def make(bodies: Any, permit: Permit) -> Any:
        return [None if each["name"] == "b" else {"id": each["name"]} for each in bodies]

    ports = Ports()
    answers = await _create(Bulk("port", "ports", ports.post, make), "a", "b", "c")
    assert answers == [{"port": {"id": "a"}}, None, {"port": {"id": "c"}}]
    assert ports.calls == []


async def test_a_caller_that_gives_up_does_not_disturb_the_others() -> None:
    ports = Ports()
    bulk = Bulk("port", "ports", ports.post)
    impatient = asyncio.create_task(bulk.create({"port": {"name": "a"}}))
    patient = asyncio.create_task(bulk.create({"port": {"name": "b"}}))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient)["port"]["id"] == "id-b"
    with pytest.raises((asyncio.CancelledError, StackdError)):
        await impatient


async def test_objects_of_different_requests_are_posted_apart_in_the_name_of_each() -> None:
    """A service's log then has each call under the id of the request that it was made for."""
    ports, ids = Ports(), []

    async def post(body: Any, permit: Permit | None) -> Any:
        ids.append(request_id())
        return await ports.post(body, permit)

    bulk = Bulk("port", "ports", post)

    async def create(name: str, **ids: str) -> Any:
        with structlog.contextvars.bound_contextvars(**ids):
            return await bulk.create({"port": {"name": name}})

    made = await asyncio.gather(
        create("a", request_id="req-1"),
        create("b", request_id="req-2", global_request_id="req-theirs"),
        create("c", request_id="req-1"),
    )
    assert [each["port"]["id"] for each in made] == ["id-a", "id-b", "id-c"]
    assert (ports.calls, ids) == ([2, 1], ["req-1", "req-theirs"])

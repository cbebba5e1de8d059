"""Watching objects on behalf of all that wait for them."""

from __future__ import annotations

import asyncio
import gc
import sys
from itertools import pairwise
from typing import Any, cast

import pytest

from stackd.clients.cloud import Cloud
from stackd.engine.execution.watchers import FEW, Watchers
from stackd.errors import CloudForbidden, CloudNotFound, ResourceFailure, StackdError, Transient
from stackd.resources.entity import Entity

SERVERS = Entity(
    *("compute", "/servers", "server", "servers"), list_path="/servers/detail", list_query={"all": "1"}
)


class Compute:
    """A service whose objects are what the test says; it counts the calls."""

    def __init__(self, *ids: str) -> None:
        self.objects = {each: {"id": each, "status": "BUILD"} for each in ids}
        self.calls: list[str] = []
        self.times: list[float] = []
        self.trouble: list[Exception] = []
        self.session = self

    def with_permit(self, permit: None) -> Compute:
        return self

    def service(self, kind: str) -> Compute:
        assert kind == "compute"
        return self

    def _called(self, path: str) -> None:
        self.calls.append(path)
        self.times.append(asyncio.get_running_loop().time())
        if self.trouble:
            raise self.trouble.pop(0)

    async def get(self, path: str) -> Any:
        self._called(path)
        found = self.objects.get(path.rpartition("/")[2])
        if found is None:
            raise CloudNotFound(path)
        return {"server": found}

    async def list_all(self, path: str, key: str, params: Any) -> Any:
        self._called(path)
        assert (key, params) == ("servers", SERVERS.list_query)
        return list(self.objects.values())


def as_cloud(compute: Compute) -> Cloud:
    """It has what watchers call of a cloud."""
    return cast("Cloud", compute)


def names(count: int) -> list[str]:
    return [f"s{index}" for index in range(count)]


async def look(cloud: Compute, *ids: str, watchers: Watchers | None = None) -> list[Any]:
    watchers = watchers or Watchers(0.001, 0.01)
    futures = [watchers.poll(as_cloud(cloud), SERVERS, each) for each in ids]
    return list(await asyncio.gather(*futures, return_exceptions=True))


async def test_many_are_seen_with_one_list() -> None:
    cloud = Compute(*names(50))
    seen = await look(cloud, *names(50))
    assert [each["id"] for each in seen] == names(50)
    assert cloud.calls == ["/servers/detail"]


async def test_few_are_read_one_by_one() -> None:
    cloud = Compute(*names(50))
    await look(cloud, *names(FEW))
    assert sorted(cloud.calls) == [f"/servers/{each}" for each in names(FEW)]


async def test_several_who_wait_for_one_object_cost_one_read() -> None:
    cloud = Compute("a")
    assert [each["id"] for each in await look(cloud, "a", "a", "a", "a", "a")] == ["a"] * 5
    assert cloud.calls == ["/servers/a"]


async def test_object_that_the_list_lacks_is_asked_for_by_itself() -> None:
    cloud = Compute(*names(FEW))
    seen = await look(cloud, *names(FEW), "gone")
    assert isinstance(seen[-1], CloudNotFound)
    assert all(isinstance(each, dict) for each in seen[:-1])
    assert cloud.calls == ["/servers/detail", "/servers/gone"]


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_refusal_reaches_all_that_it_concerns(count: int) -> None:
    cloud = Compute(*names(count))
    cloud.trouble = [CloudForbidden("no")]
    assert all(isinstance(each, CloudForbidden) for each in await look(cloud, *names(count)))


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_service_that_is_out_of_order_is_asked_again(count: int) -> None:
    cloud = Compute(*names(count))
    cloud.trouble = [Transient("busy"), Transient("busy")]
    assert [each["id"] for each in await look(cloud, *names(count))] == names(count)
    assert len(cloud.calls) == 3


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_answer_that_makes_no_sense_fails_those_who_wait_and_not_the_watch(count: int) -> None:
    cloud, watchers = Compute(*names(count)), Watchers(0.001, 0.01)
    cloud.trouble = [KeyError("servers")]
    seen = await look(cloud, *names(count), watchers=watchers)
    assert all(isinstance(each, ResourceFailure) for each in seen)
    again = await look(cloud, *names(count), watchers=watchers)
    assert not any(isinstance(each, StackdError) for each in again)


async def test_interval_grows_with_the_wait_up_to_its_bound() -> None:
    cloud, watchers = Compute("a"), Watchers(0.01, 0.04)
    for _ in range(14):
        await watchers.poll(as_cloud(cloud), SERVERS, "a")
    gaps = [after - before for before, after in pairwise(cloud.times)]
    assert gaps[0] == pytest.approx(0.01)
    assert gaps[-1] == max(gaps) == pytest.approx(0.04)
    assert gaps == sorted(gaps)


async def test_who_asks_again_a_little_later_is_no_new_one() -> None:
    cloud, watchers = Compute("a"), Watchers(0.002, 0.1)
    end = asyncio.get_running_loop().time() + 0.25
    while asyncio.get_running_loop().time() < end:
        await look(cloud, "a", watchers=watchers)
        await asyncio.sleep(0.005)
    assert len(cloud.calls) < 20  # some forty, were each look the first


async def test_who_waits_for_something_else_is_a_new_one_that_will_take_as_long() -> None:
    cloud, watchers = Compute("a"), Watchers(0.01, 10.0)
    clock = asyncio.get_running_loop().time

    async def wait(seconds: float) -> int:
        """The polls of a wait for so long."""
        end, before = clock() + seconds, len(cloud.calls)
        while clock() < end:
            await look(cloud, "a", watchers=watchers)
        watchers.end_wait(as_cloud(cloud), SERVERS, "a")
        return len(cloud.calls) - before

    assert max([await wait(0.02) for _ in range(50)]) <= 3  # the interval stays short
    long = await wait(2.0)
    assert await wait(2.0) < long / 2  # that is what it took
    before = clock()
    await look(cloud, "a", watchers=watchers)
    assert clock() - before == pytest.approx(0.5, rel=0.4)


async def test_the_wait_of_others_for_the_same_object_goes_on() -> None:
    cloud, watchers = Compute("a"), Watchers(0.01, 10.0)
    poll = watchers.poll(as_cloud(cloud), SERVERS, "a")
    watchers.end_wait(as_cloud(cloud), SERVERS, "a")
    assert (await poll)["id"] == "a"
    watchers.end_wait(as_cloud(cloud), SERVERS, "b")
    await look(cloud, "a", watchers=watchers)
    assert len(cloud.calls) == 2


async def test_who_comes_back_after_long_is_a_new_one() -> None:
    cloud, watchers = Compute("a"), Watchers(0.001, 0.05)
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.2
    while loop.time() < end:
        await look(cloud, "a", watchers=watchers)
    await asyncio.sleep(0.1)
    before = loop.time()
    await look(cloud, "a", watchers=watchers)
    assert loop.time() - before < 0.04


async def test_new_object_is_seen_soon_though_others_wait_for_long() -> None:
    cloud, watchers = Compute("old", "new"), Watchers(0.01, 10.0)
    begin = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() < begin + 0.2:
        await look(cloud, "old", watchers=watchers)
    before = asyncio.get_running_loop().time()
    await look(cloud, "old", "new", watchers=watchers)
    assert asyncio.get_running_loop().time() - before < 0.15


async def test_nobody_waiting_means_no_calls() -> None:
    cloud, watchers = Compute("a"), Watchers(0.001, 0.001)
    await look(cloud, "a", watchers=watchers)
    count = len(cloud.calls)
    await asyncio.sleep(0.02)
    assert len(cloud.calls) == count
    assert not watchers._watchers


async def test_wait_that_was_given_up_is_not_served() -> None:
    cloud, watchers = Compute("a", "b"), Watchers(0.005, 0.01)
    given_up = watchers.poll(as_cloud(cloud), SERVERS, "a")
    given_up.cancel()
    await look(cloud, "b", watchers=watchers)
    assert cloud.calls == ["/servers/b"]


async def cancel_when_reads_begin(cloud: Compute) -> None:
    watchers = Watchers(0.005, 0.01)
    watchers.poll(as_cloud(cloud), SERVERS, "a")
    [watcher] = watchers._watchers.values()
    watching, answer = watcher._task, watcher._answer
    assert watching is not None

    async def answer_and_be_cancelled(batch: Any) -> None:
        asyncio.get_running_loop().call_soon(watching.cancel)
        await answer(batch)

    watcher._answer = answer_and_be_cancelled  # type: ignore[method-assign]
    await asyncio.wait([watching])
    assert watching.cancelled()


async def test_watch_that_is_cancelled_before_its_reads_begin_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never_awaited: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", never_awaited.append)
    cloud = Compute("a")
    await cancel_when_reads_begin(cloud)
    gc.collect()
    assert cloud.calls == never_awaited == []

"""Who asks for one thing at about the same time shares a call."""

from __future__ import annotations

import asyncio

import pytest

from stackd.clients.sharing import KEPT, SharedReads
from stackd.errors import CloudNotFound


class Pools:
    """Reads that take a while; nothing is at ``/gone``."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.reads = SharedReads(self._read)

    async def _read(self, path: str) -> int:
        self.calls.append(path)
        await asyncio.sleep(1)
        if path == "/gone":
            raise CloudNotFound(path)
        return len(self.calls)


async def test_those_who_ask_within_some_seconds_share_an_answer_and_those_who_come_later_do_not() -> None:
    pools = Pools()
    paths = ["/a", "/a", "/a", "/b"]
    assert await asyncio.gather(*map(pools.reads.get, paths)) == [2, 2, 2, 2]
    assert await pools.reads.get("/a") == 2
    await asyncio.sleep(KEPT)
    assert await pools.reads.get("/a") == 3
    assert pools.calls == ["/a", "/b", "/a"]


async def test_an_error_is_not_kept() -> None:
    pools = Pools()
    for _ in range(2):
        with pytest.raises(CloudNotFound):
            await pools.reads.get("/gone")
    assert pools.calls == ["/gone", "/gone"]


async def test_an_error_is_that_of_all_who_asked() -> None:
    pools = Pools()
    told = await asyncio.gather(*(pools.reads.get("/gone") for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in told] == [CloudNotFound] * 2
    assert pools.calls == ["/gone"]


async def test_who_gives_up_does_not_disturb_the_others() -> None:
    pools = Pools()
    impatient = asyncio.create_task(pools.reads.get("/a"))
    patient = asyncio.create_task(pools.reads.get("/a"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 1
    with pytest.raises(asyncio.CancelledError):
        await impatient

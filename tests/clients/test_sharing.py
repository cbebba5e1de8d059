"""Who asks for one thing at the same moment shares a call."""

from __future__ import annotations

import asyncio

import pytest

from stackd.clients.sharing import SharedReads
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


async def test_those_who_ask_meanwhile_share_an_answer_and_those_who_come_later_do_not() -> None:
    pools = Pools()
    assert await asyncio.gather(*(pools.reads.get("/a") for _ in range(3)), pools.reads.get("/b")) == [
        2,
        2,
        2,
        2,
    ]
    assert await pools.reads.get("/a") == 3
    assert pools.calls == ["/a", "/b", "/a"]


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

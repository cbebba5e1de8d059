"""Publications of what servers are to do: they share, follow each other, and leave nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from stackd.engine.execution.publications import GATHERING, Publications


class Server:
    """What is stored for a server, and what was published of it."""

    def __init__(self) -> None:
        self.stored = 0
        self.published: list[int] = []

    async def publish(self) -> None:
        newest = self.stored
        await asyncio.sleep(1)
        self.published.append(newest)

    async def change(self, all_of_them: Publications, server: str = "one") -> None:
        self.stored += 1
        await all_of_them.join(server, self.publish)


async def test_changes_at_the_same_time_share_what_is_published() -> None:
    server, publications = Server(), Publications()
    await asyncio.gather(*(server.change(publications) for _ in range(200)))
    assert server.published == [200]


async def test_change_during_a_publication_gets_one_of_its_own() -> None:
    server, publications = Server(), Publications()
    first = asyncio.create_task(server.change(publications))
    await asyncio.sleep(0.5)
    await asyncio.gather(server.change(publications), server.change(publications))
    await first
    assert server.published == [1, 3]


async def test_failure_is_that_of_who_met_it_and_the_next_tries_again() -> None:
    publications, tries = Publications(), 0

    async def publish() -> None:
        nonlocal tries
        tries += 1
        await asyncio.sleep(1)
        if tries == 1:
            raise OSError("away")

    results = await asyncio.gather(
        *(publications.join("one", publish) for _ in range(3)), return_exceptions=True
    )
    assert [str(each) for each in results] == ["away", "None", "None"]
    assert tries == 2


async def test_servers_do_not_wait_for_each_other_and_are_forgotten() -> None:
    server, publications = Server(), Publications()
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(server.change(publications, str(name)) for name in range(5)))
    assert asyncio.get_running_loop().time() - began == pytest.approx(1 + GATHERING)
    assert not publications._begun
    assert not publications._waiting

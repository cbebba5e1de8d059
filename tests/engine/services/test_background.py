"""Work whose records are its queue."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from structlog.testing import capture_logs

from stackd.engine.services.background import Background
from stackd.errors import ServiceUnavailable
from stackd.records import now


@dataclass
class Row:
    id: str
    updated_at: datetime = field(default_factory=now)


class Desk:
    """Notes what is begun; it goes on once ``open`` is set, with a failure if there is one."""

    def __init__(self, *waiting: Row, failure: Exception | None = None) -> None:
        self.waiting, self.failure = waiting, failure
        self.begun: list[str] = []
        self.open = asyncio.Event()
        self.queue: Background[Row] = Background("row", self.work, self.listed, timedelta(seconds=30))

    async def listed(self) -> tuple[Row, ...]:
        return self.waiting

    async def work(self, row: Row) -> None:
        self.begun.append(row.id)
        await self.open.wait()
        if self.failure is not None:
            raise self.failure


async def test_a_record_is_at_work_once_in_a_process() -> None:
    desk = Desk()
    for row in (Row("a"), Row("a"), Row("b")):
        desk.queue.begin(row)
    await asyncio.sleep(0)
    assert desk.begun == ["a", "b"]
    desk.open.set()
    await asyncio.sleep(0.01)
    desk.queue.begin(Row("a"))
    await asyncio.sleep(0.01)
    assert desk.begun == ["a", "b", "a"]


async def test_what_another_process_may_be_at_work_on_is_left_to_it_but_at_a_start() -> None:
    desk = Desk(Row("new"), Row("old", now() - timedelta(seconds=31)))
    await desk.queue.resume()
    await asyncio.sleep(0)
    assert desk.begun == ["old"]
    await desk.queue.resume(every=True)
    await asyncio.sleep(0)
    assert desk.begun == ["old", "new"]
    await desk.queue.close()


async def test_unexpected_failures_are_logged_and_those_of_the_database_wait_for_the_next_sweep() -> None:
    for failure, events in ((ServiceUnavailable("away"), []), (KeyError("x"), ["background_task_failed"])):
        desk = Desk(failure=failure)
        desk.open.set()
        with capture_logs() as logged:
            desk.queue.begin(Row("a"))
            await asyncio.sleep(0.01)
        assert [each["event"] for each in logged] == events

"""Changes of a row by several at once: the one who read it before another changed it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackd.db.journal import Update
from stackd.engine.execution.versions import VersionedRow
from stackd.errors import Fenced
from stackd.records import Resource
from tests.support.engine import world
from tests.support.templates import hot


async def test_a_signal_is_not_lost_when_another_process_stores_one_meanwhile(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("one", hot({"handle": {"type": "OS::Heat::UpdateWaitConditionHandle"}}))
        await process.done(stack)
        row = (await process.rows(stack))["handle"]
        one, other = (VersionedRow(process.engine.services.journal.write, row) for _ in range(2))
        await one.write(Update(Resource, row.id, {"metadata": {"a": 1}}))
        await one.write(Update(Resource, row.id, {"metadata": {"a": 1, "b": 2}}))
        with pytest.raises(Fenced):
            await other.write(Update(Resource, row.id, {"metadata": {"c": 3}}))
        assert (await process.rows(stack))["handle"].metadata == {"a": 1, "b": 2}

"""What many software deployments on one server cost: messages to the server, rows read, writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.routers.test_cost import Rows
from tests.support.engine import World, world
from tests.support.templates import hot


@pytest_asyncio.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as one:
        yield one


def template(count: int, changed: int = -1, transport: str = "POLL_TEMP_URL") -> Any:
    source = {"type": "OS::Heat::SoftwareConfig", "properties": {"config": "up"}}
    machine = {"type": "OS::Heat::DeployedServer", "properties": {"software_config_transport": transport}}
    fixed = {
        "config": {"get_resource": "config"},
        "server": {"get_resource": "machine"},
        "signal_transport": "NO_SIGNAL",
    }

    def one(at: int) -> dict[str, Any]:
        values = {"input_values": {"text": "two" if at == changed else "one"}}
        return {"type": "OS::Heat::SoftwareDeployment", "properties": fixed | values}

    return hot({"config": source, "machine": machine} | {f"d{at}": one(at) for at in range(count)})


def sent(made: World) -> int:
    """How often the metadata of the machine were written to Swift since the counts were reset."""
    calls = made.cloud.meter.calls.items()
    return sum(number for (kind, method, _), number in calls if kind == "object-store" and method == "PUT")


async def test_change_of_one_of_200_deployments_is_one_message_and_few_rows(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with made.process() as process:
        stack = await process.create("many", template(200))
        assert (await process.done(stack)).status == "COMPLETE"
        rows = Rows(process.db, monkeypatch, everything=True)
        await process.update(stack, template(200))
        await process.done(stack)
        unchanged = rows.taken()
        made.cloud.meter.reset()
        await process.update(stack, template(200, changed=7))
        assert (await process.done(stack)).status == "COMPLETE"
        assert sent(made) == 1
        assert rows.taken() < unchanged + 3 * 200 + 50


@pytest.mark.parametrize("transport", ["POLL_TEMP_URL", "POLL_SERVER_HEAT"])
async def test_rows_and_messages_grow_in_proportion(
    made: World, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    taken: dict[int, tuple[int, int, int]] = {}
    async with made.process() as process:
        rows = Rows(process.db, monkeypatch, everything=True)
        for count in (25, 50, 200):
            made.cloud.meter.reset()
            rows.taken()
            before = process.journal.writes
            stack = await process.create(f"of-{count}", template(count, transport=transport))
            assert (await process.done(stack)).status == "COMPLETE"
            taken[count] = rows.taken(), process.journal.writes - before, sent(made)
    assert taken[200][0] < 5 * taken[50][0]
    assert taken[200][1] < 5 * taken[50][1]
    assert taken[200][2] <= (6 if transport == "POLL_TEMP_URL" else 0)

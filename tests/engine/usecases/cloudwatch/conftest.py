"""One process on a dev cloud, whose heartbeats are rare: minutes pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.alarms import unhurried
from tests.support.engine import Process, World


@pytest.fixture
async def process(stackd_world: World) -> AsyncIterator[Process]:
    unhurried(stackd_world)
    async with stackd_world.process() as made:
        yield made

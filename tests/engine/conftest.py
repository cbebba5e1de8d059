"""A dev cloud and an empty database for each test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from tests.support.engine import World, world
from tests.support.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Time is virtual here: no test waits for a timer."""
    return {"virtual": VirtualTimeLoop}


@pytest.fixture
async def stackd_world(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made

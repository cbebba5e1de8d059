"""A dev cloud and an empty database for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.engine import World, world


@pytest.fixture
async def stackd_world(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made

"""What holds for every test: time is virtual, and slow machines fail nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import HealthCheck, settings

from tests.support.database import still_databases
from tests.support.virtual_time import VirtualTimeLoop
from tests.support.waiting import worker_time

settings.register_profile("stackd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("stackd")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every asynchronous test runs on a loop whose time passes by jumps."""
    return {"virtual": VirtualTimeLoop}


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Virtual time stands still while a database works, and workers have time for what ends at all."""
    with still_databases(), worker_time(60):
        yield

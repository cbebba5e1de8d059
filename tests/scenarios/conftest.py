"""Assertions of the helpers are explained as those of the tests are; time is virtual."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.support.virtual_time import VirtualTimeLoop

pytest.register_assert_rewrite("tests.scenarios.story")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Time is virtual here: no test waits for a timer."""
    return {"virtual": VirtualTimeLoop}

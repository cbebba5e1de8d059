"""The native API in process, as the tests of the routers have it, with stacks that may be abandoned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from stackd.app import Parts
from tests.routers.conftest import api, client, served
from tests.support.engine import world

__all__ = ["api", "client", "parts"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parts(tmp_path_factory: Any) -> AsyncIterator[Parts]:
    """The wired process, with the settings of the Heat that was asked."""
    async with world(tmp_path_factory.mktemp("stories")) as made, served(made) as started:
        allowed = {"enable_stack_abandon": True, "enable_stack_adopt": True}
        started.engine.limits = started.engine.limits.model_copy(update=allowed)
        yield started

"""The server under attack is a process of its own, whose time is real."""

import asyncio
from collections.abc import Callable, Mapping


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The time of the attackers is that of the server."""
    return {"real": asyncio.new_event_loop}

"""What holds for every test: time is virtual, and slow machines fail nothing."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from unittest import mock

import pytest
import structlog
from hypothesis import HealthCheck, settings

from stackd import offload
from tests.support.database import (
    OPENERS,
    POSTGRES_URL,
    dropped_schemas,
    forbid_opening,
    still_databases,
)
from tests.support.reach import reaches
from tests.support.sqlite import spare_threads_and_disk
from tests.support.virtual_time import StillPool, VirtualTimeLoop
from tests.support.waiting import worker_time

sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # httpx looks for it at every request
settings.register_profile("stackd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("stackd")
pytest.register_assert_rewrite("tests.scenarios")  # the helpers' assertions are explained as the tests' are

VirtualTimeLoop.longest = 3.0 if POSTGRES_URL else None
"""What a dead process has of the database is waited for: within limits, of which some are the loop's."""

_ON_POSTGRES = ("tests/db/",) if POSTGRES_URL else ()
REAL_TIME = ("tests/aws/", "tests/hostile/", "tests/test_app.py", *_ON_POSTGRES)
"""Tests of a server that listens, and of locks in one: they wait for what no loop of ours can count."""

REAL_DATABASE = ("tests/db/", *REAL_TIME)
"""Tests of what SQLite does with threads and the disk, and of processes that share a file."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every other asynchronous test runs on a loop whose time passes by jumps."""
    if item.path.relative_to(item.config.rootpath).as_posix().startswith(REAL_TIME):
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}


gc.disable()  # while tests are found, of which nothing becomes garbage


def pytest_collection_finish() -> None:
    """What was found stays to the end: the collector of garbage does not look through it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


@pytest.hookimpl(tryfirst=True)  # before markers are selected
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what opens a database, and begin with the longest test, so that no process waits for it."""
    for item in items:
        if reaches(item, *OPENERS):
            item.add_marker("database")
    items.sort(key=lambda item: "hostile" not in item.path.parts)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let only a test that is known to open a database do so: the others are not tried on PostgreSQL."""
    known = item.get_closest_marker("database") is not None
    forbid_opening("" if known else f"{item.name} needs the marker: database")
    spare_threads_and_disk(not item.nodeid.startswith(REAL_DATABASE))


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Virtual time stands still while a database or a thread works; workers have time to end at all."""
    _log_plainly()
    threads = mock.patch.object(offload, "_POOL", StillPool(4))
    with dropped_schemas(), still_databases(), threads, worker_time(60):
        yield


def _log_plainly() -> None:
    """Write lines as a server does: what structlog has for terminals takes three times as long."""
    from stackd.serving import Stamp, plain_line  # the process that only distributes tests needs no server

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            Stamp(),
            structlog.processors.format_exc_info,
            plain_line,
        ]
    )

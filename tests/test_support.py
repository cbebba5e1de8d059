"""The fakes of the tests are called as what they stand for, and their time passes when nothing works."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import threading

import pytest

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.clients.service import Service
from stackd.offload import in_thread
from stackd.resources.context import Context
from tests.support.context import FakeCloud, FakeContext, FakeFinder, FakeService
from tests.support.database import OPENERS, database_url
from tests.support.virtual_time import VirtualTimeLoop, standing_still


def methods(cls: type) -> dict[str, object]:
    return {
        name: member
        for name, member in vars(cls).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def shape(function: object) -> tuple[bool, list[tuple[str, str, object]]]:
    """Whether it is awaited, and its arguments."""
    assert callable(function)
    arguments = inspect.signature(function).parameters.values()
    named = [(each.name, each.kind.name, each.default) for each in arguments]
    return inspect.iscoroutinefunction(function), named


@pytest.mark.parametrize(
    ("fake", "real"),
    [(FakeCloud, Cloud), (FakeService, Service), (FakeFinder, Finder), (FakeContext, Context)],
)
def test_fake_has_the_signatures_of_what_it_stands_for(fake: type, real: type) -> None:
    meant = methods(real)
    shared = {name: shape(member) for name, member in methods(fake).items() if name in meant}
    assert shared == {name: shape(meant[name]) for name in shared}
    assert shared


def test_fake_context_has_all_that_a_context_has() -> None:
    ctx = FakeContext("OS::Heat::None", physical="id")
    declared = {name for base in Context.__mro__ for name in vars(base).get("__annotations__", {})}
    defined = {name for base in Context.__mro__ for name in vars(base) if not name.startswith("_")}
    assert {name for name in declared | defined if not hasattr(ctx, name)} == set()
    assert methods(FakeContext).keys() >= methods(Context).keys()


async def test_virtual_time_stands_still_while_a_thread_computes() -> None:
    loop = asyncio.get_running_loop()
    began, end = loop.time(), loop.create_task(asyncio.sleep(1))
    await in_thread(threading.Event().wait, 0.02)
    assert loop.time() == began
    await end
    assert loop.time() == began + 1


async def test_virtual_time_goes_on_when_what_is_outside_waits_for_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(VirtualTimeLoop, "longest", 0.01)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with standing_still(), pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.Event().wait()
    assert loop.time() == began + 5


class Opener:
    """Comes to a database in a method."""

    @staticmethod
    def way() -> object:
        return database_url


def opener() -> type[Opener]:
    return Opener


def test_what_comes_to_a_database_by_the_names_in_its_code_is_marked(request: pytest.FixtureRequest) -> None:
    assert opener().way() in OPENERS
    assert request.node.get_closest_marker("database") is not None


async def test_what_opens_a_database_and_is_not_marked_is_refused(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("database") is None
    module = importlib.import_module("tests.support.database")
    for opens in map(vars(module).get, ("database_url", "ready_database_url")):
        assert callable(opens)
        with pytest.raises(AssertionError, match="needs the marker: database"):
            await opens().__aenter__()

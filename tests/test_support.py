"""The fakes of the tests are called as what they stand for, and their time passes when nothing works."""

from __future__ import annotations

import asyncio
import inspect
import threading

import pytest

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.clients.service import Service
from stackd.offload import in_thread
from stackd.resources.context import Context
from tests.support.context import FakeCloud, FakeContext, FakeFinder, FakeService


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

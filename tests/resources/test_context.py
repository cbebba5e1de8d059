"""The fakes that types are called with have exactly the signatures of what they stand for."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.clients.service import Service
from stackd.engine.execution.resource_context import ResourceContext
from stackd.resources.context import Context
from tests.support.context import FakeCloud, FakeContext, FakeFinder, FakeService


def methods(kind: type[Any]) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(each) for name, each in found if not name.startswith("_")}


@pytest.mark.parametrize(
    ("fake", "real"),
    [(FakeContext, Context), (ResourceContext, Context), (FakeService, Service), (FakeFinder, Finder)],
)
def test_stand_in_has_the_signatures_of_the_real_one(fake: type[Any], real: type[Any]) -> None:
    wanted = methods(real)
    assert {name: methods(fake).get(name) for name in wanted} == wanted


def test_fake_cloud_answers_to_what_the_real_one_does() -> None:
    shared = methods(FakeCloud).keys() & methods(Cloud).keys()
    assert shared == {"service", "has_service"}
    names = {name: list(each.parameters) for name, each in methods(FakeCloud).items()}
    assert {name: names[name] for name in shared} == {
        name: list(each.parameters) for name, each in methods(Cloud).items() if name in shared
    }


def test_fake_context_has_all_that_a_context_has() -> None:
    ctx = FakeContext("OS::Heat::None", physical="id")
    assert all(hasattr(ctx, name) for name in _members())


def _members() -> set[str]:
    return {name for base in Context.__mro__ for name in vars(base).get("__annotations__", {})} | {
        name for name, each in inspect.getmembers(Context) if isinstance(each, property)
    }

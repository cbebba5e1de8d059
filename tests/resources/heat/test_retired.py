"""Retired types: templates with them are taken, and their resources live and go without a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stackd.engine.usecases import resource_queries, resource_types
from stackd.engine.usecases.queries import Reader
from stackd.errors import NotSupported
from stackd.records import Status
from stackd.resources.heat.retired import RETIRED, history
from stackd.resources.operator_environment import ALIASES
from stackd.resources.registry import load_registry
from tests.support.actions import resource, state, template
from tests.support.context import FakeContext
from tests.support.engine import World, world

REGISTRY = load_registry()


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as each:
        yield each


@pytest.mark.parametrize("name", sorted(RETIRED))
async def test_retired_type_takes_anything_asks_nobody_and_is_not_listed(name: str) -> None:
    ctx = FakeContext(name)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.type.any_properties
    assert ctx.type.reference(ctx.resource) == ctx.physical_id
    assert ctx.cloud.calls == []
    assert list(REGISTRY.matching(f"{name}$")) == []
    assert (ctx.type.support.message or "") in ctx.type.description


def test_history_begins_with_support_unless_it_says_otherwise() -> None:
    last = history("5.0.0 DEPRECATED 6.0.0 HIDDEN 7.0.0", "Use something else.")
    assert last is not None
    assert last.previous is not None
    assert last.previous.previous is not None
    assert (last.status, last.version, last.message) == ("HIDDEN", "7.0.0", "Use something else.")
    assert (last.previous.status, last.previous.version) == ("DEPRECATED", "6.0.0")
    assert (last.previous.previous.status, last.previous.previous.message) == ("SUPPORTED", None)
    first = history("UNSUPPORTED 5.0.0", "")
    assert first is not None
    assert (first.status, first.previous) == ("UNSUPPORTED", None)


async def test_stack_of_retired_types_lives_and_goes(made: World) -> None:
    old = {f"r{at}": resource(name, anything=[at]) for at, name in enumerate(sorted(RETIRED))}
    other = {f"r{at}": resource(name, otherwise={"a": at}) for at, name in enumerate(sorted(RETIRED))}
    shown = {
        "outputs": {"it": {"value": {"get_attr": ["r0", "show"]}}, "id": {"value": {"get_resource": "r0"}}}
    }
    async with made.process() as process:
        stack = await process.done(await process.create("s", template(**old) | shown))
        assert stack.status is Status.COMPLETE, stack.reason
        before = {name: row.physical_id for name, row in (await process.rows(stack)).items()}
        assert await process.outputs(stack) == {"it": None, "id": before["r0"]}
        stack = await process.done(await process.update(stack, template(**other) | shown))
        assert state(stack) == "UPDATE_COMPLETE"
        assert {name: row.physical_id for name, row in (await process.rows(stack)).items()} == before
        seen, *_ = await resource_queries.show(Reader(process.engine), process.caller, stack, "r0")
        assert seen.resource.kind == min(RETIRED)
        assert made.counts() == {}
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"


@pytest.mark.parametrize("name", ["OS::Sahara::Cluster", "OS::Vitrage::Template"])
async def test_retired_type_is_not_shown(made: World, name: str) -> None:
    async with made.process() as process:
        for ask in (resource_types.show, resource_types.generate_template):
            with pytest.raises(NotSupported, match=f"{name} is not supported"):
                await ask(process.engine, process.caller, name)


RULE = {"aggregation_method": "mean", "threshold": 1}
ALARMS: dict[str, dict[str, Any]] = {
    "OS::Ceilometer::CombinationAlarm": {"alarm_ids": ["a"]},
    "OS::Ceilometer::GnocchiAggregationByMetricsAlarm": {**RULE, "metrics": ["m"]},
    "OS::Ceilometer::GnocchiAggregationByResourcesAlarm": {
        **RULE,
        **{"metric": "cpu", "resource_type": "instance", "query": "{}"},
    },
    "OS::Ceilometer::GnocchiResourcesAlarm": {
        **RULE,
        **{"metric": "cpu", "resource_type": "instance", "resource_id": "i"},
    },
}


async def test_former_names_of_alarms_make_alarms(made: World) -> None:
    parts = {f"a{at}": resource(name, **properties) for at, (name, properties) in enumerate(ALARMS.items())}
    async with made.process() as process:
        stack = await process.done(await process.create("s", template(**parts)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert made.counts() == {"alarms": 3}
        assert {row.kind for row in (await process.rows(stack)).values()} == {
            ALIASES[name] for name in ALARMS
        }
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"
        assert made.counts() == {}


@pytest.mark.parametrize("name", ["OS::Ceilometer::Alarm", "OS::Metering::Alarm"])
async def test_former_names_of_threshold_alarms_mean_the_type_of_today(made: World, name: str) -> None:
    alarm = resource(name, meter_name="cpu", threshold=1)
    async with made.process() as process:
        stack = await process.done(await process.create("s", template(a=alarm)))
        assert (await process.rows(stack))["a"].kind == "OS::Aodh::Alarm"

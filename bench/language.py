"""What it costs to read, check and plan a template, stage by stage and through the API."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from bench.processes import System, loop_lags, system
from bench.results import Result
from bench.templates import as_yaml, estate, nested
from stackd.app import SWITCH, calm_collector
from stackd.engine.definition.desired import Desired, Source, build, load_source, loaded_properties
from stackd.engine.definition.documents import offloaded
from stackd.engine.planning.inputs import Inputs, StoredStack
from stackd.engine.planning.make import make_plan
from stackd.engine.planning.ordering import target_of
from stackd.engine.planning.plan import Plan
from stackd.engine.usecases.requests import check
from stackd.engine.usecases.validate import check as findings
from stackd.records import Action, Definition, Resource, Stack, Status
from stackd.resources.registry import load_registry
from stackd.settings import Limits
from stackd.template import Limits as ParseLimits
from stackd.template import StackIdentity, load_template, parse_text
from stackd.template.environment import load_environment

_ROOM = Limits(max_resources_per_stack=-1, max_template_size=64 * 1024 * 1024)
_PARSE = ParseLimits(max_bytes=_ROOM.max_template_size, max_nodes=50_000_000)
_WHO = StackIdentity("project", "estate", "00000000-0000-0000-0000-000000000001")
_BARS = {1000: 0.5, 10000: 6.0}
_PLAN_BARS = {1000: 0.5}
_LAGS = {1000: 10.0, 10000: 50.0}
_PROBE = {"STACKD_ENGINE__LAG_PROBE": "true", "STACKD_LOG__LEVEL": "info", "STACKD_LOG__FORMAT": "json"}
_ATTRIBUTES = {
    "first_address": "10.0.0.9",
    "gateway_ip": "10.0.0.1",
    "fixed_ips": [{"ip_address": "10.0.0.9"}],
    "value": "registry.example",
}

_STACK = Stack(
    id=_WHO.stack_id,
    project_id=_WHO.project_id,
    name=_WHO.stack_name,
    owner="bench",
    user_id="bench",
    action=Action.CREATE,
    status=Status.COMPLETE,
    reason="",
    definition=Definition(),
    root_id=_WHO.stack_id,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)

T = TypeVar("T")


async def language(quick: bool) -> list[Result]:
    """All stages for templates of several sizes, then previews through the API."""
    calm_collector()
    sys.setswitchinterval(SWITCH)
    results: list[Result] = [Result("calibration loop", calibration() * 1000, "ms")]
    for count in (100, 1000) if quick else (100, 1000, 10000):
        results += await _Stages(count).run()
    results += await _wide(20 if quick else 100, 10)
    async with system(settings=_PROBE) as target:
        await _previewed(target, "the first", estate(10), 0.0)
        for count in (1000,) if quick else (1000, 10000):
            data = estate(count)
            results += await _previewed(target, f"{count} as YAML", as_yaml(data), _LAGS[count])
            results += await _previewed(target, f"{count} as JSON", data, _LAGS[count])
        results.append(Result("peak memory of the server that showed previews", target.memory.peak, "MB"))
    return results


def calibration() -> float:
    """Seconds that a fixed piece of plain Python takes here: what other numbers are divided by."""
    begun = time.thread_time()
    table: dict[str, int] = {}
    for number in range(200_000):
        key = f"k{number % 997}"
        table[key] = table.get(key, 0) + len(key)
    return time.thread_time() - begun


async def timed(function: Callable[[], T]) -> tuple[T, float, float]:
    """The result of a function that runs off the loop, its seconds, and the longest the loop was late.

    Neither counts what other processes took from this one meanwhile: the seconds are the thread's own.
    """
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before, computed = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.002)
            late = time.perf_counter() - before - 0.002
            longest = max(longest, min(late, time.process_time() - computed))

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.01)

    def measured() -> tuple[T, float]:
        begun = time.thread_time()
        return function(), time.thread_time() - begun

    result, seconds = await offloaded(10**9, measured)
    watcher.cancel()
    return result, seconds, longest


class _Stages:
    """One template on its way from text to plan."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.unit = calibration()
        self.results: list[Result] = []
        self.registry = load_registry()
        self.inputs = Inputs(self.registry, _identify)

    async def run(self) -> list[Result]:
        """Every stage, and the sum of those that a request passes."""
        data = estate(self.count)
        text, flat = as_yaml(data), json.dumps(data)
        await self.stage("parse JSON", lambda: parse_text(flat, _PARSE))
        document = await self.stage("parse YAML", lambda: parse_text(text, _PARSE))
        template = await self.stage("load", lambda: load_template(document, limits=_PARSE))
        source = Source(template, load_environment(None), {})
        desired: Desired = await self.stage("evaluate and graph", lambda: build(source, _WHO, self.registry))
        await self.stage("validate (all mistakes)", lambda: findings(source, self.registry, _ROOM))
        await self.stage("check", lambda: check(source, _WHO, self.registry, _ROOM, name="estate"))
        await self.stage("plan create", lambda: make_plan(desired, None, Action.CREATE, self.inputs))
        passed = ("parse YAML", "load", "check", "plan create")
        total = sum(each.value for each in self.results if each.name.partition(": ")[2] in passed)
        lag = max(each.detail["loop_late_ms"] for each in self.results)
        of = f"{self.count} resources, {len(text) // 1000} kB"
        self.results.append(Result(f"{of}: parse, check, plan", total, "s", _BARS.get(self.count)))
        self.results.append(Result(f"{of}: event loop's longest lag", lag, "ms", _LAGS.get(self.count)))
        await self.updates(desired)
        return self.results

    async def updates(self, desired: Desired) -> None:
        """What plans of updates cost, with 1 % changed and with none."""
        stored = StoredStack(_STACK, _rows(desired))
        plan: Plan = await self.stage("plan update, unchanged", lambda: self.planned(desired, stored))
        if not plan.is_empty:
            raise RuntimeError(f"the plan of an unchanged definition: {next(plan.changes())}")
        bar, unchanged = _PLAN_BARS.get(self.count), self.results[-1].value
        self.results.append(Result(f"{self.count} unchanged resources: plan", unchanged, "s", bar))
        changed = load_source(estate(self.count, 0.01), None, {})
        other = build(changed, _WHO, self.registry)
        plan = await self.stage("plan update, 1 % changed", lambda: self.planned(other, stored))
        await self.stage("plan update, 1 % changed: stored form", plan.to_data)

    def planned(self, desired: Desired, stored: StoredStack) -> Plan:
        """The plan of an update."""
        return make_plan(desired, stored, Action.UPDATE, self.inputs)

    async def stage(self, name: str, function: Callable[[], T]) -> T:
        """Measure one stage."""
        gc.collect()
        result, seconds, late = await timed(function)
        detail = {"loop_late_ms": late * 1000, "calibrated": seconds / self.unit}
        self.results.append(Result(f"{self.count} resources: {name}", seconds, "s", detail=detail))
        return result


def _identify(template: Any, environment: Any, files: str) -> Definition:
    """No stack is inside: nothing has to be told apart."""
    return Definition(files=files)


def _rows(desired: Desired) -> list[Resource]:
    """The resources of a stack that was made from the definition."""
    scope = desired.scope({})
    made = datetime(2026, 1, 1, tzinfo=UTC)
    rows = []
    for number, name in enumerate(desired.resources):
        kind = desired.types[name]
        row = Resource(
            id=f"row-{number}",
            stack_id=_WHO.stack_id,
            root_id=_WHO.stack_id,
            name=name,
            type=kind.written,
            kind=kind.name,
            created_at=made,
            action=Action.CREATE,
            status=Status.COMPLETE,
            physical_id=f"id-{number}",
            requires=tuple(sorted(desired.requires[name])),
            applied_from=target_of(desired.definition),
            metadata=desired.metadata(name, scope),
            attributes=_ATTRIBUTES,
        )
        rows.append(row)
    known: dict[str, Any] = {row.name: row for row in rows}
    real = desired.scope(known)
    return [replace(row, properties=loaded_properties(desired, row.name, real).data) for row in rows]


async def _wide(groups: int, members: int) -> list[Result]:
    """A template of groups of a nested template."""
    data, files = nested(groups, members)
    source = load_source(data, None, files)
    registry = load_registry()
    checked, seconds, late = await timed(lambda: check(source, _WHO, registry, _ROOM, name="wide"))
    count = checked.expanded.count()
    return [
        Result(f"{count} resources in nested groups: check", seconds, "s"),
        Result(f"{count} resources in nested groups: event loop's longest lag", late * 1000, "ms"),
    ]


async def _previewed(target: System, what: str, template: Any, bar: float) -> list[Result]:
    """A preview through the API: the request's seconds, and how late the server's loop was."""
    body = json.dumps({"stack_name": "estate", "template": template})
    headers = {**target.headers, "Content-Type": "application/json"}
    seen = len(loop_lags(target.log.read_text()))
    begun = time.perf_counter()
    async with target.http.post(f"{target.base}/stacks/preview", data=body, headers=headers) as answer:
        text = await answer.text()
        if answer.status != 200:
            raise RuntimeError(f"preview of {what}: HTTP {answer.status}: {text[:2000]}")
    seconds = time.perf_counter() - begun
    await asyncio.sleep(1.2)
    late = max(loop_lags(target.log.read_text())[seen:], default=0.0)
    return [
        Result(f"preview of {what} through the API", seconds, "s", detail={"answer_bytes": len(text)}),
        Result(f"preview of {what} through the API: event loop's longest lag", late, "ms", bar),
    ]

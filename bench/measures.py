"""What is measured: each function starts what it needs and returns its numbers."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.alarms import alarms
from bench.bulk import CONCURRENCY, LATENCY, bulk, counted
from bench.language import language
from bench.processes import loop_lags, stop, system
from bench.requests import requests
from bench.results import Result
from bench.scaling import scaling
from bench.stacks import PATIENCE, chain, create, many, stack_url
from bench.types import types
from tests.hostile.attack import attacked
from tests.hostile.requests import hostile_requests

T = TypeVar("T")
Measure = Callable[[bool], Awaitable[list[Result]]]


async def overhead(quick: bool) -> list[Result]:
    """What the engine itself costs for each resource that does nothing, everything durable."""
    results = []
    async with system() as target:
        await create(target, "warm", many(10, "OS::Heat::TestResource"))
        for count in (1, 10, 100, 1000) if quick else (1, 10, 100, 1000, 10000):
            repeats = 5 if count <= 10 else 1
            seconds = min(
                [
                    await create(target, f"n{count}-{turn}", many(count, "OS::Heat::TestResource"))
                    for turn in range(repeats)
                ]
            )
            bar = 1.0 if count >= 1000 else None
            results.append(Result(f"create {count} × TestResource, each", seconds / count * 1000, "ms", bar))
        for kind, properties in (("OS::Heat::RandomString", {}), ("OS::Heat::Value", {"value": "x"})):
            seconds = await create(target, f"k{kind.rpartition(':')[2]}", many(1000, kind, properties))
            results.append(Result(f"create 1000 × {kind.rpartition(':')[2]}, each", seconds, "ms", 1.0))
        if not quick:
            results.append(Result("peak memory, 10,000 resources", target.memory.peak, "MB", 300.0))
    return results


async def depth(quick: bool) -> list[Result]:
    """What a step costs when nothing can run beside it."""
    length = 100
    async with system() as target:
        await create(target, "warm", chain(3))
        seconds = min(
            [await create(target, f"chain{turn}", chain(length)) for turn in range(1 if quick else 3)]
        )
    return [Result(f"chain of {length}, each", seconds / length * 1000, "ms")]


async def stacks(quick: bool) -> list[Result]:
    """Many small stacks at once."""
    count = 10 if quick else 50
    async with system() as target:
        await create(target, "warm", many(1, "OS::Heat::TestResource"))
        body = many(10, "OS::Heat::TestResource")
        begun = time.perf_counter()
        single = await asyncio.gather(*(create(target, f"s{number}", body) for number in range(count)))
        seconds = time.perf_counter() - begun
    return [
        Result(f"{count} stacks × 10 at once, in all", seconds, "s"),
        Result(f"{count} stacks × 10 at once, slowest", max(single), "s"),
    ]


async def bound(quick: bool) -> list[Result]:
    """How near a slow cloud's bound the walk comes, when one call makes one network."""
    count = 200 if quick else 1000
    async with system(LATENCY, {"STACKD_CLIENTS__MAX_CONCURRENCY": str(CONCURRENCY)}) as target:
        await create(target, "warm", many(1, "OS::Neutron::Net"))
        seconds, calls = await counted(target, create(target, "nets", many(count, "OS::Neutron::Net")))
    least = count * LATENCY / CONCURRENCY
    detail = {
        "seconds": seconds,
        "bound": least,
        "calls": calls["total"],
        "in_flight": calls["max_in_flight"],
    }
    return [
        Result(f"{count} networks at 50 ms, wall ÷ bound", seconds / least, "×", 1.05, detail=detail),
        Result(f"{count} networks, calls to the cloud", calls["total"], "calls"),
    ]


async def reads(quick: bool) -> list[Result]:
    """Reads by 16 clients, of a server at rest and of one that creates 10,000 resources."""
    seconds = 2.0 if quick else 5.0
    size = 1000 if quick else 10000
    results = []
    async with system() as target:
        for number in range(20):
            await create(target, f"s{number}", many(2, "OS::Heat::TestResource"))
        one, twenty = await stack_url(target, "s0"), f"{target.base}/stacks?limit=20"
        for name, url in (("GET stack", one), ("list of 20", twenty)):
            report, _ = await under_load(target.token, url, asyncio.sleep(seconds))
            results.append(Result(f"{name}, 16 clients", report["per_second"], "/s", 2000.0, True, report))
        large = create(target, "large", many(size, "OS::Heat::TestResource"))
        report, taken = await under_load(target.token, one, large)
        name = f"GET stack, 16 clients, while {size} resources are created"
        results.append(Result(name, report["per_second"], "/s", detail=report | {"create_seconds": taken}))
        results.append(Result(f"{name}, p99", report["p99_ms"], "ms", 50.0))
    return results


async def fairness(quick: bool) -> list[Result]:
    """How much longer than the usual one the slowest of 100 large answers takes, for 16 clients."""
    seconds, size = (2.0, 100) if quick else (10.0, 500)
    results = []
    async with system() as target:
        for number in range(size * 2 // 5):
            await create(target, f"s{number}", many(1, "OS::Heat::TestResource"))
        await create(target, "large", many(size, "OS::Heat::TestResource"))
        resources = f"{await stack_url(target, 'large')}/resources"
        for name, url in (
            (f"list of {size * 2 // 5}", f"{target.base}/stacks"),
            (f"resources of {size}", resources),
        ):
            report, _ = await under_load(target.token, url, asyncio.sleep(seconds))
            ratio = report["p99_ms"] / report["p50_ms"]
            results.append(Result(f"{name}, 16 clients, p99 ÷ p50", ratio, "×", 3.0, detail=report))
    return results


async def hostile(quick: bool) -> list[Result]:
    """How long a small request waits while others try to stop the server: one healthcheck every 20 ms."""
    requests = hostile_requests()[:: 5 if quick else 1]
    with tempfile.TemporaryDirectory(prefix="stackd-bench-") as directory:
        async with attacked(Path(directory)) as attack:
            await attack.create_target()
            before = attack.memory()
            url = f"{attack.server.url}/healthcheck"
            work = attack.send_all(requests)
            report, answers = await under_load(attack.token, url, work, clients=1, pause=0.02)
            memory, stall = attack.memory("VmHWM") - before, max(attack.stalls())
    broken = [repr(answer) for answer in answers if answer.is_wrong]
    return [
        Result("healthcheck under attack, longest", report["max_ms"], "ms", 250.0, detail=report),
        Result("event loop's longest stall under attack", stall, "ms CPU", 50.0),
        Result("memory under attack", memory, "MB more", 200.0),
        Result("hostile requests answered wrongly", len(broken), "", 0.0, detail={"answers": broken}),
    ]


async def lag(quick: bool) -> list[Result]:
    """How long a small request waits while a large stack is created: one healthcheck every 10 ms."""
    size = 1000 if quick else 10000
    probe = {"STACKD_ENGINE__LAG_PROBE": "true", "STACKD_LOG__LEVEL": "info", "STACKD_LOG__FORMAT": "json"}
    async with system(settings=probe) as target:
        url = f"{target.url}/healthcheck"
        large = create(target, "large", many(size, "OS::Heat::TestResource"))
        report, taken = await under_load(target.token, url, large, clients=1, pause=0.01)
        seen = loop_lags(target.log.read_text())
    name = f"healthcheck while {size} resources are created"
    return [
        Result(f"{name}, p99", report["p99_ms"], "ms", 50.0, detail=report | {"create_seconds": taken}),
        Result(f"{name}, longest", report["max_ms"], "ms"),
        *([Result(f"event loop's longest lag, {size} resources", max(seen), "ms")] if seen else []),
    ]


async def under_load(
    token: str, url: str, work: Awaitable[T], clients: int = 16, pause: float = 0.0
) -> tuple[dict[str, Any], T]:
    """Read the URL, from another process, for as long as the work takes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.readers", url, token),
        *("--clients", str(clients), "--pause", str(pause), "--seconds", str(PATIENCE)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        done = await work
        output, _ = await asyncio.wait_for(process.communicate(b""), PATIENCE)  # closing its input ends it
    finally:
        await stop(process)
    report: dict[str, Any] = json.loads(output)
    if set(report["statuses"]) - {"200"}:
        raise RuntimeError(f"{url} was answered with {report['statuses']}")
    return report, done


async def start(quick: bool) -> list[Result]:
    """How soon a new process answers, and what it needs when idle."""
    results = []
    for _ in range(1 if quick else 3):
        async with system() as target:
            results.append((target.cold_start, target.memory.idle))
    return [
        Result("cold start, empty database", min(seconds for seconds, _ in results), "s", 1.0),
        Result("memory when idle", min(memory for _, memory in results), "MB"),
    ]


MEASURES: Mapping[str, Measure] = {
    "start": start,
    "template": language,
    "overhead": overhead,
    "chain": depth,
    "stacks": stacks,
    "bound": bound,
    "bulk": bulk,
    "scaling": scaling,
    "alarms": alarms,
    "types": types,
    "reads": reads,
    "requests": requests,
    "lag": lag,
    "fairness": fairness,
    "hostile": hostile,
}

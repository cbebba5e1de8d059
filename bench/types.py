"""What the resource types cost: the list of them, a schema, and memory before and after all are loaded."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from bench.processes import System, system
from bench.results import Result


async def types(quick: bool) -> list[Result]:
    """The first and the following lists, then the schemas of all types, over and over."""
    schemas = 500 if quick else 10_000
    async with system() as target:
        idle = target.memory.idle
        first, names = await _timed(target, "/resource_types")
        again = min([(await _timed(target, "/resource_types"))[0] for _ in range(20)])
        listed = target.memory.peak
        names = [
            each["resource_type"] if isinstance(each, dict) else each for each in names["resource_types"]
        ]
        paths = [f"/resource_types/{quote(name)}" for name in names]
        loading = [(await _timed(target, path))[0] for path in paths]
        begun = time.perf_counter()
        for number in range(schemas):
            await _timed(target, paths[number % len(paths)])
        seconds = time.perf_counter() - begun
        loaded = target.memory.peak
    return [
        Result("memory when idle", idle, "MB", 110.0),
        Result(f"list of {len(names)} types, the first", first * 1000, "ms"),
        Result(f"list of {len(names)} types, another", again * 1000, "ms"),
        Result("memory after the list", listed, "MB"),
        Result("schema of a type that is not loaded, the slowest", max(loading) * 1000, "ms"),
        Result(f"{schemas} schemas, one after the other", schemas / seconds, "/s"),
        Result("memory with all types loaded", loaded, "MB"),
    ]


async def _timed(target: System, path: str) -> tuple[float, Any]:
    begun = time.perf_counter()
    async with target.http.get(f"{target.base}{path}", headers=target.headers) as answer:
        body = await answer.json()
        if answer.status != 200:
            raise RuntimeError(f"{path}: HTTP {answer.status}: {body}")
    return time.perf_counter() - begun, body

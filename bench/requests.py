"""CPU of single requests: what the server used for some hundred of each kind, divided by their number."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from bench.processes import System, system
from bench.results import Result, percentile

_LARGE = 500
_LISTED = 200
_VALIDATED = 100
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request."""

    name: str
    method: str
    url: str
    body: Any = None


def _template(count: int) -> dict[str, Any]:
    resources = {f"r{number}": {"type": "OS::Heat::TestResource"} for number in range(count)}
    return {"heat_template_version": "2018-08-31", "resources": resources}


async def requests(quick: bool) -> list[Result]:
    """What each kind of read and validation costs, and how long the creation of a small stack is answered."""
    times = 30 if quick else 200
    async with system() as target:
        small, large = await _stack(target, "small", 1), await _stack(target, "large", _LARGE)
        for number in range(_LISTED - 2):
            await _post(target, f"s{number}", 1)
        await _rest(target)
        results = [await _cpu(target, kind, times) for kind in _kinds(target, small, large)]
        answers = sorted([(await _post(target, f"p{number}", 1))[1] for number in range(times)])
    took = percentile(answers, 0.5)
    return [*results, Result("POST of one resource, warm token, p50", took, "ms", 60.0)]


def _kinds(target: System, small: str, large: str) -> list[Kind]:
    return [
        Kind("stack show", "GET", small),
        Kind("resource show, stack of 1", "GET", f"{small}/resources/r0"),
        Kind(f"resource show, stack of {_LARGE}", "GET", f"{large}/resources/r250"),
        Kind(f"resource metadata, stack of {_LARGE}", "GET", f"{large}/resources/r250/metadata"),
        Kind(f"resource list of {_LARGE}", "GET", f"{large}/resources"),
        Kind("20 events of 1,000", "GET", f"{large}/events?limit=20"),
        Kind("stack list of 20", "GET", f"{target.base}/stacks?limit=20"),
        Kind(f"stack list of {_LISTED}", "GET", f"{target.base}/stacks?limit={_LISTED}"),
        Kind("validate 1", "POST", f"{target.base}/validate", {"template": _template(1)}),
        Kind(
            f"validate {_VALIDATED}", "POST", f"{target.base}/validate", {"template": _template(_VALIDATED)}
        ),
    ]


async def _cpu(target: System, kind: Kind, times: int) -> Result:
    """CPU of the server for each request of a kind; the least of three rounds."""
    await _ask(target, kind.method, kind.url, kind.body)
    server = psutil.Process(target.server.pid)
    rounds = []
    for _ in range(3):
        begun = _used(server)
        for _ in range(times):
            await _ask(target, kind.method, kind.url, kind.body)
        rounds.append((_used(server) - begun) / times * 1000)
    return Result(f"CPU of {kind.name}", min(rounds), "ms")


def _used(server: psutil.Process) -> float:
    used = server.cpu_times()
    return float(used.user + used.system)


async def _ask(target: System, method: str, url: str, body: Any = None) -> Mapping[str, Any]:
    async with target.http.request(method, url, json=body, headers=target.headers) as answer:
        if answer.status >= 300:
            raise RuntimeError(f"{method} {url}: HTTP {answer.status}: {(await answer.text())[:2000]}")
        found: dict[str, Any] = await answer.json()
        return found


async def _post(target: System, name: str, count: int) -> tuple[str, float]:
    """The URL of a new stack, and the milliseconds until the request was answered."""
    begun = time.perf_counter()
    body = {"stack_name": name, "template": _template(count)}
    made = await _ask(target, "POST", f"{target.base}/stacks", body)
    took = (time.perf_counter() - begun) * 1000
    return f"{target.base}/stacks/{name}/{made['stack']['id']}", took


async def _stack(target: System, name: str, count: int) -> str:
    url, _ = await _post(target, name, count)
    await _rest(target)
    return url


async def _rest(target: System) -> None:
    """Wait until no stack is in progress."""
    url = f"{target.base}/stacks?status=IN_PROGRESS&limit=1"
    end = time.perf_counter() + _PATIENCE
    while (await _ask(target, "GET", url))["stacks"]:
        if time.perf_counter() > end:
            raise RuntimeError(f"Stacks are still in progress after {_PATIENCE} s")
        await asyncio.sleep(0.05)

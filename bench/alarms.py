"""What metrics and alarms cost beside normal operations: 10,000 metrics a minute over 1,000 alarms."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import time
from contextlib import suppress
from typing import Any

import psutil

from bench.processes import System, free_port, loop_lags, system
from bench.results import Result, percentile

METRICS, ALARMS = 10_000, 1_000
_MINUTES_OF_A_DAY = 1440
_TARGET = "GraniteServiceVersion20100801"
_AT_ONCE = 20


class _Api:
    """The CloudWatch API of a server, in its JSON protocol."""

    def __init__(self, target: System, port: int) -> None:
        self._http = target.http
        self._url = f"http://127.0.0.1:{port}/v1"
        self._headers = target.headers

    async def call(self, action: str, **members: Any) -> float:
        """Call an action; the seconds until it was answered."""
        headers = {
            **self._headers,
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"{_TARGET}.{action}",
        }
        begun = time.perf_counter()
        async with self._http.post(self._url, data=json.dumps(members), headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{action}: HTTP {answer.status}: {await answer.text()}")
        return time.perf_counter() - begun


def _dimensions(number: int) -> list[dict[str, str]]:
    return [
        {"Name": "InstanceId", "Value": f"i-{number:08d}"},
        {"Name": "Group", "Value": f"g{number % 100}"},
    ]


async def _put_alarms(api: _Api) -> None:
    async def put(number: int) -> None:
        await api.call(
            "PutMetricAlarm",
            AlarmName=f"alarm {number}",
            Namespace="bench",
            MetricName="CPUUtilization",
            Dimensions=_dimensions(number),
            Statistic="Average",
            Period=60,
            EvaluationPeriods=3,
            Threshold=80,
            ComparisonOperator="GreaterThanThreshold",
        )

    for start in range(0, ALARMS, _AT_ONCE):
        await asyncio.gather(*(put(number) for number in range(start, start + _AT_ONCE)))


async def _push(api: _Api, seconds: float) -> list[float]:
    """Push each metric by itself, as guests do, at the pace of all of them in a minute."""
    times: list[float] = []
    running: set[asyncio.Task[None]] = set()

    async def one(number: int) -> None:
        datum = {
            "MetricName": "CPUUtilization",
            "Dimensions": _dimensions(number),
            "Unit": "Percent",
            "Value": float(number % 100),
        }
        times.append(await api.call("PutMetricData", Namespace="bench", MetricData=[datum]))

    begun = time.perf_counter()
    for number in itertools.count():
        due = begun + number * 60.0 / METRICS
        if due > begun + seconds:
            break
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(one(number % METRICS))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return times


async def _operate(target: System) -> list[float]:
    """Make and delete stacks of fifty resources for ever; the seconds of each creation."""
    resources = {f"r{number}": {"type": "OS::Neutron::Net"} for number in range(50)}
    template = {"heat_template_version": "2018-08-31", "resources": resources}
    times: list[float] = []
    with suppress(asyncio.CancelledError):
        for number in itertools.count():
            begun = time.perf_counter()
            path = await _made(target, f"beside-{number}", template)
            times.append(time.perf_counter() - begun)
            async with target.http.delete(path, headers=target.headers) as answer:
                answer.raise_for_status()
    return times


async def _made(target: System, name: str, template: dict[str, Any]) -> str:
    body = {"stack_name": name, "template": template}
    async with target.http.post(f"{target.base}/stacks", json=body, headers=target.headers) as answer:
        path = f"{target.base}/stacks/{name}/{(await answer.json())['stack']['id']}"
    while True:
        async with target.http.get(path, headers=target.headers) as answer:
            status = (await answer.json())["stack"]["stack_status"]
        if status != "CREATE_IN_PROGRESS":
            return path
        await asyncio.sleep(0.05)


def _bytes_of_sample(target: System) -> float:
    """The size of a stored sample, with its share of the table's pages."""
    with sqlite3.connect(target.log.parent / "stackd.db") as database:
        (count,) = database.execute("SELECT count(*) FROM metric_samples").fetchone()
        with suppress(sqlite3.OperationalError):
            sizes = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'metric_samples%'"
            return float(database.execute(sizes).fetchone()[0] / count)
        database.execute("CREATE TABLE copied AS SELECT * FROM metric_samples")
        database.commit()
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute("INSERT INTO copied SELECT * FROM metric_samples")
        database.commit()
        (more,) = database.execute("PRAGMA page_count").fetchone()
        return float((more - pages) * 4096 / count)


async def alarms(quick: bool) -> list[Result]:
    """Metrics of many guests, alarms on some of them, and stacks that come and go meanwhile."""
    port, seconds = free_port(), 20.0 if quick else 130.0
    probing = {
        "STACKD_API__CLOUDWATCH__PORT": str(port),
        "STACKD_ENGINE__LAG_PROBE": "true",
        "STACKD_LOG__LEVEL": "info",
        "STACKD_LOG__FORMAT": "json",
    }
    async with system(settings=probing) as target:
        api, process = _Api(target, port), psutil.Process(target.server.pid)
        await _put_alarms(api)
        await _push(api, 5.0)
        skipped = len(loop_lags(target.log.read_text()))
        alone = await _measured(process, _push(api, seconds / 2))
        operations = asyncio.create_task(_operate(target))
        beside = await _measured(process, _push(api, seconds / 2))
        operations.cancel()
        created = await operations
        lags = loop_lags(target.log.read_text())[skipped:]
        size = _bytes_of_sample(target)
        peak = target.memory.peak
    daily = size * METRICS * _MINUTES_OF_A_DAY / 1e6
    return [
        Result("metrics: processor, alone", alone[1] * 100, "% of a core"),
        Result("metrics: processor, beside operations", beside[1] * 100, "% of a core"),
        Result("metrics: longest own stall of the loop", max(lags, default=0.0), "ms", 50.0),
        Result("metrics: push, p50", percentile(alone[0], 0.5) * 1000, "ms"),
        Result("metrics: push beside operations, p99", percentile(beside[0], 0.99) * 1000, "ms"),
        Result("metrics: creation of 50 networks beside", percentile(created, 0.5), "s"),
        Result("metrics: a stored sample", size, "bytes"),
        Result(f"metrics: growth with {METRICS:,} a minute", daily, "MB a day"),
        Result("metrics: memory, peak", peak, "MB", 300.0),
    ]


async def _measured(process: psutil.Process, pushing: Any) -> tuple[list[float], float]:
    """What pushing takes: the seconds of each push, and the share of a processor that the server used."""
    begun, used = time.perf_counter(), sum(process.cpu_times()[:2])
    times = await pushing
    return times, (sum(process.cpu_times()[:2]) - used) / (time.perf_counter() - begun)

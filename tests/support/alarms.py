"""Metrics and alarms of a process, as a client of the API has them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from stackd.engine.usecases.cloudwatch.actions import perform
from stackd.settings import Engine, Metrics
from tests.support.engine import Process, World


async def call(process: Process, action: str, **request: Any) -> dict[str, Any]:
    """The answer to an action, by the caller of the process."""
    return await perform(process.engine, process.caller, action, request, 100) or {}


def unhurried(world: World) -> None:
    """Let processes of a world work seldom where nothing is due, and wait for no sample that is late."""
    rare = Engine(lease_seconds=60, poll_min=0.02, poll_max=0.1)
    prompt = Metrics(lateness_seconds=0)
    world.settings = world.settings.model_copy(update={"engine": rare, "metrics": prompt})


def clock(process: Process) -> datetime:
    return process.db.clock()


async def push(process: Process, value: float, at: datetime | None = None, **datum: Any) -> None:
    """Push a sample of the metric Load, measured now."""
    data = {"MetricName": "Load", "Value": value, "Timestamp": at or clock(process), **datum}
    await call(process, "PutMetricData", Namespace="test", MetricData=[data])


async def push_for(process: Process, periods: int, value: float, **datum: Any) -> None:
    """Push the same value once in each period of ten seconds, while time passes."""
    for _ in range(periods):
        await push(process, value, StorageResolution=1, **datum)
        await asyncio.sleep(10)


ALARM = {
    "AlarmName": "hot",
    "Namespace": "test",
    "MetricName": "Load",
    "Statistic": "Average",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 10,
    "ComparisonOperator": "GreaterThanThreshold",
}


async def alarm(process: Process, name: str = "hot") -> dict[str, Any]:
    (found,) = (await call(process, "DescribeAlarms", AlarmNames=[name]))["MetricAlarms"]
    return dict(found)


async def state(process: Process, name: str = "hot") -> str:
    return str((await alarm(process, name))["StateValue"])

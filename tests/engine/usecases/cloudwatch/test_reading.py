"""Statistics: what a request may ask for, so that nobody computes for long or fills the memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from stackd.engine.services.alarms import samples
from stackd.errors import QueryFault
from tests.support.alarms import ALARM, alarm, call, clock, push, push_for
from tests.support.engine import Process

STAT = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}


def window(moment: datetime, **length: float) -> dict[str, Any]:
    return {"StartTime": moment - timedelta(**length), "EndTime": moment}


async def test_expressions_are_computed_for_so_many_datapoints(process: Process) -> None:
    long = [{"Id": f"a{at}", "Expression": " + ".join(["m"] * 50)} for at in range(8)]
    queries = [*long, {"Id": "m", "MetricStat": STAT, "ReturnData": False}]
    week, day = (window(clock(process), days=days) for days in (6, 0.25))
    with pytest.raises(QueryFault, match="operands and operators") as refused:
        await call(process, "GetMetricData", MetricDataQueries=queries, **week)
    assert refused.value.fault == "ValidationError"
    found = await call(process, "GetMetricData", MetricDataQueries=queries, **day)
    assert [each["Values"] for each in found["MetricDataResults"]] == [[]] * len(long)


async def test_values_of_expressions_count_as_datapoints(process: Process) -> None:
    copies = [{"Id": f"a{at}", "Expression": "m"} for at in range(11)]
    queries = [*copies, {"Id": "m", "MetricStat": STAT}]
    with pytest.raises(QueryFault, match="all together 100800"):
        await call(process, "GetMetricData", MetricDataQueries=queries, **window(clock(process), days=7))


async def test_percentiles_are_computed_of_so_many_values(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_VALUES", 200)
    for _ in range(3):
        await push(process, 1.0, Values=[1.5, 2.5, 3.5, 4.5], Value=None)
    about = {"Namespace": "test", "MetricName": "Load", "Period": 60, **window(clock(process), hours=1)}
    about["EndTime"] += timedelta(minutes=1)
    (point,) = (await call(process, "GetMetricStatistics", **about, ExtendedStatistics=["p50"]))["Datapoints"]
    assert point["ExtendedStatistics"] == {"p50": 3.0}
    for _ in range(5):
        await push(process, 1.0, Values=[1.5, 2.5, 3.5, 4.5], Value=None)
    with pytest.raises(QueryFault, match="too many values for the statistic p50"):
        await call(process, "GetMetricStatistics", **about, ExtendedStatistics=["p50"])
    (point,) = (await call(process, "GetMetricStatistics", **about, Statistics=["Sum"]))["Datapoints"]
    assert point["Sum"] == 96


async def test_alarm_of_which_too_much_is_measured_says_so(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_VALUES", 5)
    of_values = {name: value for name, value in ALARM.items() if name != "Statistic"}
    await call(process, "PutMetricAlarm", **of_values, ExtendedStatistic="p50")
    await push_for(process, 3, 50.0, Values=[50.0, 60.0], Value=None)
    shown = await alarm(process)
    assert (shown["StateValue"], shown["StateReason"][:24]) == (
        "INSUFFICIENT_DATA",
        "There are too many value",
    )


@pytest.mark.parametrize("end", ["9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_window_may_end_when_time_does(process: Process, end: str) -> None:
    about = {"StartTime": "9999-01-01T00:00:00Z", "EndTime": end}
    stat = {**STAT, "Period": 86_400}
    await call(process, "GetMetricData", MetricDataQueries=[{"Id": "m", "MetricStat": stat}], **about)
    asked = {"Namespace": "n", "MetricName": "m", "Period": 86_400, "Statistics": ["Sum"]}
    assert (await call(process, "GetMetricStatistics", **asked, **about))["Datapoints"] == []
    found = await call(process, "DescribeAlarmHistory", StartDate="1970-01-01T00:00:00Z", EndDate=end)
    assert found["AlarmHistoryItems"] == []


@pytest.mark.parametrize("kind", ["Statistics", "ExtendedStatistics"])
async def test_statistic_that_there_is_not_is_named_as_it_was_asked_for(process: Process, kind: str) -> None:
    about = {"Namespace": "n", "MetricName": "m", "Period": 60, **window(clock(process), hours=1)}
    with pytest.raises(QueryFault, match=rf"{kind}\.member\.1 must be .*; 'Mode' is not"):
        await call(process, "GetMetricStatistics", **about, **{kind: ["Mode"]})

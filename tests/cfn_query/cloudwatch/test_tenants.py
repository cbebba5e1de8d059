"""Whatever a member of one project asks about what another project has: it is as if there were nothing."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cfn_query.cloudwatch.clients import PROTOCOLS, Client
from tests.cfn_query.conftest import System

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARK = "xyzzy"
"""Stands in everything that the one project has, and in nothing that the other one asks."""
ALARM = {
    "AlarmDescription": f"{MARK} description",
    "Namespace": f"{MARK}/space",
    "MetricName": "load",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": [f"https://{MARK}.test/hook"],
    "Tags": [{"Key": MARK, "Value": MARK}],
}
NOW = datetime.now(UTC)
WINDOW = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW + timedelta(hours=1)}


def names(name: str, owner: str, more: int) -> list[str]:
    """A name as somebody might spell it who knows it, and in as many ways ``more`` as chance has it."""
    chance = random.Random(name)
    odd = ["%", "_", "*", "/", "..", "~", "'", ";", "\u0130", "%2F", "&", "{}", "$", owner, " "]
    places = [(chance.randrange(len(name)), chance.choice(odd)) for _ in range(more)]
    return [
        *(name[:at] + each + name[at + chance.randrange(2) :] for at, each in places),
        name,
        name.upper(),
        f"{owner}/{name}",
        f"{owner}:{name}",
        f"{name}%",
        "%",
        "_" * len(name),
        f"{name}'--",
    ]


def attempts(
    name: str, arn: str, owner: str, me: str, token: str, more: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What may be asked."""
    for each in names(name, owner, more):
        yield "DescribeAlarms", {"AlarmNames": [each]}
        yield "DescribeAlarms", {"AlarmNamePrefix": each}
        yield "DescribeAlarmHistory", {"AlarmName": each}
        yield "SetAlarmState", {"AlarmName": each, "StateValue": "OK", "StateReason": "mine"}
        yield "DisableAlarmActions", {"AlarmNames": [each]}
        yield "DeleteAlarms", {"AlarmNames": [each]}
    for each in (
        arn,
        arn.replace(owner, me),
        arn.replace(f":{owner}:", "::"),
        arn.replace("alarm:", "alarm:../"),
    ):
        yield "ListTagsForResource", {"ResourceARN": each}
        yield "TagResource", {"ResourceARN": each, "Tags": [{"Key": "a", "Value": "b"}]}
        yield "UntagResource", {"ResourceARN": each, "TagKeys": [MARK]}
    yield from (
        ("DescribeAlarms", {}),
        ("DescribeAlarms", {"NextToken": token}),
        ("DescribeAlarms", {"ActionPrefix": "https://"}),
        ("DescribeAlarms", {"StateValue": "INSUFFICIENT_DATA"}),
        ("DescribeAlarmHistory", {}),
        ("DescribeAlarmHistory", {"StartDate": WINDOW["StartTime"]}),
        ("ListMetrics", {}),
        ("ListMetrics", {"RecentlyActive": "PT3H"}),
        ("ListMetrics", {"Dimensions": [{"Name": "Host"}]}),
    )
    for space, metric in itertools.product(names(f"{MARK}/space", owner, more), ("load", "%", "LOAD")):
        about = {"Namespace": space, "MetricName": metric}
        stat = {"Metric": about, "Period": 60, "Stat": "Sum"}
        yield "DescribeAlarmsForMetric", about
        yield "ListMetrics", about
        yield "GetMetricStatistics", {**about, **WINDOW, "Period": 60, "Statistics": ["Sum"]}
        yield (
            "GetMetricData",
            {**WINDOW, "MetricDataQueries": [{"Id": "a", "Label": "l", "MetricStat": stat}]},
        )


@pytest.mark.parametrize(("more", "least"), [(0, 450), pytest.param(32, 2_000, marks=pytest.mark.aws)])
async def test_attempts_show_and_change_nothing(
    client: Client, other: Client, system: System, more: int, least: int
) -> None:
    owner, me = system.native.project, system.other_native.project
    client = replace(client, token=system.native.token)
    name = f"{MARK} alarm"
    await client.call("PutMetricAlarm", AlarmName=name, **ALARM)
    await client.call("PutMetricAlarm", AlarmName=f"{name} 2", **ALARM)
    await client.call(
        "PutMetricData", Namespace=f"{MARK}/space", MetricData=[{"MetricName": "load", "Value": 1}]
    )
    page = (await client.call("DescribeAlarms", AlarmNamePrefix=MARK, MaxRecords=1)).parsed
    (before,) = page["MetricAlarms"]
    count = 0
    for protocol in PROTOCOLS:
        stranger = replace(other, token=system.other_native.token, protocol=protocol)
        for action, members in attempts(name, before["AlarmArn"], owner, me, page["NextToken"], more):
            answer = await stranger.call(action, **members)
            count += 1
            assert answer.status in (200, 400, 404), (action, members)
            shown = str(answer.parsed).replace(str(members), "")
            for value in _texts(members):
                shown = shown.replace(value, "")
            assert MARK not in shown, (action, members, answer.content)
    assert count > least
    page = (await client.call("DescribeAlarms", AlarmNamePrefix=MARK, MaxRecords=1)).parsed
    assert page["MetricAlarms"] == [before]


def _texts(value: Any) -> Iterator[str]:
    """All texts in what was asked, which an answer may repeat."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)

"""Every action in every protocol, written and read by the service model of botocore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stackd.engine.usecases.cloudwatch.actions import OPERATIONS
from tests.cfn_query.cloudwatch.clients import PROTOCOLS, Answer, Client, model

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime.now(UTC).replace(microsecond=0)
DIMENSIONS = [{"Name": "Host", "Value": "ä & <b>"}]
WINDOW = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW + timedelta(hours=1)}
PROTOCOL = pytest.mark.parametrize("protocol", PROTOCOLS)
ALARM: dict[str, Any] = {
    "AlarmDescription": "It is hot.",
    "Namespace": "app",
    "MetricName": "Latency",
    "Dimensions": DIMENSIONS,
    "ExtendedStatistic": "p99",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 0.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "Unit": "Seconds",
    "OKActions": [],
    "AlarmActions": ["https://example.test/hook"],
    "Tags": [{"Key": "team", "Value": "web"}],
}


def datum(name: str = "Latency", **values: Any) -> dict[str, Any]:
    return {"MetricName": name, "Dimensions": DIMENSIONS, "Timestamp": NOW, "Unit": "Seconds", **values}


async def good(client: Client, action: str, **members: Any) -> dict[str, Any]:
    answer = await client.call(action, **members)
    assert answer.status == 200, answer.content
    assert answer.headers["x-amzn-requestid"].startswith("req-")
    return answer.parsed


@PROTOCOL
@pytest.mark.parametrize("compressed", [False, True])
async def test_metrics_are_pushed_and_read(client: Client, protocol: str, compressed: bool) -> None:
    client = client.speaking(protocol, compressed=compressed)
    namespace = f"{protocol} {compressed}"
    data = [
        datum(Value=0.25),
        datum(Values=[0.5, 1.5], Counts=[1, 2]),
        datum("Size", StatisticValues={"SampleCount": 2, "Sum": 6, "Minimum": 1, "Maximum": 5}),
    ]
    await good(client, "PutMetricData", Namespace=namespace, MetricData=data)
    about = {"Namespace": namespace, "MetricName": "Latency", "Dimensions": DIMENSIONS}
    found = await good(
        client,
        "GetMetricStatistics",
        **about,
        **WINDOW,
        Period=60,
        Statistics=["SampleCount", "Sum", "Maximum"],
        ExtendedStatistics=["p50"],
    )
    (point,) = found["Datapoints"]
    assert (point["SampleCount"], point["Sum"], point["Maximum"], point["Unit"]) == (4, 3.75, 1.5, "Seconds")
    assert point["ExtendedStatistics"] == {"p50": 1.0}
    assert point["Timestamp"] == NOW.replace(second=0)
    stat = {"Metric": about, "Period": 60, "Stat": "Sum"}
    found = await good(
        client,
        "GetMetricData",
        **WINDOW,
        MetricDataQueries=[
            {"Id": "double", "Expression": "2 * sum"},
            {"Id": "sum", "MetricStat": stat, "ReturnData": False},
        ],
    )
    (result,) = found["MetricDataResults"]
    assert (result["Id"], result["Values"], result["StatusCode"]) == ("double", [7.5], "Complete")
    assert result["Timestamps"] == [NOW.replace(second=0)]
    listed = await good(client, "ListMetrics", Namespace=namespace, Dimensions=[{"Name": "Host"}])
    assert {each["MetricName"] for each in listed["Metrics"]} == {"Latency", "Size"}
    assert listed["Metrics"][0]["Dimensions"] == DIMENSIONS


@PROTOCOL
async def test_alarms_live(client: Client, protocol: str) -> None:
    client, name = client.speaking(protocol), f"alarm of {protocol}"
    await good(client, "PutMetricAlarm", AlarmName=name, **ALARM)
    (shown,) = (await good(client, "DescribeAlarms", AlarmNames=[name]))["MetricAlarms"]
    for key, value in ALARM.items():
        assert key == "Tags" or shown[key] == value, key
    assert (shown["StateValue"], shown["ActionsEnabled"]) == ("INSUFFICIENT_DATA", True)
    assert shown["AlarmArn"].endswith(f":alarm:{name}")
    about = {"Namespace": "app", "MetricName": "Latency", "Dimensions": DIMENSIONS}
    found = await good(client, "DescribeAlarmsForMetric", **about, ExtendedStatistic="p99")
    assert name in {each["AlarmName"] for each in found["MetricAlarms"]}
    state = {"StateValue": "OK", "StateReason": "said so", "StateReasonData": '{"a": 1}'}
    await good(client, "SetAlarmState", AlarmName=name, **state)
    await good(client, "DisableAlarmActions", AlarmNames=[name])
    (shown,) = (await good(client, "DescribeAlarms", AlarmNames=[name]))["MetricAlarms"]
    assert (shown["StateValue"], shown["ActionsEnabled"]) == ("OK", False)
    assert shown["StateReasonData"] == '{"a": 1}'
    await good(client, "EnableAlarmActions", AlarmNames=[name])
    arn = shown["AlarmArn"]
    await good(client, "TagResource", ResourceARN=arn, Tags=[{"Key": "x", "Value": "1"}])
    await good(client, "UntagResource", ResourceARN=arn, TagKeys=["team"])
    assert (await good(client, "ListTagsForResource", ResourceARN=arn))["Tags"] == [
        {"Key": "x", "Value": "1"}
    ]
    items = (await good(client, "DescribeAlarmHistory", AlarmName=name))["AlarmHistoryItems"]
    assert [each["HistoryItemType"] for each in items] == [
        "ConfigurationUpdate",
        "ConfigurationUpdate",
        "StateUpdate",
        "ConfigurationUpdate",
    ]
    await good(client, "DeleteAlarms", AlarmNames=[name])
    assert (await good(client, "DescribeAlarms", AlarmNames=[name]))["MetricAlarms"] == []


@PROTOCOL
async def test_lists_go_on(client: Client, protocol: str) -> None:
    client = client.speaking(protocol)
    names = [f"many {protocol} {number}" for number in range(5)]
    for name in names:
        await good(client, "PutMetricAlarm", AlarmName=name, **ALARM)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await good(client, "DescribeAlarms", AlarmNamePrefix=f"many {protocol}", MaxRecords=2, **token)
        seen += [each["AlarmName"] for each in page["MetricAlarms"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == names
    await good(client, "DeleteAlarms", AlarmNames=names)


REFUSALS: list[tuple[str, dict[str, Any], tuple[int, str], str, str]] = [
    (
        "PutMetricData",
        {"Namespace": "n", "MetricData": [datum(Value=1.0), datum()]},
        (400, "MissingParameter"),
        "MissingRequiredParameterException",
        "MetricData.member.2",
    ),
    (
        "PutMetricData",
        {"Namespace": "n", "MetricData": [datum(Value=1.0, Values=[1.0])]},
        (400, "InvalidParameterCombination"),
        "InvalidParameterCombinationException",
        "MetricData.member.1",
    ),
    (
        "PutMetricData",
        {"Namespace": ":n", "MetricData": [datum(Value=1.0)]},
        (400, "InvalidParameterValue"),
        "InvalidParameterValueException",
        "Namespace",
    ),
    (
        "SetAlarmState",
        {"AlarmName": "nowhere", "StateValue": "OK", "StateReason": "x"},
        (404, "ResourceNotFound"),
        "ResourceNotFound",
        "nowhere",
    ),
    (
        "SetAlarmState",
        {"AlarmName": "n", "StateValue": "OK", "StateReason": "x", "StateReasonData": "{"},
        (400, "InvalidFormat"),
        "InvalidFormatFault",
        "StateReasonData",
    ),
    (
        "DescribeAlarms",
        {"NextToken": "other"},
        (400, "InvalidNextToken"),
        "InvalidNextToken",
        "NextToken",
    ),
    (
        "ListTagsForResource",
        {"ResourceARN": "arn:openstack:cloudwatch:x:y:alarm:z"},
        (404, "ResourceNotFoundException"),
        "ResourceNotFoundException",
        "arn:openstack",
    ),
]


@PROTOCOL
@pytest.mark.parametrize(("action", "members", "error", "shape", "words"), REFUSALS)
async def test_errors_have_their_code_shape_and_status(
    client: Client,
    protocol: str,
    action: str,
    members: dict[str, Any],
    error: tuple[int, str],
    shape: str,
    words: str,
) -> None:
    answer = await client.speaking(protocol).call(action, **members)
    status, code, message = answer.error
    assert ((status, code), words in message) == (error, True), message
    if protocol != "query":
        assert answer.headers["x-amzn-query-error"] == f"{code};Sender"
        assert shape.encode() in answer.content
    if protocol == "smithy-rpc-v2-cbor":
        assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"


@PROTOCOL
async def test_actions_that_are_not_there_are_refused_in_the_protocol(client: Client, protocol: str) -> None:
    missing = [name for name in model().operation_names if name not in OPERATIONS]
    assert "PutCompositeAlarm" in missing
    for action in missing[:5]:
        answer: Answer = await client.speaking(protocol).call(action)
        assert answer.error[:2] == (400, "InvalidAction")


@PROTOCOL
async def test_who_does_not_sign_well_is_refused_in_the_protocol(client: Client, protocol: str) -> None:
    wrong = Client(client.http, type(client.key)(client.key.access, "wrong"), protocol)
    assert (await wrong.call("ListMetrics")).error[:2] == (403, "SignatureDoesNotMatch")
    nobody = Client(client.http, type(client.key)("nobody", "wrong"), protocol)
    assert (await nobody.call("ListMetrics")).error[:2] == (403, "InvalidClientTokenId")


@PROTOCOL
async def test_nothing_of_another_project_is_seen_or_changed(
    client: Client, other: Client, protocol: str
) -> None:
    mine, theirs, name = client.speaking(protocol), other.speaking(protocol), f"secret {protocol}"
    await good(mine, "PutMetricAlarm", AlarmName=name, **ALARM)
    await good(mine, "PutMetricData", Namespace=name, MetricData=[datum(Value=1.0)])
    (shown,) = (await good(mine, "DescribeAlarms", AlarmNames=[name]))["MetricAlarms"]
    metric = {"Namespace": name, "MetricName": "Latency", "Dimensions": DIMENSIONS}
    assert (await good(theirs, "DescribeAlarms"))["MetricAlarms"] == []
    assert (await good(theirs, "DescribeAlarmHistory"))["AlarmHistoryItems"] == []
    assert (await good(theirs, "ListMetrics"))["Metrics"] == []
    assert (await good(theirs, "DescribeAlarmsForMetric", **metric))["MetricAlarms"] == []
    points = await good(theirs, "GetMetricStatistics", **metric, **WINDOW, Period=60, Statistics=["Sum"])
    assert points["Datapoints"] == []
    asked: list[tuple[str, dict[str, Any]]] = [
        ("SetAlarmState", {"AlarmName": name, "StateValue": "OK", "StateReason": "x"}),
        ("DeleteAlarms", {"AlarmNames": [name]}),
        ("ListTagsForResource", {"ResourceARN": shown["AlarmArn"]}),
        ("TagResource", {"ResourceARN": shown["AlarmArn"], "Tags": [{"Key": "a", "Value": "b"}]}),
    ]
    for action, members in asked:
        assert (await theirs.call(action, **members)).status == 404
    await good(theirs, "DisableAlarmActions", AlarmNames=[name])
    assert (await good(mine, "DescribeAlarms", AlarmNames=[name]))["MetricAlarms"] == [shown]

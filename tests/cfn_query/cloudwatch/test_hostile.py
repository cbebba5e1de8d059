"""Bodies that are meant to break the server are refused in the protocol of the request; none is a 500."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from structlog.testing import capture_logs

from stackd.engine.usecases.cloudwatch.paging import token_of
from tests.cfn_query.cloudwatch.clients import ROOT, Client
from tests.cfn_query.conftest import System
from tests.support.signing import version_2

pytestmark = pytest.mark.asyncio(loop_scope="module")

TARGET = "GraniteServiceVersion20100801"
OPERATION = f"/service/{TARGET}/operation"
HOSTILE: list[Any] = [
    None,
    True,
    [],
    "x" * 2000,
    "\0",
    -1,
    2**70,
    1e400,
    float("nan"),
    {"a": {"b": [1]}},
    [[[[1]]]],
    [{"MetricName": 1}],
    [{"MetricName": "m", "Value": "much"}],
    [{"MetricName": "m", "Value": 1, "Timestamp": 1e300}],
    [{"MetricName": "m", "Value": 1, "Timestamp": "never"}],
    [{"MetricName": "m", "Value": 1, "Dimensions": [{"Name": "a", "Value": "b"}] * 31}],
    [{"MetricName": "m", "Values": [1, 2], "Counts": [0, 1]}],
    [{"MetricName": "m", "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1}}],
    [{"Id": "a", "Expression": "(" * 500}],
    [{"Id": "a", "Expression": "a"}],
    [{"Id": "a", "MetricStat": {"Metric": {}, "Period": 60, "Stat": "Sum"}}],
    ["x"] * 101,
]
MEMBERS = {
    "PutMetricData": ("Namespace", "MetricData", "EntityMetricData"),
    "GetMetricStatistics": ("MetricName", "StartTime", "Period", "Statistics", "Dimensions"),
    "GetMetricData": ("MetricDataQueries", "StartTime", "ScanBy", "NextToken"),
    "ListMetrics": ("Dimensions", "NextToken", "RecentlyActive"),
    "PutMetricAlarm": ("AlarmName", "Threshold", "Metrics", "AlarmActions", "Period", "Tags"),
    "DescribeAlarms": ("AlarmNames", "MaxRecords", "NextToken", "StateValue"),
    "DescribeAlarmHistory": ("StartDate", "NextToken", "HistoryItemType"),
    "SetAlarmState": ("AlarmName", "StateValue", "StateReasonData"),
    "DeleteAlarms": ("AlarmNames",),
}
STAT = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
GOOD: dict[str, Any] = {
    "Namespace": "n",
    "MetricName": "m",
    "Period": 60,
    "StartTime": 1_700_000_000,
    "EndTime": 1_700_003_600,
    "Statistics": ["Sum"],
    "MetricData": [{"MetricName": "m", "Value": 1}],
    "MetricDataQueries": [
        {
            "Id": "a",
            "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"},
        }
    ],
    "AlarmName": "a",
    "AlarmNames": ["a"],
    "Statistic": "Sum",
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "LessThanThreshold",
    "StateValue": "OK",
    "StateReason": "x",
}


@pytest.fixture(scope="module")
def client(client: Client, system: System) -> Client:
    """A client with a token, as thousands of signatures take their time."""
    return replace(client, token=system.native.token)


async def as_json(client: Client, action: str, body: bytes, **headers: str) -> int:
    kind = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{TARGET}.{action}"}
    answer = await client.send(body, kind | headers)
    if answer.status_code != 200:
        assert "__type" in json.loads(answer.content), answer.content
    return answer.status_code


async def as_cbor(client: Client, action: str, body: bytes, **headers: str) -> int:
    kind = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    answer = await client.send(body, kind | headers, f"{OPERATION}/{action}")
    assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
    if answer.status_code != 200:
        assert "__type" in cbor2.loads(answer.content), answer.content
    return answer.status_code


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"Value": 1e400}'])
async def test_body_that_is_no_json_object_cannot_be_deserialised(client: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{TARGET}.ListMetrics"}
    answer = await client.send(body, headers)
    assert answer.status_code == 400
    assert json.loads(answer.content)["__type"] == "com.amazonaws.cloudwatch#SerializationException"


@pytest.mark.parametrize("action", MEMBERS)
async def test_values_of_the_wrong_kind_are_no_error_of_the_server(client: Client, action: str) -> None:
    for name in MEMBERS[action]:
        for value in HOSTILE:
            members = {**GOOD, name: value}
            assert await as_cbor(client, action, cbor2.dumps(members)) < 500, (name, value)
            if value != value or value in (1e400, 2**70):
                continue
            assert await as_json(client, action, json.dumps(members).encode()) < 500, (name, value)


TAGS = [
    cbor2.dumps({"Namespace": cbor2.CBORTag(tag, content)})
    for tag, content in (
        (2, b"\x01" * 100_000),
        (4, [999_999_999, 1]),
        (5, [-(2**40), 3]),
        (30, [1, 3]),
        (35, "(a+)+" * 1000),
        (36, "MIME-Version: 1.0"),
        (37, b"\0" * 16),
        (258, [1, 2]),
        (1, "x"),
        (1, 1e300),
        (99, "x"),
    )
]
BROKEN = [
    b"",
    b"\xff",
    b"\xa1",
    b"\xa1\x01\x02",
    b"\x80",
    b"\x9f" * 10_000,
    b"\x81" * 100_000 + b"\x00",
    b"\xbf\x61a",
    b"\xa1\x61a\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    b"\xa1\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd8\x1c\xa1\x61a\xd8\x1d\x00",
    *TAGS,
]


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ("DescribeAlarmHistory", ("soon", "x")),
        ("DescribeAlarmHistory", ("2024-01-01T00:00:00", "x")),
        ("ListMetrics", (2**63,)),
        ("ListMetrics", (-(2**63),)),
        ("DescribeAlarms", (["x"],)),
    ],
)
async def test_tokens_that_no_list_gave_are_refused(client: Client, action: str, place: Any) -> None:
    answer = await client.call(action, NextToken=token_of(*place))
    assert answer.error[:2] == (400, "InvalidNextToken")


async def test_malformed_cbor_is_refused(client: Client) -> None:
    for body in BROKEN:
        assert await as_cbor(client, "PutMetricData", body) == 400, body[:40]


async def test_random_bytes_are_refused(client: Client) -> None:
    made = random.Random(1)
    for _ in range(100):
        body = made.randbytes(made.randrange(1, 80))
        assert await as_cbor(client, "PutMetricData", body) == 400
        assert await as_json(client, "PutMetricData", body) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"x",
        b'"x"',
        b"{",
        b'{"a":' * 5000,
        b"{}}",
        b"[" * 100_000,
        b'{"Namespace": "\\ud800"}',
        b"\xff",
    ],
)
async def test_malformed_json_is_refused(client: Client, body: bytes) -> None:
    assert await as_json(client, "PutMetricData", body) == 400


async def test_bodies_are_bounded_also_after_they_are_decompressed(client: Client) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    zipped = {"Content-Encoding": "gzip"}
    assert await as_json(client, "PutMetricData", bomb, **zipped) == 413
    assert await as_cbor(client, "PutMetricData", bomb, **zipped) == 413
    assert await as_json(client, "PutMetricData", b" " * 2_000_000) == 413
    assert await as_json(client, "PutMetricData", b"{}", **zipped) == 400
    assert await as_json(client, "PutMetricData", gzip.compress(b"{}")[:-4], **zipped) == 400
    assert await as_json(client, "PutMetricData", b"{}", **{"Content-Encoding": "br"}) == 400


async def test_queries_of_odd_shape_are_refused(client: Client) -> None:
    for query in (
        b"Action=PutMetricData&Namespace=n&MetricData=x",
        b"Action=PutMetricData&Namespace=n&MetricData.member.x=1",
        b"Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName.member.1=1",
        b"Action=PutMetricData&Namespace.member.1=n",
        b"Action=PutMetricData&Version=1999-01-01",
        b"Action=",
        b"",
        b"Action=" + b"x" * 5000,
        b"&".join(b"a%d=1" % number for number in range(25_000)),
    ):
        answer = await client.send(query, {})
        assert answer.status_code == 400, query[:80]
        assert answer.content.startswith(b"<ErrorResponse>")


async def test_what_is_not_there_is_answered_in_the_protocol(client: Client) -> None:
    headers = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    answer = await client.http.post("/nowhere", headers=headers)
    assert (answer.status_code, answer.headers["smithy-protocol"]) == (404, "rpc-v2-cbor")
    answer = await client.http.get("/v1", headers=headers)
    assert answer.status_code == 400
    assert "__type" in cbor2.loads(answer.content)
    assert (await client.http.get("/")).status_code == 300
    assert (await client.http.get("/healthcheck")).status_code == 200


async def test_an_error_of_ours_is_answered_in_the_protocol(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("stackd.cfn_query.cloudwatch.api.perform", broken)
    for protocol in ("query", "json", "smithy-rpc-v2-cbor"):
        with capture_logs() as lines:
            answer = await client.speaking(protocol).call("ListMetrics")
        assert answer.error[:2] == (500, "InternalServiceError")
        assert b"ZeroDivision" not in answer.content
        assert [line["event"] for line in lines if "exc_info" in line] == ["request_broke"]


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor"])
async def test_signature_of_a_query_does_not_cover_a_body(client: Client, protocol: str) -> None:
    """Whoever sees a signed form could else put its pairs into the query, and any action into the body."""
    form = version_2(f"{ROOT}", {"Action": "ListMetrics"}, client.key, "POST", at=datetime.now(UTC))
    headers, path, body = {"Content-Type": "application/x-amz-json-1.0"}, "", json.dumps({"AlarmNames": []})
    if protocol == "json":
        headers["X-Amz-Target"] = f"{TARGET}.DeleteAlarms"
    else:
        headers, path = {"Smithy-Protocol": "rpc-v2-cbor"}, f"{OPERATION}/DeleteAlarms"
        form = version_2(f"{ROOT}{path}", {}, client.key, "POST", at=datetime.now(UTC))
    content = body.encode() if protocol == "json" else cbor2.dumps(json.loads(body))
    answer = await client.http.post(f"{ROOT}{path}?{form.content.decode()}", content=content, headers=headers)
    assert (answer.status_code, b"IncompleteSignature" in answer.content) == (400, True)

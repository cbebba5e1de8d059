"""What is sent of measurements."""

from __future__ import annotations

import pytest

from stackd_cfntools.errors import RequestRefused
from stackd_cfntools.instance import Identity
from stackd_cfntools.query import Api, QueryClient
from stackd_cfntools.signing import Key, Scope
from stackd_cfntools.stats.data import Datum
from stackd_cfntools.stats.push import dimensions, params, put
from stackd_cfntools.web import Web
from tests.cfntools.machine import Machine
from tests.cfntools.server import Reply, Server

DATA = [Datum("A", 1.0, "Count"), Datum("B", 12.3456789, "Percent")]


def test_dimensions_are_the_server_its_metadata_and_the_alarm() -> None:
    identity = Identity("U-1", {"metering.groupname": "g", "role": "web"})
    expected = {"AlarmName": "W", "InstanceId": "U-1", "metering.groupname": "g", "role": "web"}
    assert dimensions(identity, "W") == expected
    assert dimensions(None, None) == {}


def test_dimensions_beyond_the_limit_are_left_out_but_not_those_of_meters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    meta = {f"a{number:03}": "x" for number in range(100)} | {"metering.z": "kept"}
    found = dimensions(Identity("U-1", meta), "W")
    assert len(found) == 30
    assert found["metering.z"] == "kept"
    assert "a099" in caplog.text


def test_parameters_have_every_datum_with_every_dimension() -> None:
    made = params("system/linux", DATA, {"InstanceId": "U-1"}, 1_700_000_000.0)
    assert made == {
        "Namespace": "system/linux",
        "MetricData.member.1.MetricName": "A",
        "MetricData.member.1.Value": "1",
        "MetricData.member.1.Unit": "Count",
        "MetricData.member.1.Timestamp": "2023-11-14T22:13:20Z",
        "MetricData.member.1.Dimensions.member.1.Name": "InstanceId",
        "MetricData.member.1.Dimensions.member.1.Value": "U-1",
        "MetricData.member.2.MetricName": "B",
        "MetricData.member.2.Value": "12.345679",
        "MetricData.member.2.Unit": "Percent",
        "MetricData.member.2.Timestamp": "2023-11-14T22:13:20Z",
        "MetricData.member.2.Dimensions.member.1.Name": "InstanceId",
        "MetricData.member.2.Dimensions.member.1.Value": "U-1",
    }


@pytest.mark.parametrize(("status", "requests"), [(503, 2), (429, 2), (500, 1)])
def test_measurements_are_sent_again_only_if_they_were_surely_not_taken(
    machine: Machine, server: Server, status: int, requests: int
) -> None:
    server.replies(Reply(status=status), Reply(b"<PutMetricDataResponse/>"))
    api = Api(server.url, "2010-08-01", Scope("nova", "monitoring"), 4)
    client = QueryClient(machine, Web(), api, Key("AK", "SK"))
    if requests == 1:
        with pytest.raises(RequestRefused):
            put(client, "system/linux", DATA, {}, machine.now())
    else:
        put(client, "system/linux", DATA, {}, machine.now())
    assert len(server.requests) == requests

"""Metrics of guests: what cfn-push-stats sends is there for the owner of the stack to read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackd_cfntools.query import Api, QueryClient
from stackd_cfntools.signing import Key, Scope
from stackd_cfntools.system import System
from stackd_cfntools.web import Web
from tests.cfntools.guests.cloud import Cloud
from tests.cfntools.guests.guest import Guest, booted
from tests.cfntools.guests.test_guests import CLASSIC

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

pytestmark = pytest.mark.docs

HOUR = 3600
STAMP = "%Y-%m-%dT%H:%M:%SZ"


def owner_of(cloud: Cloud, guest: Guest) -> QueryClient:
    """The owner of the stacks, as a client of the CloudWatch API."""
    key = Key(*cloud.key_pair())
    url = guest.read("/var/lib/heat-cfntools/cfn-watch-server")
    return QueryClient(System(), Web(), Api(url, "2010-08-01", Scope("RegionOne", "monitoring"), 4), key)


def dimensions_of(metric: Element) -> dict[str, str]:
    found = metric.findall("Dimensions/member")
    return {each.findtext("Name", ""): each.findtext("Value", "") for each in found}


def total(owner: QueryClient, name: str, dimensions: dict[str, str]) -> float:
    """The sum of a metric over the last hour and the next."""
    params = {
        "Namespace": "system/linux",
        "MetricName": name,
        "Period": str(HOUR),
        "Statistics.member.1": "Sum",
        "StartTime": time.strftime(STAMP, time.gmtime(time.time() - HOUR)),
        "EndTime": time.strftime(STAMP, time.gmtime(time.time() + HOUR)),
    }
    for number, (label, value) in enumerate(dimensions.items(), 1):
        params[f"Dimensions.member.{number}.Name"] = label
        params[f"Dimensions.member.{number}.Value"] = value
    points = owner.call("GetMetricStatistics", params).findall("GetMetricStatisticsResult/Datapoints/member")
    return sum(float(each.findtext("Sum", "nan")) for each in points)


def metrics_of(owner: QueryClient, server: str) -> dict[str, dict[str, str]]:
    """The metrics of a server by their names, with their dimensions."""
    params = {"Dimensions.member.1.Name": "InstanceId", "Dimensions.member.1.Value": server}
    found = owner.call("ListMetrics", params).findall("ListMetricsResult/Metrics/member")
    return {each.findtext("MetricName", ""): dimensions_of(each) for each in found}


def test_metrics_of_a_guest_are_its_owners(cloud: Cloud, root: Path) -> None:
    cloud.create("metrics", CLASSIC.replace("@VERSION@", "1"))
    guest = booted(cloud, root, "metrics", "Machine")
    assert guest.run("cfn-init").returncode == 0  # writes the credentials
    words = ("--heartbeat", "--metric", "Queue", "--units", "Counter", "--value", "7.5")
    guest.write("/proc/meminfo", "MemTotal: 4000 kB\nMemAvailable: 1000 kB\n")
    for _ in range(2):
        done = guest.run("cfn-push-stats", "--mem-util", *words)
        assert (done.returncode, done.stderr) == (0, "")
    owner = owner_of(cloud, guest)
    found = metrics_of(owner, guest.uuid)
    assert found.keys() == {"Heartbeat", "MemoryUtilization", "Queue"}
    sums = {name: total(owner, name, dimensions) for name, dimensions in found.items()}
    assert sums == {"Heartbeat": 2.0, "MemoryUtilization": 150.0, "Queue": 15.0}

"""An alarm scales a group once, whenever the process is killed after the alarm has rung."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.chaos import database
from tests.chaos.system import LEASE, Client, Cloud, Server

STRIKES = max(4, int(os.environ.get("STACKD_STRIKES", "20")) // 5)
SEED = int(os.environ.get("STACKD_SEED", "1"))
PATIENCE = 180.0
LONGEST = 0.25
"""Seconds after the answer in which the process is killed: what follows takes a tenth of a second."""

TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "resources": {
        "group": {
            "type": "OS::Heat::AutoScalingGroup",
            "properties": {"min_size": 0, "max_size": 1000, "resource": {"type": "OS::Heat::TestResource"}},
        },
        "up": {
            "type": "OS::Heat::ScalingPolicy",
            "properties": {
                "auto_scaling_group_id": {"get_resource": "group"},
                "adjustment_type": "change_in_capacity",
                "scaling_adjustment": 1,
                "cooldown": 0,
            },
        },
        "hot": {
            "type": "AWS::CloudWatch::Alarm",
            "properties": {
                "Namespace": "test",
                "MetricName": "load",
                "Statistic": "Average",
                "Period": "3600",
                "EvaluationPeriods": "1",
                "Threshold": "1",
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "ignore",
                "AlarmActions": [{"get_attr": ["up", "alarm_url"]}],
            },
        },
    },
    "outputs": {
        "size": {"value": {"get_attr": ["group", "current_size"]}},
        "alarm": {"value": {"get_resource": "hot"}},
    },
}


class Scaled:
    """A stack whose group an alarm scales, at a server that is killed now and then."""

    def __init__(self, server: Server, client: Client) -> None:
        self._server = server
        self._client = client
        client.create("scaled", {"template": TEMPLATE})
        self._until(lambda: self._status() == "CREATE_COMPLETE")
        self._alarm = self._output("alarm")

    def ring(self, state: str) -> None:
        """Put the alarm into a state."""
        form = {"Action": "SetAlarmState", "Version": "2010-08-01", "AlarmName": self._alarm}
        form |= {"StateValue": state, "StateReason": "a test"}
        answer = httpx.post(self._server.cloudwatch_url, data=form, headers=self._client.headers, timeout=60)
        assert answer.status_code == 200, answer.text

    def size(self) -> int:
        return int(self._output("size"))

    def grows_to(self, size: int) -> None:
        """Return once the group has the size, and is at rest."""
        self._until(lambda: self.size() >= size and self._status().endswith("_COMPLETE"))

    def _status(self) -> str:
        stack = self._client.find("scaled")
        assert stack is not None
        return str(stack["stack_status"])

    def _output(self, name: str) -> Any:
        stack = self._client.find("scaled")
        assert stack is not None
        return next(each["output_value"] for each in stack["outputs"] if each["output_key"] == name)

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"it never came true: {self._server.log.read_text()[-2000:]}"
            time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Server, Client]]:
    with Cloud(tmp_path, 0.01, SEED) as cloud, database(tmp_path) as url:
        made = Server(tmp_path, cloud, url)
        made.start()
        client = Client(cloud, made.url)
        try:
            yield made, client
        finally:
            client.close()
            made.stop()


@pytest.mark.chaos
def test_an_alarm_scales_once_whenever_the_process_dies(server: tuple[Server, Client]) -> None:
    process, client = server
    scaled = Scaled(process, client)
    moments = random.Random(SEED)
    before = scaled.size()
    for strike in range(1, STRIKES + 1):
        scaled.ring("ALARM")
        time.sleep(moments.uniform(0, LONGEST))
        process.kill()
        process.start()
        scaled.grows_to(before + strike)
        scaled.ring("OK")
    time.sleep(LEASE + 1)  # a second scaling would have begun
    scaled.grows_to(before + STRIKES)
    assert scaled.size() == before + STRIKES

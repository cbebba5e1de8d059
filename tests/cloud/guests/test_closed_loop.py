"""Metrics of a guest raise alarms, which change the size of a group: once up, once down, and no more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.cfntools.guests.cloud import Cloud
from tests.cfntools.guests.guest import Guest, booted

pytestmark = pytest.mark.cloud

TEMPLATE = (Path(__file__).parent / "scaling.yaml").read_text()
WITHIN = 240
EVERY = 3


def size(cloud: Cloud) -> int:
    """The number of the group's members."""
    [output] = cloud.stack("loop")["outputs"]
    return len([each for each in output["output_value"].split(",") if each])


def sizes_while_reporting(cloud: Cloud, guest: Guest, value: str, goal: int) -> list[int]:
    """The sizes of the group while the guest reports a value, until it has the wanted one."""
    seen, end = [size(cloud)], time.monotonic() + WITHIN
    while seen[-1] != goal:
        assert time.monotonic() < end, seen
        done = guest.run("cfn-push-stats", "--metric", "Queue", "--units", "Count", "--value", value)
        assert (done.returncode, done.stderr) == (0, "")
        time.sleep(EVERY)
        seen.append(size(cloud))
    return seen


def test_group_grows_under_load_and_shrinks_after_it(cloud: Cloud, root: Path) -> None:
    cloud.create("loop", TEMPLATE)
    guest = booted(cloud, root, "loop", "Reporter")
    assert guest.run("cfn-init").returncode == 0  # writes the credentials
    cloud.settled("loop", "CREATE_COMPLETE")
    assert set(sizes_while_reporting(cloud, guest, "90", goal=3)) <= {1, 2, 3}
    assert set(sizes_while_reporting(cloud, guest, "5", goal=1)) <= {1, 2, 3}

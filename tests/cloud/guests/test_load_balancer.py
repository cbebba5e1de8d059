"""The instance of a load balancer configures itself, and follows the instances that it balances."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cfntools.guests.cloud import Cloud
from tests.cloud.guests.mounted import MountedGuest

pytestmark = pytest.mark.cloud

TEMPLATE = (Path(__file__).parent / "balanced.yaml").read_text()
DEFAULTS = {"LbImageId": "cirros", "LbFlavor": "m1.tiny"}


def servers_in(guest: MountedGuest) -> list[str]:
    lines = guest.read("/etc/haproxy/haproxy.cfg").splitlines()
    return [line.split()[1] for line in lines if line.lstrip().startswith("server ")]


@pytest.mark.parametrize("released", [True, False], ids=["released", "ours"])
def test_load_balancer_follows_its_instances(cloud: Cloud, root: Path, released: bool) -> None:
    stack = "balanced-released" if released else "balanced"
    cloud.create(stack, TEMPLATE.replace("@INSTANCES@", "[{Ref: One}]"), **DEFAULTS)
    server = cloud.server(cloud.inside(stack, "Balancer"), "instance")
    guest = MountedGuest(root, server, released=released)
    guest.record("haproxy", "systemctl")
    done = guest.boot()
    assert done.returncode == 0, done.stderr
    cloud.settled(stack, "CREATE_COMPLETE")
    assert servers_in(guest) == ["instance-1"]
    first = ["haproxy -c -q -f /etc/haproxy/haproxy.cfg", "systemctl enable haproxy"]
    assert guest.recorded == [*first, "systemctl reload-or-restart haproxy"]
    assert guest.run("cfn-hup", "-f").returncode == 0
    assert len(guest.recorded) == 3
    cloud.update(stack, TEMPLATE.replace("@INSTANCES@", "[{Ref: One}, {Ref: Two}]"), **DEFAULTS)
    cloud.settled(stack, "UPDATE_COMPLETE")
    done = guest.run("cfn-hup", "-f")
    assert done.returncode == 0, done.stderr
    assert servers_in(guest) == ["instance-1", "instance-2"]
    assert guest.recorded[3:] == guest.recorded[:3]

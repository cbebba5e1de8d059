"""A volume that changes without its server, in the operation that takes it from that server for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.records import Status
from tests.scenarios.lives import Death
from tests.scenarios.story import Story, Wish
from tests.support.engine import world
from tests.support.templates import hot


def _ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def _template(*, read_only: bool, attached: bool) -> dict[str, Any]:
    def resource(kind: str, **properties: Any) -> dict[str, Any]:
        return {"type": kind, "properties": properties}

    found = {
        "net": resource("OS::Neutron::Net"),
        "subnet": resource("OS::Neutron::Subnet", network=_ref("net"), cidr="10.0.0.0/24"),
        "port": resource("OS::Neutron::Port", network=_ref("net")) | {"depends_on": "subnet"},
        "server": resource(
            "OS::Nova::Server", image="cirros", flavor="m1.nano", networks=[{"port": _ref("port")}]
        ),
        "disk": resource("OS::Cinder::Volume", size=1, read_only=read_only),
    }
    if attached:
        place = {"volume_id": _ref("disk"), "instance_uuid": _ref("server")}
        found["attachment"] = resource("OS::Cinder::VolumeAttachment", **place)
    return hot(found)


TOGETHER = Wish(1, instead=_template(read_only=False, attached=True))
APART = Wish(1, instead=_template(read_only=True, attached=False))


async def _apart(path: Path, latency: float, *deaths: Death) -> None:
    async with world(path, latency=latency, ready_after=10 * latency) as made:
        story = Story(made, 1)
        await story.fulfil([TOGETHER])
        stack = await story.fulfil([APART], deaths)
        assert stack is not None
        assert stack.status is Status.COMPLETE, (deaths, stack.reason)
        [disk] = made.objects("volumes")
        assert (disk["attachments"], disk["metadata"]["readonly"]) == ([], "True"), deaths
        await story.fulfil([Wish(0)])
        assert story.made() == {}


@pytest.mark.parametrize("latency", [0.0, 0.05])
async def test_a_volume_is_not_given_back_to_the_server_it_is_taken_from(
    tmp_path: Path, latency: float
) -> None:
    await _apart(tmp_path, latency)


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["written", "call", "called"])
@pytest.mark.parametrize("number", range(1, 7))
async def test_it_is_not_given_back_whenever_the_process_dies(tmp_path: Path, kind: str, number: int) -> None:
    await _apart(tmp_path, 0.05, Death(kind, number))

"""A small stack, and the answer of every single call lost together with the process that waited for it."""

from pathlib import Path

import pytest

from stackd.records import Status
from tests.scenarios.lives import Death
from tests.scenarios.story import Story, Wish
from tests.support.engine import world

SERVER = {"image": "cirros", "flavor": "m1.nano", "networks": [{"port": {"get_resource": "port"}}]}
ATTACHED = Wish(
    1,
    instead={
        "heat_template_version": "2018-08-31",
        "resources": {
            "net": {"type": "OS::Neutron::Net"},
            "subnet": {
                "type": "OS::Neutron::Subnet",
                "properties": {"network": {"get_resource": "net"}, "cidr": "10.1.0.0/24"},
            },
            "port": {
                "type": "OS::Neutron::Port",
                "properties": {"network": {"get_resource": "net"}},
                "depends_on": "subnet",
            },
            "server": {"type": "OS::Nova::Server", "properties": SERVER},
            "disk": {"type": "OS::Cinder::Volume", "properties": {"size": 1}},
            "attachment": {
                "type": "OS::Cinder::VolumeAttachment",
                "properties": {
                    "volume_id": {"get_resource": "disk"},
                    "instance_uuid": {"get_resource": "server"},
                },
            },
        },
    },
)
CALLS = 7
"""Calls that change something, from the trust (whose loss is tested elsewhere) to the attachment."""


@pytest.mark.parametrize("number", range(2, CALLS + 1))
async def test_no_object_is_lost_or_made_twice(tmp_path: Path, number: int) -> None:
    async with world(tmp_path) as made:
        story = Story(made, number)
        stack = await story.fulfil([ATTACHED], [Death("called", number)])
        assert stack is not None
        assert stack.status is Status.COMPLETE, stack.reason
        tables = ("network.networks", "network.ports", "compute.servers", "volume.volumes", "identity.trusts")
        assert [len(story.made()[table]) for table in tables] == [1, 1, 1, 1, 1]
        (disk,) = story.made()["volume.volumes"]
        assert len(disk["attachments"]) == 1
        await story.verify(await story.fulfil([Wish(0)]), 0)

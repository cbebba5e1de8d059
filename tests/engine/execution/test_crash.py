"""The process dies at every single write; another takes over, and nothing is lost or doubled."""

import asyncio
from pathlib import Path

import pytest

from stackd.records import Action, Status
from tests.support.engine import World, unless_dead, world

TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "resources": {
        "net": {"type": "OS::Neutron::Net"},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": {"get_resource": "net"}, "cidr": "10.1.0.0/24"},
        },
        "port": {"type": "OS::Neutron::Port", "properties": {"network": {"get_resource": "net"}}},
        "word": {"type": "OS::Heat::RandomString"},
        "group": {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": 2, "resource_def": {"type": "OS::Neutron::Net"}},
        },
    },
    "outputs": {"word": {"value": {"get_attr": ["word", "value"]}}},
}
WANTED = {"networks": 3, "subnets": 1, "ports": 1}


async def _survive(made: World, dies_at: int, after: bool) -> bool:
    """Create with a crash at a write, finish in a second life; whether the crash came at all."""
    async with made.process(dies_at=dies_at, after=after) as first:
        accepted = asyncio.create_task(first.create("s", TEMPLATE))
        stack = await unless_dead(first, accepted)
        if stack is not None:
            await unless_dead(first, asyncio.create_task(first.done(stack)))
        crashed = first.journal.died.is_set()
    async with made.process() as second:
        if stack is None:
            from stackd.db import stacks

            stack = await stacks.named(second.db, "s", second.caller.project_id)
            if stack is None:
                assert made.counts() == {}
                return crashed
        finished = await second.done(stack)
        assert (finished.action, finished.status) == (Action.CREATE, Status.COMPLETE), finished.reason
        assert made.counts() == WANTED
        assert len((await second.outputs(finished))["word"]) == 32
        rows = await second.rows(finished)
        assert all(row.status is Status.COMPLETE for row in rows.values())
        gone = await second.done(await second.delete(finished))
        assert gone.status is Status.COMPLETE, gone.reason
        assert made.counts() == {}
    return crashed


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 25, 3))
async def test_create_survives_a_crash_at_a_write(tmp_path: Path, dies_at: int, after: bool) -> None:
    async with world(tmp_path) as made:
        await _survive(made, dies_at, after)

"""A process that dies while what administrators make of machines and hosts is made, changed and deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackd.devcloud.keystone.assignments import grant
from stackd.records import Status
from tests.scenarios.lives import Death
from tests.scenarios.story import Story, Wish
from tests.support.actions import resource, template
from tests.support.engine import World, world

MADE = ("baremetal.ports", "reservation.hosts", "reservation.leases")
INSTANCE = {"resource_type": "virtual:instance", "amount": 1, "vcpus": 1, "memory_mb": 1, "disk_gb": 1}
LEASE = {
    "name": "l",
    "start_date": "2100-01-01 09:00",
    "end_date": "2100-01-02 09:00",
    "reservations": [INSTANCE],
}
FIRST = template(
    port=resource("OS::Ironic::Port", node="metal-1", address="52:54:00:00:00:01"),
    host=resource("OS::Blazar::Host", name="dev"),
    lease=resource("OS::Blazar::Lease", **LEASE),
)
SECOND = template(
    port=resource("OS::Ironic::Port", node="metal-2", address="52:54:00:00:00:02", extra={"a": "b"}),
    host=resource("OS::Blazar::Host", name="dev"),
    lease=resource("OS::Blazar::Lease", **LEASE | {"name": "m"}),
)


def make_administrator(made: World) -> None:
    """Let the user of the stack make such things, and services make trusts from that of the stack.

    After a death there is no token of the user's own.
    """
    keystone = made.settings.keystone.model_copy(update={"trusts_redelegated": True})
    made.settings = made.settings.model_copy(update={"keystone": keystone})
    store = made.cloud.store
    found = {kind: store.first(f"identity.{kind}s", name=name) for kind, name in WHO.items()}
    ids = {kind: each.id for kind, each in found.items() if each is not None}
    grant(made.cloud.world, ids["role"], ("user", ids["user"]), ("project", ids["project"]))


WHO = {"role": "admin", "user": "demo", "project": "demo"}


@pytest.mark.parametrize("number", range(2, 14, 3))
@pytest.mark.parametrize("kind", ["write", "written", "call", "called"])
async def test_nothing_is_lost_left_over_or_made_twice(tmp_path: Path, kind: str, number: int) -> None:
    async with world(tmp_path) as made:
        make_administrator(made)
        story = Story(made, number)
        for content in (FIRST, SECOND):
            stack = await story.fulfil([Wish(1, instead=content)], [Death(kind, number)])
            assert stack is not None
            assert stack.status is Status.COMPLETE, stack.reason
            assert [len(story.made()[name]) for name in MADE] == [1, 1, 1]
        await story.fulfil([Wish(0)], [Death(kind, number)])
        assert {name: found for name, found in story.made().items() if name in MADE} == {}

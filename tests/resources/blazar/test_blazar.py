"""Hosts that can be reserved and leases: what is sent, and their life on the simulated service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stackd.errors import CloudForbidden, ResourceFailure
from stackd.records import Status
from tests.support.actions import resource, state, template
from tests.support.context import FakeContext
from tests.support.engine import World, world

HOST, LEASE = "OS::Blazar::Host", "OS::Blazar::Lease"
DATES = {"start_date": "2100-01-01 09:00", "end_date": "2100-01-02 09:00"}
WHOLE: dict[str, Any] = {"resource_type": "physical:host", "min": 1, "max": 1}
PART: dict[str, Any] = {
    "resource_type": "virtual:instance", "amount": 2, "vcpus": 1, "memory_mb": 512, "disk_gb": 1,
}  # fmt: skip
SENT_WHOLE = WHOLE | {"hypervisor_properties": "", "resource_properties": "", "before_end": "default"}
SENT_PART = PART | {"affinity": False, "resource_properties": ""}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as each:
        yield each


def lease(**more: Any) -> dict[str, Any]:
    return {"name": "l", **DATES, "reservations": [WHOLE, PART], **more}


async def test_host_is_made_with_its_capabilities_and_found_by_its_name() -> None:
    ctx = FakeContext(HOST, properties={"name": "dev", "extra_capability": {"gpu": True}})
    live = {"id": "1", "hypervisor_hostname": "dev", "vcpus": 4, "gpu": "True", "trust_id": "t"}
    ctx.cloud.on("POST", "/os-hosts", {"host": live})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"gpu": True, "name": "dev"}]
    assert ctx.physical_id == "1"
    ctx.cloud.on("GET", "/os-hosts", {"hosts": [{"id": "2", "hypervisor_hostname": "x"}, live]})
    assert await ctx.type.find(ctx, ctx.props) == [live]
    values = ctx.type.attribute_values(ctx.resource, live)
    assert (values["vcpus"], values["extra_capability"]) == (4, {"gpu": "True"})
    assert ctx.type.observed(ctx.props, live) == {"extra_capability": ({"gpu": "True"}, {"gpu": "True"})}
    assert ctx.type.observed(ctx.load({"name": "dev"}), live) == {}


async def test_reservations_have_what_belongs_to_their_type() -> None:
    ctx = FakeContext(LEASE, properties=lease(before_end_date="2100-01-02 08:00"))
    ctx.cloud.on("GET", "/os-hosts", {"hosts": [{"id": "1"}]})
    ctx.cloud.on("POST", "/leases", {"lease": {"id": "l1", "name": "l"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {
            "name": "l",
            **DATES,
            "before_end_date": "2100-01-02 08:00",
            "events": [],
            "reservations": [SENT_WHOLE, SENT_PART],
        }
    ]
    assert ctx.physical_id == "l1"


async def test_lease_needs_a_host_unless_hosts_are_not_shown() -> None:
    ctx = FakeContext(LEASE, properties=lease())
    ctx.cloud.on("GET", "/os-hosts", {"hosts": []}, CloudForbidden("no", status=403))
    with pytest.raises(ResourceFailure, match="has no host"):
        await ctx.type.create(ctx, ctx.props)
    ctx.cloud.on("POST", "/leases", {"lease": {"id": "l1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "l1"


async def test_lease_is_found_by_its_name_and_observed_in_its_own_form() -> None:
    ctx = FakeContext(LEASE, properties=lease(events=[{"event_type": "e", "time": "2100-01-01 10:00"}]))
    live = {
        "id": "l1", "name": "l", "start_date": "2100-01-01T09:00:00.000000", "events": [],
        "end_date": "2100-01-02T10:00:00.000000",
        "reservations": [{"id": "r2", **SENT_PART}, {"id": "r1", **SENT_WHOLE}],
    }  # fmt: skip
    ctx.cloud.on("GET", "/leases", {"leases": [live, {"id": "l2", "name": "m"}]})
    assert await ctx.type.find(ctx, ctx.props) == [live]
    seen = ctx.type.observed(ctx.props, live)
    assert {name for name, (wanted, shown) in seen.items() if wanted != shown} == {"end_date"}
    less = ctx.type.observed(ctx.props, live | {"reservations": []})
    assert less["reservations"][0] != less["reservations"][1]


HELD: dict[str, Any] = {
    "host": resource(HOST, name="dev", extra_capability={"gpu": "1"}),
    "lease": resource(LEASE, name="l", **DATES, reservations=[WHOLE]),
}
SHOWN = {
    "outputs": {
        "status": {"value": {"get_attr": ["lease", "status"]}},
        "extra": {"value": {"get_attr": ["host", "extra_capability", "gpu"]}},
        "reserved": {"value": {"get_attr": ["lease", "reservations", 0, "resource_type"]}},
    }
}


@pytest.mark.parametrize("effect", ["", "drop_after"])
async def test_host_and_lease_live_on_the_service(made: World, effect: str) -> None:
    """The host is there before the lease and goes after it; no answer that is lost makes a second one."""
    if effect:
        made.cloud.faults.replace(
            [
                {"service": "reservation", "method": "POST", "path": path, "effect": effect, "times": 1}
                for path in ("/os-hosts$", "/leases$")
            ]
        )
    async with made.process(user="admin") as process:
        stack = await process.done(await process.create("s", template(**HELD) | SHOWN))
        assert stack.status is Status.COMPLETE, stack.reason
        assert made.counts() == {"hosts": 1, "leases": 1}
        outputs = await process.outputs(stack)
        assert outputs == {"status": "PENDING", "extra": "1", "reserved": "physical:host"}
        before = await process.rows(stack)
        other = HELD | {"lease": resource(LEASE, name="l", **DATES, reservations=[PART])}
        stack = await process.done(await process.update(stack, template(**other) | SHOWN))
        assert state(stack) == "UPDATE_FAILED"  # the host is reserved as a whole while the old lease is there
        assert "Not enough hosts available" in (stack.reason or "")
        assert (await process.rows(stack))["host"].physical_id == before["host"].physical_id
        gone_first = {"host": HELD["host"]}
        stack = await process.done(await process.update(stack, template(**gone_first)))
        assert state(stack) == "UPDATE_COMPLETE", stack.reason
        stack = await process.done(await process.update(stack, template(**other) | SHOWN))
        assert state(stack) == "UPDATE_COMPLETE", stack.reason
        (found,) = made.objects("leases")
        assert found["reservations"][0]["amount"] == 2
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"
        assert made.counts() == {}


async def test_lease_without_a_host_fails_with_what_to_do(made: World) -> None:
    async with made.process(user="admin") as process:
        stack = await process.done(await process.create("s", template(lease=HELD["lease"])))
        assert state(stack) == "CREATE_FAILED"
        assert "OS::Blazar::Host adds" in (stack.reason or "")


async def test_lease_that_is_gone_is_deleted(made: World) -> None:
    async with made.process(user="admin") as process:
        stack = await process.done(await process.create("s", template(**HELD)))
        assert stack.status is Status.COMPLETE, stack.reason
        for name in ("reservation.leases", "reservation.hosts"):
            for each in list(made.cloud.store.all(name)):
                made.cloud.store.remove(each)
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"

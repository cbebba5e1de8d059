import pytest

from stackd.errors import ResourceInError
from stackd.resources.base import unsupported
from stackd.resources.entity import settled
from tests.support.context import FakeContext, gone, make_resource, type_named


def test_settled_tells_ready_from_working_and_broken() -> None:
    assert settled("ACTIVE", ready="ACTIVE", working=("BUILD",))
    assert settled("DOWN", ready=("ACTIVE", "DOWN"), working=())
    assert not settled("BUILD", ready="ACTIVE", working=("BUILD",))
    with pytest.raises(ResourceInError, match="Went to status ERROR"):
        settled("ERROR", ready="ACTIVE", working=("BUILD",))


def test_the_reference_is_the_id_or_before_there_is_one_the_name() -> None:
    kind = type_named("OS::Nova::ServerGroup")
    assert kind.reference(make_resource("group")) == "group"
    assert kind.reference(make_resource("group", physical_id="g")) == "g"


async def test_an_object_is_deleted_by_its_id_and_found_by_its_name() -> None:
    ctx = FakeContext("OS::Nova::ServerGroup", physical="g")
    groups = [{"id": "g", "name": ctx.physical_name}, {"id": "h", "name": "other"}]
    ctx.cloud.on("DELETE", "/os-server-groups/g").on("GET", "/os-server-groups", {"server_groups": groups})
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/os-server-groups/g")]
    assert await ctx.type.find(ctx, ctx.props) == groups[:1]


async def test_what_the_service_does_not_know_is_gone() -> None:
    ctx = FakeContext("OS::Nova::ServerGroup", physical="g")
    ctx.cloud.on("GET", "/os-server-groups/g", {"server_group": {"id": "g"}}, gone())
    assert [await ctx.type.is_gone(ctx) for _ in range(2)] == [False, True]


def test_an_action_that_a_type_does_not_know_is_named() -> None:
    assert str(unsupported("SNAPSHOT", "A::B::C")) == "SNAPSHOT is not supported for A::B::C"

from typing import Any

import pytest

from stackd.errors import CloudConflict
from tests.support.context import FakeContext, gone

KIND = "OS::Nova::HostAggregate"
ONE, ACTION = "/os-aggregates/7", "/os-aggregates/7/action"


def aggregate(physical: str | None = "7", **properties: Any) -> FakeContext:
    return FakeContext(KIND, physical=physical, properties={"name": "a"} | properties)


def live(*hosts: str, **metadata: str) -> dict[str, Any]:
    return {"aggregate": {"id": 7, "name": "a", "hosts": list(hosts), "metadata": metadata}}


async def test_it_is_made_with_metadata_and_the_hosts_that_are_not_in() -> None:
    ctx = aggregate(None, availability_zone="z", hosts=["h2", "h1"], metadata={"ssd": True})
    ctx.cloud.on("POST", "/os-aggregates", {"aggregate": {"id": 7}}).on("GET", ONE, live("h1"))
    ctx.cloud.on("POST", ACTION)
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.physical_id == "7"
    assert ctx.cloud.sent("POST") == [
        {"aggregate": {"name": "a", "availability_zone": "z"}},
        {"set_metadata": {"metadata": {"ssd": "true"}}},
        {"add_host": {"host": "h2"}},
    ]


async def test_update_takes_hosts_out_first_and_nulls_metadata() -> None:
    ctx = aggregate(hosts=["h1", "h2"], metadata={"a": "1", "b": "2"})
    ctx.cloud.on("GET", ONE, live("h2")).on("PUT", ONE).on("POST", ACTION, gone(), None)
    new = {"name": "b", "hosts": ["h2", "h3"], "metadata": {"b": "3"}}
    await ctx.type.update(ctx, ctx.props, ctx.load(new))
    assert [call.body for call in ctx.cloud.calls if call.method != "GET"] == [
        {"remove_host": {"host": "h1"}},
        {"aggregate": {"name": "b"}},
        {"set_metadata": {"metadata": {"a": None, "b": "3"}}},
        {"add_host": {"host": "h3"}},
    ]


async def test_delete_takes_out_all_hosts() -> None:
    ctx = aggregate(hosts=["h1"])
    ctx.cloud.on("GET", ONE, live("h1", "foreign")).on("POST", ACTION).on("DELETE", ONE)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"remove_host": {"host": "foreign"}}, {"remove_host": {"host": "h1"}}]
    assert ctx.cloud.asked("DELETE") == [("DELETE", ONE)]


async def test_host_of_another_zone_is_refused_by_the_service() -> None:
    ctx = aggregate(hosts=["h1"])
    ctx.cloud.on("GET", ONE, live()).on("POST", ACTION, CloudConflict("is in another zone"))
    with pytest.raises(CloudConflict, match="another zone"):
        await ctx.type.configure(ctx, ctx.props)


async def test_lost_aggregate_is_found_by_its_name_and_drift_is_seen() -> None:
    ctx = aggregate(None, hosts=["h1"], metadata={"a": "1"})
    shown = {"id": 7, "name": "a", "hosts": ["h2"], "metadata": {"a": "1", "availability_zone": "z"}}
    ctx.cloud.on("GET", "/os-aggregates", {"aggregates": [{"id": 6, "name": "b"}, shown]})
    assert await ctx.type.find(ctx, ctx.props) == [shown]
    assert ctx.type.observed(ctx.props, shown) == {
        "name": ("a", "a"),
        "hosts": (["h1"], ["h2"]),
        "metadata": ({"a": "1"}, {"a": "1"}),
    }
    assert ctx.type.observed(ctx.load({"name": "a"}), shown) == {"name": ("a", "a")}

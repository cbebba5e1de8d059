from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

REGION, SERVICE, ENDPOINT = (f"OS::Keystone::{each}" for each in ("Region", "Service", "Endpoint"))
URL = {"service": "s", "interface": "public", "url": "http://a.test/"}
PARTS = [
    (REGION, "region", {"id": "north", "parent_region": "all"}, {"id": "north", "parent_region_id": "all"}),
    (REGION, "region", {}, {}),
    (SERVICE, "service", {"type": "x"}, {"name": "app-thing-abcdefghijkl", "type": "x"}),
    (
        ENDPOINT,
        "endpoint",
        {**URL, "region": "north"},
        {
            "name": "app-thing-abcdefghijkl",
            "interface": "public",
            "url": "http://a.test/",
            "service_id": "s",
            "region_id": "north",
        },
    ),
]


@pytest.mark.parametrize(("kind", "key", "properties", "body"), PARTS)
async def test_object_is_made_with_our_mark_and_found_by_it(
    kind: Any, key: Any, properties: Any, body: Any
) -> None:
    ctx = FakeContext(kind, properties=properties)
    ctx.cloud.on("POST", f"/{key}s", {key: {"id": "x1"}})
    await ctx.type.create(ctx, ctx.props)
    sent = {"enabled": True, "stackd_resource": "thing-uuid", **body}
    assert ctx.cloud.sent("POST") == [{key: sent}]
    ctx.cloud.on("GET", f"/{key}s", {f"{key}s": [sent, {"id": "x2"} | body]})
    assert await ctx.type.find(ctx, ctx.props) == [sent]


CHANGES = [
    (REGION, {"parent_region": "a"}, {"enabled": False}, {"parent_region_id": None, "enabled": False}),
    (SERVICE, {"type": "x"}, {"type": "y", "name": "n"}, {"type": "y", "name": "n"}),
    (ENDPOINT, URL | {"region": "a"}, URL | {"service": "t"}, {"region_id": None, "service_id": "t"}),
]


@pytest.mark.parametrize(("kind", "old", "new", "sent"), CHANGES)
async def test_change_in_place(kind: str, old: Any, new: Any, sent: Any) -> None:
    key = kind.rpartition("::")[2].lower()
    ctx = FakeContext(kind, properties=old, physical="x1")
    ctx.cloud.on("PATCH", f"/{key}s/x1", {})
    await ctx.type.update(ctx, ctx.props, ctx.load(new))
    assert ctx.cloud.sent("PATCH") == [{key: sent}]


@pytest.mark.parametrize("identity", ["a/b", "50%", ".", ".."])
def test_region_that_could_not_be_reached_is_refused(identity: str) -> None:
    ctx = FakeContext(REGION, properties={"id": identity})
    with pytest.raises(PropertyError, match="could not be reached") as refused:
        ctx.type.validate(ctx.props)
    assert refused.value.path == "properties.id"


@pytest.mark.parametrize("identity", [None, "north", "a b", "..x", Unknown("other", ("value",))])
def test_other_ids_of_regions_are_fine(identity: Any) -> None:
    ctx = FakeContext(REGION)
    ctx.type.validate(ctx.load({"id": identity}))

"""The types of the DNS service: what they send, wait for and refuse."""

from typing import Any

import pytest

from stackd.errors import PropertyError, ResourceInError
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed, gone

ZONE, RECORDS = "OS::Designate::Zone", "OS::Designate::RecordSet"
PRIMARY = {"name": "a.test.", "email": "me@a.test", "ttl": 60}
SECONDARY = {"name": "a.test.", "type": "SECONDARY", "primaries": ["10.0.0.1"]}
WWW = {"zone": "z1", "type": "A", "name": "www.a.test.", "records": ["10.0.0.1"]}
SETS = "/zones/z1/recordsets"


@pytest.mark.parametrize(
    ("properties", "body"),
    [
        (
            PRIMARY | {"attributes": {"pool": "fast"}},
            {**PRIMARY, "type": "PRIMARY", "attributes": {"pool": "fast"}},
        ),
        (PRIMARY | {"primaries": ["10.0.0.1"]}, {**PRIMARY, "type": "PRIMARY"}),
        (
            SECONDARY | {"email": "me@a.test", "ttl": 60},
            {"name": "a.test.", "type": "SECONDARY", "masters": ["10.0.0.1"]},
        ),
        (
            {"name": "a.test.", "type": "SECONDARY", "masters": ["10.0.0.1"]},
            {"name": "a.test.", "type": "SECONDARY", "masters": ["10.0.0.1"]},
        ),
    ],
)
async def test_zone_is_made_with_what_its_type_takes(properties: Any, body: Any) -> None:
    ctx = FakeContext(ZONE, properties=properties)
    ctx.type.validate(ctx.props)
    ctx.cloud.on("POST", "/zones", {"id": "z1", "status": "PENDING"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [body]
    assert ctx.type.reference(ctx.resource) == "z1"
    assert not ctx.type.ready(await ctx.live())


async def test_zone_is_changed_but_nothing_is_taken_away() -> None:
    ctx = FakeContext(ZONE, properties=PRIMARY | {"description": "d"}, physical="z1")
    ctx.cloud.on("PATCH", "/zones/z1", {})
    await ctx.type.update(ctx, ctx.props, ctx.load({**PRIMARY, "ttl": 90}))
    await ctx.type.update(ctx, ctx.props, ctx.load({**PRIMARY, "description": ""}))
    assert ctx.cloud.sent("PATCH") == [{"ttl": 90}]


@pytest.mark.parametrize("kind", [ZONE, RECORDS])
async def test_deletion_is_waited_for(kind: str) -> None:
    properties = PRIMARY if kind == ZONE else WWW
    ctx = FakeContext(kind, properties=properties, physical="x1")
    path = ("/zones" if kind == ZONE else SETS) + "/x1"
    ctx.cloud.on("DELETE", path).on("GET", path, {"status": "PENDING"}, gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.type.awaits_deletion
    assert not await ctx.type.is_gone(ctx)
    assert await ctx.type.is_gone(ctx)
    with pytest.raises(ResourceInError, match="ERROR"):
        ctx.type.gone({"status": "ERROR"})


@pytest.mark.parametrize(("status", "asked"), [("ERROR", [("DELETE", "/zones/z1")]), ("ACTIVE", [])])
async def test_only_an_object_in_error_goes_before_its_replacement(status: str, asked: Any) -> None:
    ctx = FakeContext(ZONE, properties=PRIMARY, physical="z1")
    ctx.cloud.on("GET", "/zones/z1", {"status": status}, {"status": "PENDING"}, gone())
    ctx.cloud.on("DELETE", "/zones/z1")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == asked
    assert ctx.type.broken({"status": status}) == bool(asked)


def test_any_status_but_two_is_good() -> None:
    kind = FakeContext(ZONE, properties=PRIMARY).type
    assert [kind.ready({"status": status}) for status in ("PENDING", "ACTIVE", "SUCCESS")] == [0, 1, 1]
    with pytest.raises(ResourceInError, match="Error in DNS service"):
        kind.ready({"status": "ERROR"})


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"name": "a.test."}, "Property email is required for zone type PRIMARY"),
        ({"name": "a.test.", "type": "SECONDARY"}, "Property primaries is required for zone type SECONDARY"),
    ],
)
def test_zone_has_what_its_type_needs(properties: Any, message: str) -> None:
    ctx = FakeContext(ZONE, properties=properties)
    with pytest.raises(PropertyError, match=message):
        ctx.type.validate(ctx.props)


def test_zone_of_a_type_that_is_not_known_is_not_judged() -> None:
    ctx = FakeContext(ZONE, properties={"name": "a.test.", "type": Unknown("t")})
    assert ctx.type.validate(ctx.props) is None


def test_zone_comes_after_those_that_it_is_in() -> None:
    ctx = FakeContext(ZONE, properties=PRIMARY | {"name": "c.b.a.test."})
    names = {"far": "a.test.", "near": "b.a.test.", "beside": "d.a.test.", "itself": "c.b.a.test."}
    others = among(*(Sibling(name, ZONE, {"name": zone}) for name, zone in names.items()))
    assert followed(ctx, ctx.props, others) == {"far", "near"}


# --- recordsets -----------------------------------------------------------------------------------------


async def test_records_are_made_in_their_zone() -> None:
    ctx = FakeContext(RECORDS, properties=WWW | {"ttl": 60})
    ctx.cloud.on("POST", SETS, {"id": "r1", "status": "PENDING"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {"name": "www.a.test.", "type": "A", "records": ["10.0.0.1"], "ttl": 60}
    ]
    assert ctx.data == {}
    assert ctx.type.reference(ctx.resource) == "r1"


@pytest.mark.parametrize(
    ("name", "complete"), [("www", "www.a.test."), (None, "app-thing-abcdefghijkl.a.test.")]
)
async def test_name_is_continued_by_the_zones(name: Any, complete: str) -> None:
    given = {**WWW, "name": name} if name else {key: WWW[key] for key in WWW if key != "name"}
    ctx = FakeContext(RECORDS, properties=given)
    ctx.cloud.on("GET", "/zones/z1", {"name": "a.test."}).on("POST", SETS, {"id": "r1"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST")[0]["name"] == complete
    live = {"name": complete, "zone_name": "a.test.", "type": "A", "records": ["10.0.0.1"]}
    seen = ctx.type.observed(ctx.props, live)
    assert {wanted == shown for wanted, shown in seen.values()} == {True}


async def test_zone_that_is_given_by_its_name_is_kept_by_its_id() -> None:
    ctx = FakeContext(RECORDS, properties=WWW | {"zone": "a.test."})
    props = ctx.load(WWW)
    ours = {"id": "r1", "name": "www.a.test."}
    ctx.cloud.on("GET", SETS, {"recordsets": [ours, {"id": "r2", "name": "x.www.a.test."}]})
    assert await ctx.type.find(ctx, props) == [ours]
    assert ctx.cloud.calls[0].params == {"limit": "1000", "name": "www.a.test.", "type": "A"}
    assert ctx.data == {"zone": "z1"}
    await ctx.created("r1")
    ctx.cloud.on("GET", f"{SETS}/r1", {"status": "ACTIVE"}).on("PUT", f"{SETS}/r1", {})
    assert ctx.type.ready(await ctx.live())
    await ctx.type.update(ctx, props, ctx.load(WWW | {"records": ["10.0.0.2"], "ttl": 9}))
    assert ctx.cloud.sent("PUT") == [{"records": ["10.0.0.2"], "ttl": 9}]


def test_order_of_records_means_nothing() -> None:
    ctx = FakeContext(RECORDS, properties=WWW | {"records": ["10.0.0.1", "10.0.0.2"]})
    seen = ctx.type.observed(ctx.props, {"records": ["10.0.0.2", "10.0.0.1"]})
    assert seen["records"] == (["10.0.0.1", "10.0.0.2"], ["10.0.0.1", "10.0.0.2"])

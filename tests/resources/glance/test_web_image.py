from typing import Any

import pytest

from stackd.errors import CloudConflict, PropertyError, ResourceInError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

KIND = "OS::Glance::WebImage"
BASE = {"container_format": "bare", "disk_format": "raw", "location": "http://images.test/a"}


def context(
    physical: str | None = "i1", status: str = "active", visibility: str = "private", **properties: Any
) -> Any:
    given = {"visibility": visibility, **properties}
    ctx = FakeContext(KIND, properties={**BASE, **given}, physical=physical)
    ctx.cloud.on("GET", "/images/i1", {"id": "i1", "status": status, "visibility": visibility})
    ctx.cloud.on("PATCH", "/images/i1", {})
    return ctx


async def updated(ctx: FakeContext, old: Any, new: Any) -> Any:
    await ctx.type.update(ctx, ctx.load({**BASE, **old}), ctx.load({**BASE, **new}))
    return ctx.cloud


async def test_image_is_made_without_data() -> None:
    ctx = context(None, os_distro="debian", extra_properties={"hw_disk_bus": "scsi"}, tags=["a"])
    ctx.cloud.on("POST", "/images", {"id": "i1", "status": "queued"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "i1"
    assert ctx.cloud.sent("POST") == [
        {
            "name": ctx.physical_name,
            "container_format": "bare",
            "disk_format": "raw",
            "min_disk": 0,
            "min_ram": 0,
            "protected": False,
            "visibility": "private",
            "os_distro": "debian",
            "tags": ["a"],
            "hw_disk_bus": "scsi",
        }
    ]


async def test_data_is_fetched_and_the_image_shared() -> None:
    ctx = context(status="queued", visibility="shared", members=["p1", "p2"])
    ctx.cloud.on("POST", "/images/i1/import", CloudConflict("active task"))
    ctx.cloud.on("POST", "/images/i1/members", CloudConflict("member"), {})
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {"method": {"name": "web-download", "uri": "http://images.test/a"}},
        {"member": "p1"},
        {"member": "p2"},
    ]


@pytest.mark.parametrize("status", ["importing", "active"])
async def test_data_is_fetched_once(status: Any) -> None:
    ctx = context(status=status)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == []


@pytest.mark.parametrize(
    ("status", "ready"), [("queued", False), ("saving", False), ("importing", False), ("active", True)]
)
async def test_ready_follows_status(status: Any, ready: Any) -> None:
    ctx = context(status=status)
    assert await ctx.type.is_ready(ctx, ctx.props) is ready
    assert ctx.cloud.asked() == []


@pytest.mark.parametrize(
    ("status", "active", "action"), [("active", False, "deactivate"), ("deactivated", True, "reactivate")]
)
async def test_image_is_made_active_or_not_when_it_is_ready(status: Any, active: Any, action: Any) -> None:
    ctx = context(status=status, active=active)
    ctx.cloud.on("POST", f"/images/i1/actions/{action}")
    assert await ctx.type.is_ready(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", f"/images/i1/actions/{action}")]


@pytest.mark.parametrize(
    "live",
    [{"status": "killed"}, {"status": "deleted"}, {"status": "queued", "os_glance_failed_import": "file"}],
)
async def test_failed_fetch_is_an_error(live: Any) -> None:
    ctx = context()
    ctx.cloud.on("GET", "/images/i1", live)
    with pytest.raises(ResourceInError):
        await ctx.type.is_ready(ctx, ctx.props)


async def test_update_patches_what_differs() -> None:
    ctx = context()
    ctx.cloud.on("GET", "/images/i1", {"architecture": "x86_64", "visibility": "private"})
    old = {"architecture": "x86_64", "os_version": "1", "extra_properties": {"gone": "1", "kept": "1"}}
    cloud = await updated(ctx, old, {"os_distro": "debian", "extra_properties": {"kept": "2"}})
    assert cloud.sent("PATCH") == [
        [
            {"op": "remove", "path": "/architecture"},
            {"op": "add", "path": "/os_distro", "value": "debian"},
            {"op": "add", "path": "/kept", "value": "2"},
        ]
    ]
    assert cloud.calls[-1].headers == {"Content-Type": "application/openstack-images-v2.1-json-patch"}


async def test_update_exchanges_tags_and_members() -> None:
    ctx = context(visibility="shared")
    ctx.cloud.on("DELETE", "/images/i1/tags/a", gone()).on("PUT", "/images/i1/tags/b%2Fc")
    ctx.cloud.on("DELETE", "/images/i1/members/p").on("POST", "/images/i1/members", {})
    shared = {"visibility": "shared"}
    old, new = {**shared, "tags": ["a"], "members": ["p"]}, {**shared, "tags": ["b/c"], "members": ["q"]}
    cloud = await updated(ctx, old, new)
    assert cloud.asked() == [
        ("DELETE", "/images/i1/members/p"),
        ("DELETE", "/images/i1/tags/a"),
        ("PUT", "/images/i1/tags/b%2Fc"),
        ("POST", "/images/i1/members"),
    ]


async def test_update_of_activity_alone_is_left_to_the_end() -> None:
    ctx = context()
    assert (await updated(ctx, {}, {"active": False})).asked() == []


async def test_members_of_an_image_that_is_no_longer_shared_are_left() -> None:
    ctx = context(visibility="private")
    old = {"visibility": "shared", "members": ["p"]}
    assert (await updated(ctx, old, {})).asked() == [("PATCH", "/images/i1")]


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"container_format": "ami"}, "do not go together"),
        ({"disk_format": "aki", "container_format": "ari"}, "do not go together"),
        ({"members": ["p"]}, "has no members"),
    ],
)
def test_contradictions_are_refused(properties: Any, complaint: Any) -> None:
    ctx = context(**properties)
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    "properties",
    [
        {"container_format": "ami", "disk_format": "ami"},
        {"container_format": "ami", "disk_format": Unknown("p")},
        {"members": Unknown("p"), "visibility": Unknown("q")},
        {"members": ["p"], "visibility": "shared"},
    ],
)
def test_what_may_fit_is_accepted(properties: Any) -> None:
    ctx = context(**properties)
    assert ctx.type.validate(ctx.props) is None

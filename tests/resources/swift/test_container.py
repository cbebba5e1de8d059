from typing import Any

import pytest

from stackd.clients.wire import Reply
from stackd.errors import CloudConflict, CloudForbidden, CloudNotFound
from tests.support.context import FakeContext, gone

KIND = "OS::Swift::Container"


def context(physical: str | None = "box", **properties: Any) -> FakeContext:
    return FakeContext(KIND, properties=properties, physical=physical)


async def test_container_is_made_with_its_rights_and_metadata() -> None:
    properties: dict[str, Any] = {
        "X-Container-Read": ".r:*",
        "X-Container-Meta": {"Web-Index": "index.html", "Number": 1},
    }
    ctx = context(None, **properties)
    ctx.cloud.on("PUT", f"/{ctx.physical_name}")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == ctx.physical_name
    assert ctx.cloud.calls[0].headers == {
        "X-Container-Read": ".r:*",
        "X-Container-Meta-Web-Index": "index.html",
        "X-Container-Meta-Number": "1",
    }


async def test_name_may_have_any_characters() -> None:
    ctx = context(None, name="50% off?")
    ctx.cloud.on("PUT", "/50%25%20off%3F")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "50% off?"


async def test_metadata_of_the_account_is_set() -> None:
    properties: dict[str, Any] = {"X-Account-Meta": {"Color": "blue"}}
    ctx = context(**properties)
    ctx.cloud.on("POST", "")
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.calls[0].headers == {"X-Account-Meta-Color": "blue"}


async def test_account_without_metadata_is_left_alone() -> None:
    ctx = context()
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.calls == []


async def test_delete_does_not_touch_objects() -> None:
    ctx = context()
    ctx.cloud.on("DELETE", "/box", CloudConflict("not empty"))
    with pytest.raises(CloudConflict):
        await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/box")]


async def test_purge_deletes_all_objects_of_all_pages() -> None:
    ctx = context(PurgeOnDelete=True)
    ctx.cloud.on("GET", "/box", [{"name": "a"}, {"name": "d/b 1"}], [{"name": "z"}], [])
    ctx.cloud.on("DELETE", "/box/a", gone())
    for path in ("/box/d/b%201", "/box/z", "/box"):
        ctx.cloud.on("DELETE", path)
    await ctx.type.delete(ctx, ctx.props)
    deleted = [path for _, path in ctx.cloud.asked()]
    assert sorted(deleted) == ["/box", "/box/a", "/box/d/b%201", "/box/z"]
    assert deleted[-1] == "/box"
    markers = [call.params.get("marker") for call in ctx.cloud.calls if call.method == "GET"]
    assert markers == [None, "d/b 1", "z"]


async def test_purge_fails_with_what_the_store_says() -> None:
    ctx = context(PurgeOnDelete=True)
    ctx.cloud.on("GET", "/box", [{"name": "a"}])
    ctx.cloud.on("DELETE", "/box/a", CloudForbidden("not yours"))
    with pytest.raises(CloudForbidden, match="not yours"):
        await ctx.type.delete(ctx, ctx.props)


async def test_missing_container_fails_the_check() -> None:
    ctx = context()
    ctx.cloud.on("HEAD", "/box", gone())
    with pytest.raises(CloudNotFound):
        await ctx.type.check(ctx, ctx.props)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DomainName", "object-store.test"),
        ("RootURL", "http://object-store.test/v1/AUTH_project-id"),
        ("WebsiteURL", "http://object-store.test/v1/AUTH_project-id/box"),
        ("ObjectCount", 3),
        ("BytesUsed", 0),
        ("HeadContainer", {"x-container-object-count": "3"}),
    ],
)
async def test_attributes_are_read_when_asked_for(name: Any, value: Any) -> None:
    ctx = context()
    ctx.cloud.on("HEAD", "/box", Reply(204, {"X-Container-Object-Count": "3"}, None, b""))
    assert await ctx.attribute(name) == value

from typing import Any

import pytest

from stackd.errors import CloudConflict, PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "AWS::S3::Bucket"
READ, WRITE = "X-Container-Read", "X-Container-Write"


async def headers_of(**properties: Any) -> dict[str, str]:
    ctx = FakeContext(KIND, properties=properties)
    path = f"/{ctx.physical_name}"
    ctx.cloud.on("PUT", path)
    await ctx.type.create(ctx, ctx.props)
    [call] = ctx.cloud.calls
    assert ctx.physical_id == ctx.physical_name
    return dict(call.headers)


@pytest.mark.parametrize(
    ("access", "rules"),
    [
        (None, {}),
        ("Private", {}),
        ("BucketOwnerFullControl", {}),
        ("PublicRead", {READ: ".r:*"}),
        ("PublicReadWrite", {READ: ".r:*", WRITE: "*:*"}),
        ("AuthenticatedRead", {READ: "project-id:*"}),
    ],
)
async def test_access_rules(access: str | None, rules: dict[str, str]) -> None:
    assert await headers_of(**({"AccessControl": access} if access else {})) == rules


async def test_pages_and_tags_are_metadata() -> None:
    pages = {"IndexDocument": "index.html", "ErrorDocument": "error.html"}
    tags = [{"Key": "team", "Value": "web"}]
    assert await headers_of(WebsiteConfiguration=pages, Tags=tags) == {
        "X-Container-Meta-Web-Index": "index.html",
        "X-Container-Meta-Web-Error": "error.html",
        "X-Container-Meta-S3-Tag-team": "web",
    }


async def test_attributes_are_where_the_bucket_is() -> None:
    ctx = FakeContext(KIND, physical="b")
    assert await ctx.attribute("DomainName") == "object-store.test"
    assert await ctx.attribute("WebsiteURL") == "http://object-store.test/v1/AUTH_project-id/b"


async def test_bucket_with_objects_is_not_deleted() -> None:
    ctx = FakeContext(KIND, physical="b")
    ctx.cloud.on("DELETE", "/b", CloudConflict("not empty", status=409))
    with pytest.raises(CloudConflict):
        await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/b")]


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"Tags": [{"Key": "a b", "Value": "x"}]}, "properties.Tags[0].Key"),
        ({"Tags": [{"Key": "a", "Value": "x\r\nX-Evil: 1"}]}, "properties.Tags[0].Value"),
        ({"WebsiteConfiguration": {"IndexDocument": "a\n"}}, "properties.WebsiteConfiguration.IndexDocument"),
    ],
)
def test_what_no_header_can_have_is_refused(properties: Any, path: str) -> None:
    ctx = FakeContext(KIND, properties=properties)
    with pytest.raises(PropertyError, match="header") as caught:
        ctx.type.validate(ctx.props)
    assert caught.value.path == path


def test_what_is_not_known_is_not_judged() -> None:
    ctx = FakeContext(KIND)
    for tags in (Unknown("x"), [Unknown("x")], [{"Key": Unknown("x"), "Value": "a"}]):
        ctx.type.validate(ctx.type.properties.wrap({"Tags": tags}))

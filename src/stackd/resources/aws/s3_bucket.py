"""AWS::S3::Bucket, a container of the object store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from stackd.errors import PropertyError
from stackd.resources.attributes import attr
from stackd.resources.aws.instance_parts import Pair, by_key
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop
from stackd.resources.swift.places import container_url, host, metadata_headers, path_of

_EVERYBODY: Final = ".r:*"
_ANY_USER: Final = "*:*"
"""Everybody who has a token: without one nobody may write."""

_TAG: Final = "X-Container-Meta-S3-Tag"
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]*")
_READ: Final = {"PublicRead": _EVERYBODY, "PublicReadWrite": _EVERYBODY, "AuthenticatedRead": "{project}:*"}
_WRITE: Final = {"PublicReadWrite": _ANY_USER}


class Website(Properties):
    """What is shown to a browser."""

    index: str | None = prop("The page of a directory.", name="IndexDocument")
    error: str | None = prop("The end of the names of pages for errors.", name="ErrorDocument")


class BucketProps(Properties):
    """Properties of ``AWS::S3::Bucket``."""

    access: str | None = prop(
        "Who may use the objects besides those who work with the account: everybody may read them, and "
        "everybody with a token write them (PublicRead, PublicReadWrite), users of the project may read them "
        "(AuthenticatedRead), or nobody.",
        name="AccessControl",
        constraints=[
            one_of(
                *("Private", "PublicRead", "PublicReadWrite"),
                *("AuthenticatedRead", "BucketOwnerRead", "BucketOwnerFullControl"),
            )
        ],
    )
    website: Website | None = prop("Pages for browsers.", name="WebsiteConfiguration")
    tags: list[Pair] | None = prop("Pairs of keys and texts on the bucket.", name="Tags")


@resource_type("AWS::S3::Bucket")
class Bucket(ResourceType[BucketProps]):
    """Holds objects. Its physical id is its name; a bucket that has objects is not deleted."""

    service = "object-store"
    attributes: ClassVar = {
        "DomainName": attr("Host name of the object store.", read=host),
        "WebsiteURL": attr("URL of the bucket.", read=container_url),
    }

    def validate(self, props: BucketProps) -> None:
        """Tags and pages become headers: keys their names, all else their values."""
        tags = props.data.get("Tags")
        for index, tag in enumerate(tags if isinstance(tags, list) else ()):
            _check(tag, "Key", f"properties.Tags[{index}]", _TOKEN)
            _check(tag, "Value", f"properties.Tags[{index}]", _LINE)
        for name in ("IndexDocument", "ErrorDocument"):
            _check(props.data.get("WebsiteConfiguration"), name, "properties.WebsiteConfiguration", _LINE)

    async def create(self, ctx: Context, props: BucketProps) -> None:
        """Make the container; to make it again does no harm."""
        name = ctx.physical_name
        headers = _headers(props, ctx.stack.project_id)
        await ctx.cloud.object_store.request("PUT", path_of(name), headers=headers)
        await ctx.created(name)

    async def delete(self, ctx: Context, props: BucketProps) -> None:
        """Delete the container; the store refuses one with objects."""
        await ctx.cloud.object_store.delete(path_of(ctx.physical_id))


def _check(values: Any, name: str, path: str, wanted: re.Pattern[str]) -> None:
    """Refuse a text that a header cannot have."""
    text = values.get(name) if isinstance(values, Mapping) else None
    if isinstance(text, str) and not wanted.fullmatch(text):
        raise PropertyError(
            f"{text!r:.100} cannot stand in a header.",
            path=f"{path}.{name}",
            remedy="Use letters, digits and hyphens." if wanted is _TOKEN else "Write it in one line.",
        )


def _headers(props: BucketProps, project: str) -> dict[str, str]:
    """The access rules, pages and tags as headers of the container."""
    access, website = props.access or "", props.website
    given: dict[str, Any] = {
        "X-Container-Read": _READ.get(access, "").format(project=project),
        "X-Container-Write": _WRITE.get(access, ""),
        "X-Container-Meta-Web-Index": website.index if website else None,
        "X-Container-Meta-Web-Error": website.error if website else None,
    }
    return {key: value for key, value in given.items() if value} | metadata_headers(
        _TAG, by_key(props.data["Tags"])
    )

"""OS::Zaqar::Queue, a queue of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.beside import once
from stackd.resources.constraints import length
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

SERVICE: Final = "messaging"
PAGE: Final = {"limit": "20"}
"""The largest page of a list."""

_PATCH: Final = {"Content-Type": "application/openstack-messaging-v2.0-json-patch"}
_LONGEST: Final = 64
_RESERVED: Final = "_"
"""What the names of those entries of the metadata begin with that the service itself reads."""


class QueueProps(Properties):
    """Properties of a queue."""

    name: str | None = prop("Name of the queue.", constraints=[length(high=_LONGEST)])
    metadata: dict[str, Any] | None = prop(
        "What is kept with the queue; names that begin with _ are settings of the service.", update=IN_PLACE
    )


_QUEUE_ID: Final = Support(
    "HIDDEN",
    "6.0.0",
    previous=Support(
        "DEPRECATED",
        "2015.1",
        message="The reference of the resource is the name of the queue.",
        previous=Support(version="2014.1"),
    ),
)


async def _href(reading: Reading) -> str:
    endpoint = await reading.cloud.service(SERVICE).endpoint()
    return f"{endpoint}/queues/{reading.physical_id}"


def _name(resource: Resource) -> str | None:
    return resource.physical_id


@resource_type("OS::Zaqar::Queue", since="2014.2")
class Queue(ResourceType[QueueProps]):
    """A queue of messages, known by its name in the project.

    One that is there already is taken over. The service knows queues of all names: others are empty.
    """

    entity = Entity(
        SERVICE,
        "/queues",
        "",
        "queues",
        list_query={**PAGE, "detailed": "true"},
        id_field="name",
        found_by=(),
    )
    name_limit = _LONGEST
    attributes: ClassVar = {
        "queue_id": attr("Name of the queue.", "any", compute=_name, support=_QUEUE_ID),
        "href": attr("URL of the queue.", "any", read=_href),
    }
    shown_by: ClassVar = {"metadata": ("show",)}

    async def create(self, ctx: Context, props: QueueProps) -> None:
        """Make the queue, with its metadata."""
        name = props.name or ctx.physical_name
        await ctx.cloud.service(SERVICE).put(f"/queues/{name}", props.metadata or {})
        await ctx.created(name)

    async def configure(self, ctx: Context, props: QueueProps) -> None:
        """Give the metadata to a queue that was there before, which the creation does not change."""
        await self._write(ctx, props.metadata or {})

    async def update(self, ctx: Context, old: QueueProps, new: QueueProps) -> None:
        """Give the queue exactly this metadata."""
        await self._write(ctx, new.metadata or {})

    async def _write(self, ctx: Context, wanted: Mapping[str, Any]) -> None:
        """Change what differs. Settings that are not wanted get their defaults when they are removed."""
        service, path = ctx.cloud.service(SERVICE), self.entity.at(ctx.physical_id)
        changes: list[JSON] = []

        async def is_done() -> bool:
            changes[:] = _changes(await service.get(path), wanted)
            return not changes

        async def ask() -> None:
            await service.request("PATCH", path, json=changes, headers=_PATCH)

        await once(ctx, is_done, ask)

    def observed(self, props: QueueProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """The metadata, with those settings only that are given."""
        wanted = props.metadata or {}
        shown = live["metadata"] if live.keys() >= {"href", "metadata"} else live
        present = {key: value for key, value in shown.items() if key in wanted or key[:1] != _RESERVED}
        return {"metadata": (wanted, present)}


def _changes(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[JSON]:
    """The JSON patch from one metadata to another."""
    changes: list[JSON] = []
    for key, value in wanted.items():
        if key not in present or present[key] != value:  # adding also replaces
            changes.append({"op": "add", "path": f"/metadata/{key}", "value": value})
    beyond = sorted(key for key in present.keys() - wanted.keys() if key[:1] != _RESERVED)
    return [*changes, *({"op": "remove", "path": f"/metadata/{key}"} for key in beyond)]

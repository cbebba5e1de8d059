"""OS::Nova::HostAggregate, hosts of the compute service that have something in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

from stackd.errors import CloudNotFound
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop

_ZONE: Final = "availability_zone"


class HostAggregateProps(Properties):
    """Properties of ``OS::Nova::HostAggregate``."""

    name: str = prop("Name of the aggregate.", required=True, update=IN_PLACE)
    availability_zone: str | None = prop("The availability zone that the hosts make up.", update=IN_PLACE)
    hosts: list[str] | None = prop("Names of the hosts.", update=IN_PLACE, element_find="nova.host")
    metadata: dict[str, Any] = prop(
        "Pairs that the scheduler compares with those of flavors.", default={}, update=IN_PLACE
    )


@resource_type("OS::Nova::HostAggregate", since="6.0.0")
class HostAggregate(RestResource[HostAggregateProps]):
    """Groups hosts, for availability zones and the scheduler; for administrators.

    Hosts and metadata are changed by actions. The service refuses to take away the zone. Names are unique:
    what failed is repaired rather than replaced.
    """

    entity = Entity("compute", "/os-aggregates", "aggregate", "aggregates", "PUT", found_by=())
    survives = True
    fields: ClassVar = same("name", _ZONE)

    def observed(self, props: HostAggregateProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Hosts, in any order, and metadata are compared where there are some in the template."""
        pairs = dict(super().observed(props, live) or {})
        if props.hosts:
            pairs["hosts"] = (sorted(props.hosts), sorted(live["hosts"]))
        if props.metadata:
            metadata = {key: value for key, value in live["metadata"].items() if key != _ZONE}
            pairs["metadata"] = (as_text(props.metadata), metadata)
        return pairs

    async def configure(self, ctx: Context, props: HostAggregateProps) -> None:
        """Set metadata, and add the hosts."""
        await _set_metadata(ctx, as_text(props.metadata))
        await _add(ctx, props.hosts or ())

    async def update(self, ctx: Context, old: HostAggregateProps, new: HostAggregateProps) -> None:
        """Hosts are taken out first: they cannot be in two availability zones at once."""
        await _remove(ctx, set(old.hosts or ()) - set(new.hosts or ()))
        await super().update(ctx, old, new)
        if new.metadata != old.metadata:
            gone = old.metadata.keys() - new.metadata.keys()
            await _set_metadata(ctx, dict.fromkeys(sorted(gone)) | as_text(new.metadata))
        await _add(ctx, new.hosts or ())

    async def delete(self, ctx: Context, props: HostAggregateProps) -> None:
        """An aggregate goes without its hosts, whoever has added them."""
        await _remove(ctx, (await ctx.live(fresh=True))["hosts"])
        await super().delete(ctx, props)


async def _set_metadata(ctx: Context, metadata: JSON) -> None:
    if metadata:
        await _act(ctx, "set_metadata", {"metadata": metadata})


async def _add(ctx: Context, hosts: Iterable[str]) -> None:
    """Add the hosts that are not in: the service refuses those that are."""
    wanted = set(hosts)
    present = (await ctx.live(fresh=True))["hosts"] if wanted else ()
    for host in sorted(wanted.difference(present)):
        await _act(ctx, "add_host", {"host": host})


async def _remove(ctx: Context, hosts: Iterable[str]) -> None:
    """Take hosts out. Idempotent: ignores 404."""
    for host in sorted(hosts):
        with suppress(CloudNotFound):
            await _act(ctx, "remove_host", {"host": host})


async def _act(ctx: Context, action: str, arguments: JSON) -> None:
    await ctx.cloud.compute.post(f"/os-aggregates/{ctx.physical_id}/action", {action: arguments})

"""OS::Designate::RecordSet, the records of one name and type in a zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from stackd.resources.constraints import between, length, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.designate.pending import LARGEST_PAGE, Pending
from stackd.resources.entity import Entity, find_made
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, Properties, prop

_TYPES: Final = (
    *("A", "AAAA", "CNAME", "MX", "SRV", "TXT", "SPF", "NS", "PTR", "SSHFP", "SOA", "CAA", "CERT"),
    "NAPTR",
)


class RecordSetProps(Properties):
    """Properties of records."""

    name: str | None = prop(
        "Name of the records; without a final dot it is continued by the zone's.",
        constraints=[length(None, 255)],
    )
    ttl: int | None = prop(
        "Seconds that the records may be remembered; the zone's if left out.",
        update=IN_PLACE,
        constraints=[between(1, 2147483647)],
    )
    description: str | None = prop(
        "What the records are for.", update=IN_PLACE, constraints=[length(None, 160)]
    )
    type: str = prop("Type of the records.", required=True, constraints=[one_of(*_TYPES)])
    records: list[Any] = prop("The data of each record.", required=True, update=IN_PLACE)
    zone: str = prop("Name or id of the zone.", required=True, find="designate.zone")


@resource_type("OS::Designate::RecordSet", since="8.0.0")
class RecordSet(Pending[RecordSetProps]):
    """Records. They are part of their zone, of which the id is kept: the property may be its name."""

    entity = Entity(
        *("dns", "/zones/{zone}/recordsets", "", "recordsets"),
        update="PUT",
        list_query=LARGEST_PAGE,
        found_by=("name", "type"),
    )
    fields: ClassVar = same("name", "type", "records", "ttl", "description")
    name_limit = 63

    async def creation(self, ctx: Context, props: RecordSetProps) -> JSON:
        """The name ends with that of the zone."""
        body = self.body(ctx, props)
        if body["name"].endswith("."):
            return body
        zone = await self.service_of(ctx).get(f"/zones/{props.zone}")
        return body | {"name": _complete(body["name"], zone["name"])}

    async def create(self, ctx: Context, props: RecordSetProps) -> None:
        """Keep the zone, then make the records."""
        await _keep_zone(ctx, props)
        await super().create(ctx, props)

    async def find(self, ctx: Context, props: RecordSetProps) -> Sequence[JSON]:
        """The records of the name and type; there can be no others."""
        await _keep_zone(ctx, props)
        return await find_made(ctx, self.entity.of(ctx.resource), await self.creation(ctx, props))

    def observed(self, props: RecordSetProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Records have no order, and names are complete."""
        pairs = dict(super().observed(props, live) or {})
        if "records" in pairs:
            wanted, shown = pairs["records"]
            pairs["records"] = sorted(map(str, wanted)), sorted(map(str, shown))
        if "name" in pairs:
            wanted, shown = pairs["name"]
            pairs["name"] = _complete(wanted, live["zone_name"]), shown
        return pairs


def _complete(name: str, zone: str) -> str:
    return name if name.endswith(".") else f"{name}.{zone}"


async def _keep_zone(ctx: Context, props: RecordSetProps) -> None:
    """Store the id of the zone, unless the property has it."""
    if props.zone not in (ctx.data.get("zone"), ctx.resource.properties.get("zone")):
        await ctx.put_data(zone=props.zone)

"""OS::Nova::Flavor, a size of servers."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.extra_specs import Access, add_specs, set_specs
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop

_ACCESS: Final = Access("addTenantAccess", "removeTenantAccess", "tenant")


class FlavorProps(Properties):
    """Properties of ``OS::Nova::Flavor``."""

    tenants: list[str] = prop(
        "The projects that may use the flavor when it is not public.",
        default=[],
        update=IN_PLACE,
        element_find="keystone.project",
        since="8.0.0",
    )
    flavorid: str | None = prop("Id of the flavor; one is generated when it is left out.", since="7.0.0")
    name: str | None = prop("Name of the flavor.", since="7.0.0")
    ram: int = prop("Memory in MB.", required=True)
    vcpus: int = prop("Number of virtual CPUs.", required=True)
    disk: int = prop("Size of the root disk in GB; as large as the image needs when 0.", default=0)
    swap: int = prop("Size of the swap disk in MB.", default=0)
    ephemeral: int = prop("Size of a further empty disk in GB.", default=0)
    rxtx_factor: float = prop("Share of the network bandwidth.", default=1.0)
    extra_specs: dict[str, Any] | None = prop("Extra specs of the flavor.", update=IN_PLACE)
    is_public: bool = prop("Whether every project may use the flavor.", default=True, since="6.0.0")


@resource_type("OS::Nova::Flavor", since="2014.2")
class Flavor(RestResource[FlavorProps]):
    """Describes a size of servers; usually for administrators."""

    entity = Entity(
        *("compute", "/flavors", "flavor", "flavors"),
        list_path="/flavors/detail",
        list_query={"is_public": "None"},
        found_by=(),
    )
    lookups: ClassVar = {
        "nova.flavor": Collection(
            *("Flavor", "compute", "/flavors", "flavors"),
            whole=True,
            params={"is_public": "None"},
            absence="No Flavor matching {{'name': '{name}'}}. (HTTP 404)",
        )
    }
    fields: ClassVar = same("name", "ram", "vcpus", "disk", "swap", "rxtx_factor") | {
        "flavorid": "id",
        "ephemeral": "OS-FLV-EXT-DATA:ephemeral",
        "is_public": "os-flavor-access:is_public",
    }
    attributes: ClassVar = {
        "is_public": attr(
            "Whether every project may use the flavor.",
            "boolean",
            source="os-flavor-access:is_public",
            since="6.0.0",
        ),
        "extra_specs": attr("Extra specs of the flavor.", "map", since="7.0.0"),
    }

    def body(self, ctx: Context, props: FlavorProps) -> JSON:
        """The service generates an id where it is null."""
        return {"id": None} | super().body(ctx, props)

    async def configure(self, ctx: Context, props: FlavorProps) -> None:
        """Extra specs and access are collections of their own."""
        path = f"/flavors/{ctx.physical_id}"
        await add_specs(ctx.cloud.compute, f"{path}/os-extra_specs", props.extra_specs)
        if not props.is_public:
            own = [] if props.tenants else [ctx.stack.project_id]
            await _ACCESS.change(ctx.cloud.compute, path, (), [*props.tenants, *own])

    async def update(self, ctx: Context, old: FlavorProps, new: FlavorProps) -> None:
        """Change the extra specs and who may use the flavor."""
        path = f"/flavors/{ctx.physical_id}"
        if new.extra_specs != old.extra_specs:
            await set_specs(ctx.cloud.compute, f"{path}/os-extra_specs", new.extra_specs)
        if not new.is_public:
            await _ACCESS.change(ctx.cloud.compute, path, old.tenants, new.tenants)

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The answer to the creation has no extra specs: they are set after it."""
        specs = resource.properties.get("extra_specs") or live.get("extra_specs") or {}
        return super().attribute_values(resource, live) | {"extra_specs": specs}

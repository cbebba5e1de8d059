"""OS::Nova::Flavor, a size of servers."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.errors import CloudConflict, CloudNotFound
from stackd.records import Resource
from stackd.resources.base import Entity, ResourceType, attr
from stackd.resources.context import JSON, Context
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


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
class Flavor(ResourceType[FlavorProps]):
    """Describes a size of servers; usually for administrators."""

    properties = FlavorProps
    entity = Entity("compute", "/flavors", "flavor", "flavors", list_path="/flavors/detail", name_filter="")
    attributes: ClassVar = {
        "is_public": attr("Whether every project may use the flavor.", "boolean", since="6.0.0"),
        "extra_specs": attr("Extra specs of the flavor.", "map", since="7.0.0"),
    }

    async def create(self, ctx: Context, props: FlavorProps) -> None:
        """Make the flavor."""
        body = props.body("ram", "vcpus", "disk", "swap", "rxtx_factor")
        body |= {
            "name": props.name or ctx.physical_name,
            "id": props.flavorid or None,  # null: the service generates one
            "OS-FLV-EXT-DATA:ephemeral": props.ephemeral,
            "os-flavor-access:is_public": props.is_public,
        }
        made = (await ctx.cloud.compute.post("/flavors", {"flavor": body}))["flavor"]
        await ctx.created(made["id"], made)

    async def configure(self, ctx: Context, props: FlavorProps) -> None:
        """Set the extra specs, and let the projects in."""
        if props.extra_specs:
            await _set_specs(ctx, props.extra_specs)
        if not props.is_public:
            own = [] if props.tenants else [ctx.stack.project_id]
            await _let_in(ctx, {*props.tenants, *own})

    async def update(self, ctx: Context, old: FlavorProps, new: FlavorProps) -> None:
        """Change the extra specs and who may use the flavor."""
        if new.extra_specs != old.extra_specs:
            specs = f"/flavors/{ctx.physical_id}/os-extra_specs"
            now = (await ctx.cloud.compute.get(specs))["extra_specs"]
            for key in sorted(now.keys() - (new.extra_specs or {}).keys()):
                await ctx.cloud.compute.delete(f"{specs}/{key}")
            if new.extra_specs:
                await _set_specs(ctx, new.extra_specs)
        if not new.is_public and new.tenants != old.tenants:
            await _let_in(ctx, set(new.tenants) - set(old.tenants))
            for project in sorted(set(old.tenants) - set(new.tenants)):
                await _change_access(ctx, "removeTenantAccess", project)

    async def find(self, ctx: Context, props: FlavorProps) -> list[JSON]:
        """The flavor of this name, public or not."""
        name = props.name or ctx.physical_name
        listed = await ctx.cloud.compute.list_all("/flavors/detail", "flavors", {"is_public": "None"})
        return [each for each in listed if each["name"] == name]

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """Who may use the flavor, and its extra specs."""
        return {
            "is_public": live.get("os-flavor-access:is_public"),
            "extra_specs": resource.properties.get("extra_specs") or live.get("extra_specs") or {},
        }


async def _set_specs(ctx: Context, specs: dict[str, Any]) -> None:
    path = f"/flavors/{ctx.physical_id}/os-extra_specs"
    await ctx.cloud.compute.post(path, {"extra_specs": as_text(specs)})


async def _let_in(ctx: Context, projects: set[str]) -> None:
    for project in sorted(projects):
        await _change_access(ctx, "addTenantAccess", project)


async def _change_access(ctx: Context, action: str, project: str) -> None:
    """Let a project in or keep it out; content when it is so already."""
    try:
        await ctx.cloud.compute.post(f"/flavors/{ctx.physical_id}/action", {action: {"tenant": project}})
    except (CloudConflict, CloudNotFound):
        return

"""OS::Heat::DeployedServer, a machine that was not made here and gets software deployments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.heat import transports
from stackd.resources.heat.transports import PolledProps
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Support, prop

_METADATA = Support(
    "DEPRECATED",
    "9.0.0",
    message="It has no effect, as there is no server in Nova to keep it.",
    previous=Support(version="8.0.0"),
)


class DeployedServerProps(PolledProps):
    """Properties of ``OS::Heat::DeployedServer``."""

    name: str | None = prop("Name of the server.", update=IN_PLACE)
    metadata: dict[str, Any] | None = prop("Has no effect.", update=IN_PLACE, support=_METADATA)


def _name(resource: Resource) -> Any:
    return resource.properties.get("name") or resource.data.get("name")


@resource_type("OS::Heat::DeployedServer")
class DeployedServer(ResourceType[DeployedServerProps]):
    """Gives a machine that runs already what its agent needs to fetch its metadata.

    Its agent is configured by hand with what the attribute ``os_collect_config`` shows.
    """

    shown_by: ClassVar[Mapping[str, Any]] = {
        "software_config_transport": ("os_collect_config",),
        "deployment_swift_data": ("os_collect_config",),
    }
    attributes: ClassVar = {
        "name": attr("Name of the server.", compute=_name),
        "os_collect_config": attr(
            "How the server gets its metadata.",
            "map",
            compute=lambda resource: resource.metadata.get(transports.SECTION),
            since="9.0.0",
        ),
    }

    def validate_metadata(self, props: DeployedServerProps, metadata: Mapping[str, Any]) -> None:
        """What the machine is to do has its own place in the metadata."""
        transports.require_free(metadata)

    def own_metadata(self, stored: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
        """How the server gets its metadata."""
        return transports.own_section(stored, written)

    async def create(self, ctx: Context, props: DeployedServerProps) -> None:
        """Make nothing: the machine is known by the id of the resource."""
        await ctx.put_data(name=ctx.physical_name)
        await ctx.created(ctx.resource.id)

    async def configure(self, ctx: Context, props: DeployedServerProps) -> None:
        """Open the way by which the machine gets its metadata."""
        await transports.prepare(ctx, props)

    async def update(self, ctx: Context, old: DeployedServerProps, new: DeployedServerProps) -> None:
        """Open another way; what the machine was told before stays good until it has read of the new one."""
        await transports.prepare(ctx, new)

    async def delete(self, ctx: Context, props: DeployedServerProps) -> None:
        """Close the way by which the machine gets its metadata."""
        await transports.close(ctx)

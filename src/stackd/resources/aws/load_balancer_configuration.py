"""What a load balancer does, as its instance reads it; a resource of the stack inside a load balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackd.errors import CloudNotFound, ResourceFailure
from stackd.records import Resource
from stackd.resources.aws import load_balancers
from stackd.resources.aws.haproxy import PLACE, configuration
from stackd.resources.aws.load_balancer_props import HealthCheck, Listener
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.nova.views import first_address
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_ADDRESSES = "addresses"


class ConfigurationProps(Properties):
    """Properties of a configuration: those of the load balancer that an instance needs."""

    listeners: list[Listener] = prop("Ports that are balanced.", name="Listeners", required=True)
    health: HealthCheck | None = prop("How the instances are checked.", name="HealthCheck")
    instances: list[str] = prop("Ids of instances.", name="Instances", default=[], update=IN_PLACE)


@resource_type("Stackd::LoadBalancer::Configuration", support=Support("HIDDEN"))
class Configuration(ResourceType[ConfigurationProps]):
    """Shows guests a configuration of HAProxy as metadata, with the members that groups have right then."""

    service = "compute"
    gathers = load_balancers.MEMBERS

    async def create(self, ctx: Context, props: ConfigurationProps) -> None:
        """Make nothing but a name."""
        await ctx.created(ctx.physical_name)

    async def configure(self, ctx: Context, props: ConfigurationProps) -> None:
        """Keep the addresses of the instances."""
        await ctx.put_data(**{_ADDRESSES: [await _address(ctx, each) for each in props.instances]})

    async def update(self, ctx: Context, old: ConfigurationProps, new: ConfigurationProps) -> None:
        """Keep the addresses of other instances."""
        await self.configure(ctx, new)

    async def delete(self, ctx: Context, props: ConfigurationProps) -> None:
        """Delete nothing."""

    def gathered(self, resource: Resource, around: str, found: Sequence[Resource]) -> Mapping[str, Any]:
        """The configuration as metadata for cfn-init."""
        own = resource.data.get(_ADDRESSES) or ()
        addresses = dict.fromkeys([*own, *load_balancers.addresses_for(around, found)])
        properties = resource.properties
        text = configuration(properties["Listeners"], properties.get("HealthCheck"), list(addresses))
        file = {"content": text, "mode": "000644", "owner": "root", "group": "root"}
        return {"AWS::CloudFormation::Init": {"config": {"files": {PLACE: file}}}}


async def _address(ctx: Context, server: str) -> str:
    """The first address of an instance."""
    try:
        live = (await ctx.cloud.compute.get(f"/servers/{server}"))["server"]
    except CloudNotFound:
        raise ResourceFailure(f"There is no instance {server} to balance.") from None
    address = first_address(live)
    if address is None:
        raise ResourceFailure(f"Instance {server} has no address that connections could go to.")
    return address

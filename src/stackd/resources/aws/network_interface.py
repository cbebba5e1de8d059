"""AWS::EC2::NetworkInterface, a connection of an instance to a subnet."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.aws.instance_parts import Pair, tags_without_effect
from stackd.resources.context import JSON, Context
from stackd.resources.neutron import port_addresses
from stackd.resources.neutron.network import BUILT, network
from stackd.resources.neutron.port_groups import group_ids, group_ids_or_default
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import IN_PLACE, Properties, prop

_ADDRESS = "PrivateIpAddress"


class NetworkInterfaceProps(Properties):
    """Properties of ``AWS::EC2::NetworkInterface``."""

    description: str | None = prop("What the interface is for.", name="Description")
    groups: list[Any] | None = prop("Names or ids of security groups.", name="GroupSet", update=IN_PLACE)
    address: str | None = prop("The address that it is to have.", name=_ADDRESS)
    source_check: bool | None = prop("Not implemented.", name="SourceDestCheck", implemented=False)
    subnet: str = prop("Name or id of the subnet.", name="SubnetId", required=True, find="neutron.subnet")
    tags: list[Pair] | None = tags_without_effect()


@resource_type("AWS::EC2::NetworkInterface")
class NetworkInterface(RestResource[NetworkInterfaceProps]):
    """A port on a subnet; without security groups it has the default one of the project."""

    entity = network("port")
    readiness = BUILT
    survives = True
    fields: ClassVar = {"Description": "description"}
    attributes: ClassVar = {_ADDRESS: attr("The address that it has.")}

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The first of its addresses."""
        return {_ADDRESS: next((each["ip_address"] for each in live.get("fixed_ips") or ()), None)}

    async def creation(self, ctx: Context, props: NetworkInterfaceProps) -> JSON:
        """The subnet decides the network."""
        subnet = (await ctx.cloud.network.get(f"/subnets/{props.subnet}"))["subnet"]
        place = {"subnet_id": props.subnet} | ({"ip_address": props.address} if props.address else {})
        body = self.body(ctx, props) | {"network_id": subnet["network_id"], "fixed_ips": [place]}
        if props.groups is not None:
            body["security_groups"] = await group_ids(ctx, props.groups)
        return body

    async def prepare_for_replace(self, ctx: Context, props: NetworkInterfaceProps) -> None:
        """Give the address free, so that the new port can have the same."""
        await port_addresses.free(ctx)

    async def undo_replace(self, ctx: Context, props: NetworkInterfaceProps) -> None:
        """Take the address back, from the new port if it still has it."""
        await port_addresses.take_back(ctx)

    async def change(self, ctx: Context, old: NetworkInterfaceProps, new: NetworkInterfaceProps) -> JSON:
        """Groups that are taken away give the default one back."""
        return {"security_groups": await group_ids_or_default(ctx, new.groups)}

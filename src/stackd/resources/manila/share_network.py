"""OS::Manila::ShareNetwork, where share servers are, and what they look users up in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.errors import PropertyError, StackdError
from stackd.records import Resource
from stackd.resources.attributes import LIVE, attr
from stackd.resources.beside import once
from stackd.resources.context import JSON, Context, Probe
from stackd.resources.manila.shared import manila, names
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.rules import is_set
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_PLACE: Final = ("neutron_net_id", "neutron_subnet_id")
_RETIRED: Final = Support("HIDDEN", "21.0.0", "Neutron has the networks: use neutron_network.")


class ShareNetworkProps(Properties):
    """Properties of a share network."""

    name: str | None = prop("Name of the share network.", update=IN_PLACE)
    neutron_network: str | None = prop(
        "Name or id of the network; that of the subnet if left out.", update=IN_PLACE, find="neutron.network"
    )
    neutron_subnet: str | None = prop(
        "Name or id of the subnet on which share servers have their addresses.",
        update=IN_PLACE,
        find="neutron.subnet",
    )
    nova_network: str | None = prop(
        "Does nothing: no service has such networks.", update=IN_PLACE, support=_RETIRED
    )
    description: str | None = prop("What the share network is for.", update=IN_PLACE)
    security_services: list[str] = prop("Ids of the security services.", default=[], update=IN_PLACE)


@resource_type("OS::Manila::ShareNetwork", since="5.0.0")
class ShareNetwork(RestResource[ShareNetworkProps]):
    """A network for shares, of a subnet.

    The service shows what belongs to the subnet apart. It is known only when there is a share on it, and in
    part to administrators alone.
    """

    entity = manila("/share-networks", "share_network", "share_networks")
    lookups: ClassVar = {"manila.share_network": names("Share network", "/share-networks", "share_networks")}
    fields: ClassVar = same("name", "description") | {
        "neutron_network": _PLACE[0],
        "neutron_subnet": _PLACE[1],
    }
    attributes: ClassVar = {
        "segmentation_id": attr("Number of the network's segment, to those who may see it.", how=LIVE),
        "cidr": attr("Addresses of the network, once there is a share on it.", how=LIVE),
        "ip_version": attr("Version of the addresses, once there is a share on it.", how=LIVE),
        "network_type": attr("Kind of the network, to those who may see it.", how=LIVE),
    }
    shown_by: ClassVar = dict.fromkeys(("neutron_network", "neutron_subnet"), tuple(attributes))

    def validate(self, props: ShareNetworkProps) -> None:
        """A network alone is not enough for addresses."""
        if is_set(props.neutron_network) and not is_set(props.neutron_subnet):
            raise PropertyError(
                "neutron_subnet is required where neutron_network is given.",
                path="properties.neutron_network",
                remedy="Name the subnet of the network on which share servers are to be.",
            )

    async def probe(self, ctx: Probe, props: ShareNetworkProps) -> None:
        """The subnet is one of the network's. What cannot be found is reported elsewhere."""
        network, subnet = props.neutron_network, props.neutron_subnet
        if not (network and subnet and isinstance(network, str) and isinstance(subnet, str)):
            return
        finder = Finder(ctx.cloud)
        try:
            wanted = await finder.id_of("neutron.network", network)
            owner = await _network_of(ctx.cloud, await finder.id_of("neutron.subnet", subnet))
        except StackdError:
            return
        if owner != wanted:
            raise PropertyError(
                f"The subnet {subnet} does not belong to the network {network}.",
                path="properties.neutron_subnet",
                remedy="Leave out neutron_network, or name a subnet of it.",
            )

    async def creation(self, ctx: Context, props: ShareNetworkProps) -> JSON:
        """The network of the subnet is named with it."""
        return self.body(ctx, props) | await _place(ctx, props)

    async def configure(self, ctx: Context, props: ShareNetworkProps) -> None:
        """Add the security services."""
        await self._exchange(ctx, (), props.security_services)

    async def change(self, ctx: Context, old: ShareNetworkProps, new: ShareNetworkProps) -> JSON:
        """Network and subnet change together."""
        body = await super().change(ctx, old, new)
        return body | (await _place(ctx, new) if body.keys() & set(_PLACE) else {})

    async def update(self, ctx: Context, old: ShareNetworkProps, new: ShareNetworkProps) -> None:
        """Security services go and come one by one."""
        await super().update(ctx, old, new)
        if old.security_services != new.security_services:
            await self._exchange(ctx, old.security_services, new.security_services)

    def observed(self, props: ShareNetworkProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """What the subnet of the share network shows counts as the share network's."""
        return super().observed(props, _flat(live))

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """As ``observed``."""
        return super().attribute_values(resource, _flat(live))

    async def _exchange(self, ctx: Context, old: Collection[str], new: Collection[str]) -> None:
        """Remove what only ``old`` has, as there can be one of each type; then add what is missing."""
        for identity in sorted({*old} - {*new}):
            act = partial(self._act, ctx, "remove_security_service", identity)
            await once(ctx, partial(self._has, ctx, identity, False), act)
        for identity in dict.fromkeys(new):
            act = partial(self._act, ctx, "add_security_service", identity)
            await once(ctx, partial(self._has, ctx, identity, True), act)

    async def _has(self, ctx: Context, identity: str, expected: bool) -> bool:
        """Whether a security service belongs to the share network, or does not, as is expected."""
        query = {"share_network_id": ctx.physical_id}
        found = await self.service_of(ctx).list_all("/security-services", "security_services", query)
        return any(each["id"] == identity for each in found) is expected

    async def _act(self, ctx: Context, action: str, identity: str) -> None:
        path = f"{self.entity.at(ctx.physical_id)}/action"
        await self.service_of(ctx).post(path, {action: {"security_service_id": identity}})


async def _place(ctx: Context, props: ShareNetworkProps) -> JSON:
    """Network and subnet as a request has them, null where there are none."""
    network, subnet = props.neutron_network or None, props.neutron_subnet or None
    if subnet and not network:
        network = await _network_of(ctx.cloud, subnet)
    return dict(zip(_PLACE, (network, subnet), strict=True))


async def _network_of(cloud: Cloud, subnet: str) -> str:
    """The id of the network that a subnet belongs to."""
    return str((await cloud.network.get_fact(f"/subnets/{subnet}"))["subnet"]["network_id"])


def _flat(live: JSON) -> JSON:
    """A share network with the fields of its subnet that is for every zone, as older versions show it."""
    subnets = live.get("share_network_subnets") or ()
    usual: JSON = next((each for each in subnets if not each.get("availability_zone")), {})
    return {**usual, **live}

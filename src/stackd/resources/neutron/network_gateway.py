"""OS::Neutron::NetworkGateway, a device that connects networks with what is outside of the cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from stackd.errors import CloudConflict, CloudNotFound, PropertyError, StackdError
from stackd.resources.attributes import attr
from stackd.resources.constraints import between, length, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import former, network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.rules import known
from stackd.resources.schema import IN_PLACE, Properties, prop

_FLAT, _VLAN = "flat", "vlan"


class DeviceProps(Properties):
    """A device of the gateway."""

    id: str = prop("Id of the device.", required=True)
    interface_name: str = prop("Name of its interface to the outside.", required=True)


class ConnectionProps(Properties):
    """A network that goes on behind the gateway."""

    network_id: str | None = former("network", "neutron.network")
    network: str = prop("Name or id of the network.", required=True, find="neutron.network", since="2014.2")
    segmentation_type: str = prop(
        "How the network is told apart on the other side.",
        default=_FLAT,
        constraints=[one_of(_FLAT, _VLAN)],
    )
    segmentation_id: int | None = prop(
        "Number of the VLAN on the other side.", constraints=[between(0, 4094)]
    )


class NetworkGatewayProps(Properties):
    """Properties of a network gateway."""

    name: str | None = prop("Name of the gateway.", update=IN_PLACE)
    devices: list[DeviceProps] = prop(
        "The devices of the gateway.", required=True, update=IN_PLACE, constraints=[length(1)]
    )
    connections: list[ConnectionProps] | None = prop(
        "Networks that are connected to the gateway.", default={}, update=IN_PLACE
    )


@resource_type("OS::Neutron::NetworkGateway", since="2014.1")
class NetworkGateway(RestResource[NetworkGatewayProps]):
    """Devices at the edge of the cloud, and the networks that they connect with the outside.

    Each connection is a request of its own. The API cannot change devices: the gateway is deleted, and made
    anew with another id, by the same update.
    """

    entity = network("network_gateway")
    survives = True
    fields: ClassVar = same("name", "devices")
    attributes: ClassVar = {"default": attr("Whether the gateway is the project's default.")}
    shown_by: ClassVar = {"devices": ("default",)}

    def validate(self, props: NetworkGatewayProps) -> None:
        """Only VLANs have numbers, and all have."""
        for index, each in enumerate(known(props.connections) or ()):
            if isinstance(each, ConnectionProps):
                _check(each, f"properties.connections[{index}]")

    async def configure(self, ctx: Context, props: NetworkGatewayProps) -> None:
        """Connect the networks."""
        await _connect(ctx, _connections(props.data))

    async def update(self, ctx: Context, old: NetworkGatewayProps, new: NetworkGatewayProps) -> None:
        """Other devices make another gateway; only connections that differ are cut and made."""
        if "devices" in new.changed(old):
            await self._renew(ctx, old, new)
            return
        await super().update(ctx, old, new)
        before, after = _connections(old.data), _connections(new.data)
        await _disconnect(ctx, (each for each in before if each not in after))
        await _connect(ctx, (each for each in after if each not in before))

    async def delete(self, ctx: Context, props: NetworkGatewayProps) -> None:
        """Cut the connections first, also those of an update that has failed."""
        now = _connections(props.data)
        before = [
            await _looked_up(ctx, each) for each in _connections(ctx.resource.previous_properties or {})
        ]
        await _disconnect(ctx, [*now, *(each for each in before if each not in now)])
        await super().delete(ctx, props)

    async def _renew(self, ctx: Context, old: NetworkGatewayProps, new: NetworkGatewayProps) -> None:
        """Delete the gateway and make another one; what was interrupted goes on where it was."""
        if ctx.data.get("renewing") != new.data:
            with suppress(CloudNotFound):
                await self.delete(ctx, old)
            await ctx.put_data(renewing=new.data)
        found = await self.find(ctx, new)
        made = found[0] if found else await self.make(ctx, new)
        await ctx.created(made["id"], made)
        await self.configure(ctx, new)
        await ctx.put_data(renewing=None)


def _check(connection: ConnectionProps, path: str) -> None:
    kind, number = known(connection.segmentation_type), connection.segmentation_id
    if kind == _VLAN and number is None:
        raise PropertyError(
            "segmentation_id is required where segmentation_type is vlan.",
            path=path,
            remedy="Give the number of the VLAN.",
        )
    if kind == _FLAT and known(number):
        raise PropertyError(
            "segmentation_id must be left out, or 0, where segmentation_type is flat.",
            path=f"{path}.segmentation_id",
            remedy="Leave it out, or set segmentation_type to vlan.",
        )


def _connections(properties: Mapping[str, Any]) -> list[JSON]:
    """The connections as requests have them."""
    return [
        {
            "network_id": each["network"],
            "segmentation_type": each["segmentation_type"],
            **({"segmentation_id": each["segmentation_id"]} if each.get("segmentation_id") else {}),
        }
        for each in properties.get("connections") or ()
    ]


async def _looked_up(ctx: Context, connection: JSON) -> JSON:
    """A connection with the id of its network, which may be named, as far as there still is one."""
    with suppress(StackdError):
        return connection | {"network_id": await ctx.find.id_of("neutron.network", connection["network_id"])}
    return connection


async def _connect(ctx: Context, connections: Iterable[JSON]) -> None:
    for each in connections:
        try:
            await _ask(ctx, "connect", each)
        except CloudConflict:
            if not await _is_cut(ctx, each):  # the conflict is with another connection
                raise
            await _ask(ctx, "connect", each)


async def _disconnect(ctx: Context, connections: Iterable[JSON]) -> None:
    for each in connections:
        await _is_cut(ctx, each)


async def _is_cut(ctx: Context, connection: JSON) -> bool:
    """Cut a connection; whether there was one."""
    try:
        await _ask(ctx, "disconnect", connection)
    except CloudNotFound:
        return False
    return True


async def _ask(ctx: Context, verb: str, connection: JSON) -> None:
    await ctx.cloud.network.put(f"/network-gateways/{ctx.physical_id}/{verb}_network", connection)

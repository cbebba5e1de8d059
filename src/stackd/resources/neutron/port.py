"""OS::Neutron::Port, where something is connected to a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import orjson

from stackd.errors import CloudNotFound
from stackd.resources.base import Entity, ResourceType, Siblings, attr
from stackd.resources.constraints import custom, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron import objects
from stackd.resources.neutron.objects import Field, fields
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

PORT = Entity("network", "/ports", "port", "ports")
_FIELDS = fields(
    "name",
    "admin_state_up",
    "mac_address",
    "port_security_enabled",
    "propagate_uplink_status",
    "binding:vnic_type",
    network=Field("network_id"),
    device_id=Field("device_id", cleared=""),
    device_owner=Field("device_owner", cleared=""),
    qos_policy=Field("qos_policy_id", cleared=None),
    dns_name=Field("dns_name", cleared=""),
    allowed_address_pairs=Field("allowed_address_pairs", cleared=[]),
)
_VNIC_TYPES = (
    "normal",
    "direct",
    "macvtap",
    "direct-physical",
    "baremetal",
    "virtio-forwarder",
    "smart-nic",
)
_PROFILE = "binding:profile"
_FREED = "freed_fixed_ips"


class FixedIPProps(Properties):
    """An address of a port, or the subnet to take one from."""

    subnet_id: str | None = prop(
        "",
        find="neutron.subnet",
        moved_to="subnet",
        support=Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2 ")),
    )
    subnet: str | None = prop(
        "Name or id of the subnet that the address belongs to.", find="neutron.subnet", since="2014.2"
    )
    ip_address: str | None = prop(
        "The address; the service chooses one when it is left out.", constraints=[custom("ip_addr")]
    )


class AddressPairProps(Properties):
    """Addresses, beside its own, from which a port may send."""

    mac_address: str | None = prop(
        "MAC address; the port's own by default.", constraints=[custom("mac_addr")]
    )
    ip_address: str = prop(
        "IP address or range in CIDR notation.", required=True, constraints=[custom("ip_or_cidr")]
    )


class PortProps(Properties):
    """Properties of a port."""

    name: str | None = prop("Name of the port.", update=IN_PLACE)
    network_id: str | None = prop(
        "",
        find="neutron.network",
        moved_to="network",
        support=Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2")),
    )
    network: str = prop("Name or id of the network.", required=True, find="neutron.network", since="2014.2")
    device_id: str = prop("Id of the device that uses the port.", default="", update=IN_PLACE)
    device_owner: str = prop(
        "What kind of device uses the port, as in network:router_interface.", default="", update=IN_PLACE
    )
    fixed_ips: list[FixedIPProps] | None = prop("Addresses of the port.", update=IN_PLACE)
    no_fixed_ips: bool = prop(
        "Whether the port is to have no address at all.", default=False, update=IN_PLACE, since="16.0.0"
    )
    security_groups: list[Any] | None = prop(
        "Names or ids of the port's security groups; the project's default group when left out.",
        update=IN_PLACE,
    )
    value_specs: dict[str, Any] = objects.value_specs()
    admin_state_up: bool = prop("Whether the port carries traffic.", default=True, update=IN_PLACE)
    allowed_address_pairs: list[AddressPairProps] | None = prop(
        "Further addresses from which the port may send.", update=IN_PLACE
    )
    vnic_type: str = prop(
        "How the port is connected to a guest.",
        name="binding:vnic_type",
        default="normal",
        update=IN_PLACE,
        constraints=[one_of(*_VNIC_TYPES)],
        since="2015.1",
    )
    port_security_enabled: bool | None = prop(
        "Whether security groups guard the port.", update=IN_PLACE, since="5.0.0"
    )
    qos_policy: str | None = prop(
        "Name or id of the port's QoS policy.", update=IN_PLACE, find="neutron.qos_policy", since="6.0.0"
    )
    dns_name: str | None = prop(
        "DNS name of the port.", update=IN_PLACE, constraints=[custom("dns_name")], since="7.0.0"
    )
    mac_address: str | None = prop("MAC address of the port.", constraints=[custom("mac_addr")])
    replacement_policy: str = prop(
        "Whether every update of the stack makes a new port.",
        default="AUTO",
        update=IN_PLACE,
        constraints=[one_of("REPLACE_ALWAYS", "AUTO")],
        support=Support(
            "HIDDEN", "9.0.0", previous=Support("DEPRECATED", "6.0.0", previous=Support(version="2014.2"))
        ),
    )
    tags: list[str] | None = objects.tags("port")
    propagate_uplink_status: bool | None = prop(
        "Whether the guest sees the state of the physical link (SR-IOV).", update=IN_PLACE, since="15.0.0"
    )


@resource_type("OS::Neutron::Port")
class Port(ResourceType[PortProps]):
    """A connection to a network, with addresses, for a server or another device."""

    properties = PortProps
    service = "network"
    entity = PORT
    attributes: ClassVar = {
        "admin_state_up": attr("Whether the port carries traffic."),
        "device_id": attr("Id of the device that uses the port."),
        "device_owner": attr("What kind of device uses the port."),
        "fixed_ips": attr("Addresses of the port.", "list"),
        "mac_address": attr("MAC address of the port."),
        "name": attr("Name of the port."),
        "network_id": attr("Id of the port's network."),
        "security_groups": attr("Ids of the port's security groups.", "list"),
        "status": attr("State of the port."),
        "tenant_id": attr("Project that owns the port."),
        "allowed_address_pairs": attr("Further addresses from which the port may send.", "list"),
        "subnets": attr("The subnets of the port's addresses, in full.", "list", lazy=True),
        "port_security_enabled": attr("Whether the port is guarded.", "boolean", since="5.0.0"),
        "qos_policy_id": attr("Id of the QoS policy.", since="6.0.0"),
        "dns_assignment": attr("Names by which the port's addresses are known.", "map", since="7.0.0"),
        "network": attr("The port's network, in full.", "map", lazy=True, since="11.0.0"),
        "propagate_uplink_status": attr(
            "Whether the guest sees the state of the link.", "boolean", since="15.0.0"
        ),
    }

    def validate(self, props: PortProps) -> None:
        """Addresses or none, not both."""
        objects.check_value_specs(props)
        if objects.known(props.no_fixed_ips):
            objects.at_most_one(props, "fixed_ips", "no_fixed_ips")

    def needs_replace(self, old: PortProps, new: PortProps, changed: frozenset[str]) -> str | None:
        """A policy may ask for a new port at every update."""
        always = "REPLACE_ALWAYS"
        asked = always in (old.replacement_policy, new.replacement_policy)
        return f"replacement_policy is {always}" if asked else None

    def implicit_requires(self, props: PortProps, siblings: Siblings) -> Iterable[str]:
        """The subnets of the network, from which the port gets its addresses."""
        return objects.subnets_of(props.network, siblings)

    async def create(self, ctx: Context, props: PortProps) -> None:
        """Make the port."""
        body = objects.creation(ctx, props, _FIELDS)
        if props.no_fixed_ips:
            body["fixed_ips"] = []
        elif props.fixed_ips:
            body["fixed_ips"] = _addresses(props)
        if props.security_groups is not None:
            body["security_groups"] = await _groups(ctx, props.security_groups)
        reply = await ctx.cloud.network.post("/ports", {"port": body})
        await ctx.created(reply["port"]["id"], reply["port"])

    async def configure(self, ctx: Context, props: PortProps) -> None:
        """Set tags."""
        if props.tags:
            await objects.put_tags(ctx, PORT, props.tags)

    def ready(self, live: JSON) -> bool:
        """Whether the port is built."""
        return objects.built(live)

    def broken(self, live: JSON) -> bool:
        """Only what is in error has to be replaced."""
        return objects.in_error(live)

    async def update(self, ctx: Context, old: PortProps, new: PortProps) -> None:
        """Send what differs; addresses that are no longer listed are kept, as they may be in use."""
        body = objects.change(ctx, old, new, _FIELDS)
        changed = new.changed(old)
        if new.no_fixed_ips:
            body["fixed_ips"] = []
        elif "fixed_ips" in changed and new.fixed_ips:
            body["fixed_ips"] = _addresses(new)
        if "security_groups" in changed:
            body["security_groups"] = await _groups_or_default(ctx, new)
        if _PROFILE in body:
            live = (await ctx.live(fresh=True)).get(_PROFILE) or {}
            body[_PROFILE] = _merged(live, old.value_specs.get(_PROFILE) or {}, body[_PROFILE] or {})
        await objects.put(ctx, PORT, body)
        if "tags" in changed:
            await objects.put_tags(ctx, PORT, new.tags)

    async def prepare_for_replace(self, ctx: Context, props: PortProps) -> None:
        """Give the addresses free, so that the new port can have the same."""
        try:
            addresses = (await ctx.live(fresh=True)).get("fixed_ips") or []
        except CloudNotFound:
            return
        if addresses:
            await ctx.put_data(**{_FREED: orjson.dumps(addresses).decode()})
            await objects.put(ctx, PORT, {"fixed_ips": []})

    async def undo_replace(self, ctx: Context, props: PortProps) -> None:
        """Take the addresses back, from the new port if it still has them."""
        freed = ctx.data.get(_FREED)
        if not freed:
            return
        addresses = orjson.loads(freed)
        await self._free(ctx, props, addresses)
        await objects.put(ctx, PORT, {"fixed_ips": addresses})
        await ctx.put_data(**{_FREED: None})

    async def _free(self, ctx: Context, props: PortProps, addresses: list[JSON]) -> None:
        """Clear the replacement's addresses: another port of our name that holds one of ours."""
        wanted = [f"ip_address={address['ip_address']}" for address in addresses]
        query = {"network_id": (await ctx.live())["network_id"], "fixed_ips": wanted}
        prefix = ctx.physical_name.rpartition("-")[0]
        for port in await ctx.cloud.network.list_all("/ports", "ports", query):
            ours = port["name"] == props.name if props.name else port["name"].startswith(f"{prefix}-")
            if ours and port["id"] != ctx.physical_id:
                await ctx.cloud.network.put(f"/ports/{port['id']}", {"port": {"fixed_ips": []}})

    async def lazy_attribute(self, ctx: Context, name: str) -> Any:
        """The network or the subnets in full."""
        live = await ctx.live()
        if name == "network":
            return (await ctx.cloud.network.get(f"/networks/{live['network_id']}"))["network"]
        wanted = list(dict.fromkeys(address["subnet_id"] for address in live.get("fixed_ips") or ()))
        if not wanted:
            return []
        found = await ctx.cloud.network.list_all("/subnets", "subnets", {"id": wanted})
        return sorted(found, key=lambda subnet: wanted.index(subnet["id"]))


def _addresses(props: PortProps) -> list[JSON]:
    return [objects.renamed(each, {"subnet": "subnet_id"}) for each in props.data["fixed_ips"]]


async def _groups(ctx: Context, names: Iterable[str]) -> list[str]:
    """Ids of security groups; each once."""
    found = [await ctx.find.id_of("neutron.security_group", name) for name in names]
    return list(dict.fromkeys(found))


async def _groups_or_default(ctx: Context, props: PortProps) -> list[str]:
    """The port's groups; where none are named the one that its project has from the beginning."""
    if props.security_groups is not None:
        return await _groups(ctx, props.security_groups)
    query = {"name": "default", "project_id": (await ctx.live())["project_id"]}
    found = await ctx.cloud.network.list_all("/security-groups", "security_groups", query)
    return [group["id"] for group in found]


def _merged(live: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> JSON:
    """What others put into a map, without what the template no longer has, with what it has now."""
    kept = {key: value for key, value in live.items() if key not in old or key in new}
    return kept | dict(new)

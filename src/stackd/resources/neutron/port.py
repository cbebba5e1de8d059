"""OS::Neutron::Port, where something is connected to a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from stackd.resources.attributes import attr
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.follows import Follows, one
from stackd.resources.neutron import port_addresses
from stackd.resources.neutron.network import BUILT, names, network
from stackd.resources.neutron.port_groups import group_ids, group_ids_or_default
from stackd.resources.neutron.port_props import PortProps
from stackd.resources.neutron.siblings import SUBNET, network_key
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, renamed, same
from stackd.resources.rules import at_most_one, known

_PROFILE = "binding:profile"


async def _network(ctx: Reading) -> JSON:
    """The port's network in full."""
    network_id = (await ctx.live())["network_id"]
    found: JSON = (await ctx.cloud.network.get(f"/networks/{network_id}"))["network"]
    return found


async def _subnets(ctx: Reading) -> list[JSON]:
    """The subnets of the port's addresses in full, in the order of the addresses."""
    addresses = (await ctx.live()).get("fixed_ips") or ()
    wanted = list(dict.fromkeys(address["subnet_id"] for address in addresses))
    if not wanted:
        return []
    found = await ctx.cloud.network.list_all("/subnets", "subnets", {"id": wanted})
    return sorted(found, key=lambda subnet: wanted.index(subnet["id"]))


@resource_type("OS::Neutron::Port")
class Port(RestResource[PortProps]):
    """A connection to a network, with addresses, for a server or another device."""

    entity = network("port", tags=True)
    lookups: ClassVar = {"neutron.port": names("Port", "/ports", whole=False)}
    readiness = BUILT
    survives = True
    fields: ClassVar = same("name", "admin_state_up", "mac_address", "binding:vnic_type") | {
        "port_security_enabled": Field("port_security_enabled", cleared=KEEP),
        "propagate_uplink_status": Field("propagate_uplink_status", cleared=KEEP),
        "network": "network_id",
        "device_id": Field("device_id", cleared=""),
        "device_owner": Field("device_owner", cleared=""),
        "qos_policy": Field("qos_policy_id", cleared=None),
        "dns_name": Field("dns_name", cleared=""),
        "allowed_address_pairs": Field("allowed_address_pairs", cleared=[]),
    }
    shown_by: ClassVar = {
        "fixed_ips": ("subnets", "dns_assignment"),
        "no_fixed_ips": ("fixed_ips", "subnets", "dns_assignment"),
        "dns_name": ("dns_assignment",),
        "admin_state_up": ("status",),
    }
    follows = (Follows(SUBNET, key=network_key, keys=one(network_key)),)
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
        "subnets": attr("The subnets of the port's addresses, in full.", "list", read=_subnets),
        "port_security_enabled": attr("Whether the port is guarded.", "boolean", since="5.0.0"),
        "qos_policy_id": attr("Id of the QoS policy.", since="6.0.0"),
        "dns_assignment": attr("Names by which the port's addresses are known.", "map", since="7.0.0"),
        "network": attr("The port's network, in full.", "map", read=_network, since="11.0.0"),
        "propagate_uplink_status": attr(
            "Whether the guest sees the state of the link.", "boolean", since="15.0.0"
        ),
    }

    def validate(self, props: PortProps) -> None:
        """Addresses or none, not both."""
        super().validate(props)
        if known(props.no_fixed_ips):
            at_most_one(props, "fixed_ips", "no_fixed_ips")

    def needs_replace(self, old: PortProps, new: PortProps, changed: frozenset[str]) -> str | None:
        """A policy may ask for a new port at every update."""
        always = "REPLACE_ALWAYS"
        asked = always in (old.replacement_policy, new.replacement_policy)
        return f"replacement_policy is {always}" if asked else None

    async def creation(self, ctx: Context, props: PortProps) -> JSON:
        """Security groups are resolved here, since they may be created in the same stack."""
        body = self.body(ctx, props)
        if props.no_fixed_ips:
            body["fixed_ips"] = []
        elif props.fixed_ips:
            body["fixed_ips"] = _addresses(props)
        if props.security_groups is not None:
            body["security_groups"] = await group_ids(ctx, props.security_groups)
        return body

    async def change(self, ctx: Context, old: PortProps, new: PortProps) -> JSON:
        """Addresses that are no longer listed are kept, as they may be in use."""
        body = await super().change(ctx, old, new)
        changed = new.changed(old)
        if new.no_fixed_ips:
            body["fixed_ips"] = []
        elif "fixed_ips" in changed and new.fixed_ips:
            body["fixed_ips"] = _addresses(new)
        if "security_groups" in changed:
            body["security_groups"] = await group_ids_or_default(ctx, new.security_groups)
        if _PROFILE in body:
            live = (await ctx.live(fresh=True)).get(_PROFILE) or {}
            body[_PROFILE] = _merged(live, old.value_specs.get(_PROFILE) or {}, body[_PROFILE] or {})
        return body

    async def prepare_for_replace(self, ctx: Context, props: PortProps) -> None:
        """Give the addresses free, so that the new port can have the same."""
        await port_addresses.free(ctx)

    async def undo_replace(self, ctx: Context, props: PortProps) -> None:
        """Take the addresses back, from the new port if it still has them."""
        await port_addresses.take_back(ctx, props.name)


def _addresses(props: PortProps) -> list[JSON]:
    return [renamed(each, {"subnet": "subnet_id"}) for each in props.data["fixed_ips"]]


def _merged(live: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> JSON:
    """What others put into a map, without what the template no longer has, with what it has now."""
    kept = {key: value for key, value in live.items() if key not in old or key in new}
    return kept | dict(new)

"""OS::Neutron::IPsecSiteConnection, a VPN tunnel to another site."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import custom, one_of
from stackd.resources.neutron.plugged import (
    DESCRIPTION,
    SETTLED,
    description_of,
    name_of,
    plugged,
    switch_of,
)
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, renamed, same
from stackd.resources.schema import Properties, prop

_CREATED = ("peer_address", "peer_id", "peer_cidrs", "mtu", "psk", "initiator")
_REFERRED = ("vpnservice_id", "ikepolicy_id", "ipsecpolicy_id")


class DeadPeerProps(Properties):
    """What happens when the other end is silent."""

    actions: str = prop(
        "What is done about a silent peer.",
        default="hold",
        constraints=[one_of("clear", "disabled", "hold", "restart", "restart-by-peer")],
    )
    interval: int = prop("Seconds between two signs of life.", default=30)
    timeout: int = prop("Seconds after which a silent peer counts as gone.", default=120)


class IPsecSiteConnectionProps(Properties):
    """Properties of a VPN tunnel."""

    name: str | None = name_of("tunnel")
    description: str | None = description_of("tunnel")
    peer_address: str = prop("Address or name of the gateway at the other end.", required=True)
    peer_id: str = prop("How that gateway identifies itself, mostly its address.", required=True)
    peer_cidrs: list[str] = prop(
        "Networks at the other end, in CIDR notation.",
        required=True,
        element_constraints=[custom("net_cidr")],
    )
    mtu: int = prop("Largest packet that is not cut, in bytes.", default=1500)
    dpd: DeadPeerProps | None = prop("How a silent peer is noticed.")
    psk: str = prop("The key that both ends have; give it by a hidden parameter.", required=True)
    initiator: str = prop(
        "Whether this end may begin, or only answers.",
        default="bi-directional",
        constraints=[one_of("bi-directional", "response-only")],
    )
    admin_state_up: bool = switch_of("tunnel")
    ikepolicy_id: str = prop("Id of the policy by which keys are negotiated.", required=True)
    ipsecpolicy_id: str = prop("Id of the policy by which packets are protected.", required=True)
    vpnservice_id: str = prop("Id of the VPN service at this end.", required=True)


@resource_type("OS::Neutron::IPsecSiteConnection")
class IPsecSiteConnection(RestResource[IPsecSiteConnectionProps]):
    """A tunnel between a VPN service and a gateway elsewhere. ``actions`` is ``action`` in the API.

    It is there once the service is done with it; DOWN, it waits for its other end.
    """

    extension = "vpnaas"
    entity = plugged("/vpn/ipsec-site-connections", "ipsec_site_connection", "ipsec_site_connections")
    readiness = SETTLED
    survives = True
    awaits_deletion = True
    fields: ClassVar = same("name", "admin_state_up", *_CREATED, *_REFERRED) | {
        "description": DESCRIPTION,
        "dpd": Field("dpd", convert=lambda dpd: renamed(dpd, {"actions": "action"})),
    }
    attributes: ClassVar = {
        "admin_state_up": attr("Whether the tunnel works."),
        "auth_mode": attr("How the ends recognise each other."),
        "description": attr("What the tunnel is for."),
        "dpd": attr("How a silent peer is noticed.", "map"),
        "ikepolicy_id": attr("Id of the policy by which keys are negotiated."),
        "initiator": attr("Which end may begin."),
        "ipsecpolicy_id": attr("Id of the policy by which packets are protected."),
        "mtu": attr("Largest packet that is not cut, in bytes."),
        "name": attr("Name of the tunnel."),
        "peer_address": attr("Address or name of the gateway at the other end."),
        "peer_cidrs": attr("Networks at the other end.", "list"),
        "peer_id": attr("How the gateway at the other end identifies itself."),
        "psk": attr("The key that both ends have."),
        "route_mode": attr("How routes to the other end come about."),
        "status": attr("State of the tunnel.", how=LIVE),
        "tenant_id": attr("Project that owns the tunnel."),
        "vpnservice_id": attr("Id of the VPN service at this end."),
    }

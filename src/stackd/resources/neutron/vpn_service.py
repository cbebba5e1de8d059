"""OS::Neutron::VPNService, the end of VPN tunnels at a router."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from stackd.resources.attributes import LIVE, attr
from stackd.resources.follows import Follows, one
from stackd.resources.neutron.network import former
from stackd.resources.neutron.plugged import (
    DESCRIPTION,
    SETTLED,
    description_of,
    name_of,
    plugged,
    switch_of,
)
from stackd.resources.neutron.siblings import INTERFACE, subnet_key
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import Properties, Support, prop

_OLD_ROUTER = Support(
    "HIDDEN", "6.0.0", previous=Support("DEPRECATED", "2015.1", previous=Support(version="2013.2"))
)


class VPNServiceProps(Properties):
    """Properties of a VPN service."""

    name: str | None = name_of("service")
    description: str | None = description_of("service")
    admin_state_up: bool = switch_of("service")
    subnet_id: str | None = former("subnet", "neutron.subnet")
    subnet: str = prop(
        "Name or id of the subnet that tunnels lead to; the router has to be there.",
        required=True,
        find="neutron.subnet",
        since="2014.2",
    )
    router_id: str | None = former("router", "neutron.router", support=_OLD_ROUTER)
    router: str = prop(
        "Name or id of the router, which needs an external gateway.",
        required=True,
        find="neutron.router",
        since="2015.1",
    )


@resource_type("OS::Neutron::VPNService")
class VPNService(RestResource[VPNServiceProps]):
    """Lets a router end VPN tunnels for a subnet.

    Nothing is waited for: the service stays PENDING_CREATE until it has its first tunnel. It follows
    the interface that the router has on the subnet, without which the API refuses it.
    """

    extension = "vpnaas"
    entity = plugged("/vpn/vpnservices", "vpnservice", "vpnservices")
    readiness = replace(SETTLED, ready=("PENDING_CREATE", *SETTLED.ready), working=("PENDING_UPDATE",))
    survives = True
    awaits_deletion = True
    follows = (Follows(INTERFACE, key=subnet_key, keys=one(subnet_key), guess=True),)
    fields: ClassVar = same("name", "admin_state_up") | {
        "description": DESCRIPTION,
        "subnet": "subnet_id",
        "router": "router_id",
    }
    attributes: ClassVar = {
        "admin_state_up": attr("Whether the service works."),
        "description": attr("What the service is for."),
        "name": attr("Name of the service."),
        "router_id": attr("Id of the router."),
        "status": attr("State of the service.", how=LIVE),
        "subnet_id": attr("Id of the subnet that tunnels lead to."),
        "tenant_id": attr("Project that owns the service."),
    }

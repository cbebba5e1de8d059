"""VPN: services of routers, policies, and tunnels to other sites."""

from __future__ import annotations

from stackd.devcloud.collection import Collection, Field, Hook, Progression
from stackd.devcloud.neutron.style import PLAIN
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, bad_request, conflict

SERVICES_KIND, TUNNELS_KIND = "network.vpnservices", "network.ipsec_site_connections"
_LIFETIME: JSON = {"units": "seconds", "value": 3600}
_DEAD_PEER: JSON = {"action": "hold", "interval": 30, "timeout": 120}


def _prepare_service(call: Call, values: JSON, private: JSON) -> None:
    """A service needs a router with a gateway that is on the subnet; its status waits for a tunnel."""
    router = call.store.get("network.routers", str(values["router_id"]))
    gateway = router.data["external_gateway_info"] if router else None
    if not gateway:
        raise bad_request(
            f"Router {values['router_id']} has no external network gateway set", "RouterIsNotExternal"
        )
    ports = call.store.find("network.ports", device_id=values["router_id"])
    subnets = {fixed["subnet_id"] for port in ports for fixed in port.data["fixed_ips"]}
    if values["subnet_id"] not in subnets:
        raise bad_request(
            f"Subnet {values['subnet_id']} is not connected to Router {values['router_id']}",
            "SubnetIsNotConnectedToRouter",
        )
    address = gateway["external_fixed_ips"][0]["ip_address"] if gateway["external_fixed_ips"] else None
    values |= {
        "status": "PENDING_CREATE", "flavor_id": None, "external_v4_ip": address, "external_v6_ip": None,
    }  # fmt: skip


def _refuse_pending(call: Call, entity: Entity, changes: JSON) -> None:
    if entity.data["status"].startswith("PENDING_"):
        raise bad_request(
            f"Invalid state {entity.data['status']} of vpnaas resource {entity.id} for updating",
            "VPNStateInvalidToUpdate",
        )


def _used_by_tunnel(field: str, label: str, kind: str) -> Hook:
    """The guard of what tunnels refer to by a field."""

    def guard(call: Call, entity: Entity) -> None:
        tunnel = call.store.first(TUNNELS_KIND, **{field: entity.id})
        if tunnel is not None:
            raise conflict(f"{label} {entity.id} is in use by existing IPsecSiteConnection", kind)

    return guard


def _prepare_policy(call: Call, values: JSON, private: JSON) -> None:
    values["lifetime"] = _whole_lifetime(values["lifetime"])


def _change_policy(call: Call, entity: Entity, changes: JSON) -> None:
    if "lifetime" in changes:
        changes["lifetime"] = _whole_lifetime(changes["lifetime"])


def _whole_lifetime(given: object) -> JSON:
    if not isinstance(given, dict):
        raise _invalid_lifetime(f"'{given}' is not a dictionary")
    lifetime = _LIFETIME | given
    if int(lifetime["value"]) < 60:
        raise _invalid_lifetime(f"'{lifetime['value']}' is too small - must be at least '60'")
    return lifetime


def _invalid_lifetime(reason: str) -> Fault:
    return bad_request(f"Invalid input for lifetime. Reason: {reason}.", "HTTPBadRequest")


def _prepare_tunnel(call: Call, values: JSON, private: JSON) -> None:
    values["dpd"] = _DEAD_PEER | values["dpd"]
    if unknown := values["dpd"].keys() - _DEAD_PEER.keys():
        names = ", ".join(sorted(unknown))
        raise bad_request(f"Invalid input for dpd. Reason: Unexpected keys: {names}.", "HTTPBadRequest")
    if values["dpd"]["timeout"] <= values["dpd"]["interval"]:
        raise bad_request(
            "ipsec_site_connection dpd timeout must be larger than its interval.",
            "IPsecSiteConnectionDpdIntervalValueError",
        )
    values |= {"auth_mode": "psk", "route_mode": "static"}


def _tunnel_created(call: Call, entity: Entity) -> None:
    """The first tunnel brings its service to life."""
    service = call.store.get(SERVICES_KIND, entity.data["vpnservice_id"])
    if service is not None and service.data["status"] == "PENDING_CREATE":
        call.store.later(service, call.world.ready_after, {"status": "ACTIVE"})


VPN_SERVICES = Collection(
    kind=SERVICES_KIND, path="/vpn/vpnservices", singular="vpnservice", plural="vpnservices",
    label="VPNService",
    fields={
        "name": Field(""), "description": Field(""), "admin_state_up": Field(True),
        "router_id": Field(required=True, put=False), "subnet_id": Field(required=True, put=False),
    },
    references={"router_id": "network.routers", "subnet_id": "network.subnets"}, quota="vpnservices",
    prepare=_prepare_service, change=_refuse_pending,
    guard=_used_by_tunnel("vpnservice_id", "VPNService", "VPNServiceInUse"),
)  # fmt: skip
_POLICY = {
    "name": Field(""), "description": Field(""), "auth_algorithm": Field("sha1"),
    "encryption_algorithm": Field("aes-128"), "pfs": Field("group5"), "lifetime": Field(_LIFETIME),
}  # fmt: skip
IKE_POLICIES = Collection(
    kind="network.ikepolicies", path="/vpn/ikepolicies", singular="ikepolicy", plural="ikepolicies",
    label="IKEPolicy",
    fields=_POLICY | {"phase1_negotiation_mode": Field("main"), "ike_version": Field("v1")},
    quota="ikepolicies", prepare=_prepare_policy, change=_change_policy,
    guard=_used_by_tunnel("ikepolicy_id", "IKEPolicy", "IKEPolicyInUse"),
)  # fmt: skip
IPSEC_POLICIES = Collection(
    kind="network.ipsecpolicies", path="/vpn/ipsecpolicies", singular="ipsecpolicy",
    plural="ipsecpolicies", label="IPsecPolicy",
    fields=_POLICY | {"transform_protocol": Field("esp"), "encapsulation_mode": Field("tunnel")},
    quota="ipsecpolicies", prepare=_prepare_policy, change=_change_policy,
    guard=_used_by_tunnel("ipsecpolicy_id", "IPsecPolicy", "IPsecPolicyInUse"),
)  # fmt: skip
TUNNELS = Collection(
    kind=TUNNELS_KIND, path="/vpn/ipsec-site-connections", singular="ipsec_site_connection",
    plural="ipsec_site_connections", label="ipsec_site_connection",
    fields={
        "name": Field(""), "description": Field(""), "admin_state_up": Field(True),
        "peer_address": Field(required=True), "peer_id": Field(required=True), "peer_cidrs": Field([]),
        "mtu": Field(1500), "psk": Field(required=True), "initiator": Field("bi-directional"),
        "dpd": Field(_DEAD_PEER), "vpnservice_id": Field(required=True, put=False),
        "ikepolicy_id": Field(required=True), "ipsecpolicy_id": Field(required=True),
    },
    references={
        "vpnservice_id": SERVICES_KIND, "ikepolicy_id": "network.ikepolicies",
        "ipsecpolicy_id": "network.ipsecpolicies",
    },
    quota="ipsec_site_connections", progress=Progression("PENDING_CREATE", "ACTIVE"),
    prepare=_prepare_tunnel, created=_tunnel_created, change=_refuse_pending,
)  # fmt: skip

COLLECTIONS = ((VPN_SERVICES, PLAIN), (IKE_POLICIES, PLAIN), (IPSEC_POLICIES, PLAIN), (TUNNELS, PLAIN))

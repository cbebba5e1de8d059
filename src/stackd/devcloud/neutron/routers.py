"""Routers with their interfaces and gateways, and floating IPs."""

from __future__ import annotations

from collections.abc import Iterator

from stackd.devcloud.collection import Collection, Field, create, fetch, touch
from stackd.devcloud.neutron.networks import addresses_of
from stackd.devcloud.neutron.ports import PORTS, release_port
from stackd.devcloud.neutron.qos import check_qos_policy
from stackd.devcloud.neutron.routes import check_routes, refuse_used
from stackd.devcloud.neutron.style import STYLE, missing
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Handler, Reply, Route, bad_request, conflict, not_found
from stackd.devcloud.world import World

INTERFACE = "network:router_interface"
GATEWAY = "network:router_gateway"
FLOATING = "network:floatingip"
_FORWARDED = (
    "id", "protocol", "internal_ip_address", "internal_port_id", "internal_port", "external_port",
)  # fmt: skip


def _bad_router(message: str) -> Fault:
    return bad_request(f"Bad router request: {message}.", "BadRequest")


def _prepare_router(call: Call, values: JSON, private: JSON) -> None:
    values |= {"status": "ACTIVE", "routes": [], "flavor_id": None, "conntrack_helpers": [], "tags": []}
    values["availability_zones"] = []
    values["distributed"] = bool(values["distributed"])
    values["ha"] = bool(values["ha"])
    private["gateway"] = values["external_gateway_info"]
    values["external_gateway_info"] = None
    if private["gateway"]:
        _external_network(call, private["gateway"])


def _router_created(call: Call, entity: Entity) -> None:
    if gateway := entity.private.pop("gateway", None):
        _set_gateway(call, entity, gateway)


def _external_network(call: Call, info: JSON) -> Entity:
    network = call.store.get("network.networks", str(info.get("network_id")))
    if network is None:
        raise missing("Network", str(info.get("network_id")))
    if not network.data["router:external"]:
        raise _bad_router(f"Network {network.id} is not an external network")
    return network


def _system_port(
    call: Call, network_id: str, device_id: str, owner: str, fixed_ips: list[JSON] | None
) -> Entity:
    """A port that belongs to the network itself and to no project."""
    body: JSON = {"network_id": network_id, "device_id": device_id, "device_owner": owner}
    if fixed_ips is not None:
        body["fixed_ips"] = fixed_ips
    port = create(PORTS, STYLE, call, body)
    if owner in (GATEWAY, FLOATING):
        port.project_id = ""
        call.store.update(port, {"project_id": "", "tenant_id": "", "security_groups": []})
    return port


def _drop_port(world: World, port: Entity) -> None:
    world.store.remove(port)
    release_port(world, port)


def _gateway_ports(world: World, router_id: str) -> Iterator[Entity]:
    return world.store.find("network.ports", device_id=router_id, device_owner=GATEWAY)


def _set_gateway(call: Call, router: Entity, info: JSON) -> None:
    network = _external_network(call, info)
    old = router.data["external_gateway_info"] or {}
    if old.get("network_id") == network.id and not info.get("external_fixed_ips"):
        router.data["external_gateway_info"] = old | {"enable_snat": info.get("enable_snat", True)}
        return
    _clear_gateway(call, router)
    port = _system_port(call, network.id, router.id, GATEWAY, info.get("external_fixed_ips"))
    router.data["external_gateway_info"] = {
        "network_id": network.id,
        "external_fixed_ips": port.data["fixed_ips"],
        "enable_snat": info.get("enable_snat", True),
    }


def _clear_gateway(call: Call, router: Entity) -> None:
    for port in list(_gateway_ports(call.world, router.id)):
        if call.store.first("network.floatingips", router_id=router.id) is not None:
            raise conflict(
                f"Gateway cannot be updated for router {router.id}, since a gateway to external network "
                f"{port.data['network_id']} is required by one or more floating IPs.",
                "RouterExternalGatewayInUseByFloatingIp",
            )
        _drop_port(call.world, port)
    router.data["external_gateway_info"] = None


def _change_router(call: Call, entity: Entity, changes: JSON) -> None:
    if "routes" in changes:
        check_routes(call, entity, changes["routes"])
    if "external_gateway_info" in changes:
        info = changes.pop("external_gateway_info")
        if info and info.get("network_id"):
            _set_gateway(call, entity, info)
        else:
            _clear_gateway(call, entity)


def _interfaces(world: World, router_id: str) -> list[Entity]:
    return list(world.store.find("network.ports", device_id=router_id, device_owner=INTERFACE))


def _guard_router(call: Call, entity: Entity) -> None:
    if ports := _interfaces(call.world, entity.id):
        names = ",".join(port.id for port in ports)
        raise conflict(f"Router {entity.id} has ports still attached: {names}", "RouterInUse")


def _release_router(world: World, entity: Entity) -> None:
    for port in list(_gateway_ports(world, entity.id)):
        _drop_port(world, port)


def _interface_reply(router: Entity, port: Entity) -> Reply:
    subnets = [fixed["subnet_id"] for fixed in port.data["fixed_ips"]]
    return Reply(200, {
        "id": router.id, "project_id": router.project_id, "tenant_id": router.project_id, "port_id": port.id,
        "network_id": port.data["network_id"], "subnet_id": subnets[0] if subnets else None,
        "subnet_ids": subnets,
    })  # fmt: skip


def _add_interface(call: Call) -> Reply:
    router = fetch(ROUTERS, STYLE, call, call.params["id"])
    body = call.json()
    if body.get("port_id"):
        port = fetch(PORTS, STYLE, call, str(body["port_id"]))
        if port.data["device_id"]:
            raise conflict(
                f"Unable to complete operation on port {port.id} for network {port.data['network_id']}. Port "
                f"already has an attached device {port.data['device_id']}.",
                "PortInUse",
            )
        subnet_ids = [fixed["subnet_id"] for fixed in port.data["fixed_ips"]]
        _refuse_doubles(call, router, subnet_ids)
        call.store.update(port, {"device_id": router.id, "device_owner": INTERFACE, "status": "ACTIVE"})
    elif body.get("subnet_id"):
        port = _port_on_subnet(call, router, str(body["subnet_id"]))
    else:
        raise _bad_router("Either subnet_id or port_id must be specified")
    touch(STYLE, call.world, router)
    return _interface_reply(router, port)


def _port_on_subnet(call: Call, router: Entity, subnet_id: str) -> Entity:
    subnet = call.store.get("network.subnets", subnet_id)
    if subnet is None:
        raise missing("Subnet", subnet_id)
    if not subnet.data["gateway_ip"]:
        raise _bad_router("Subnet for router interface must have a gateway IP")
    _refuse_doubles(call, router, [subnet_id])
    fixed = [{"subnet_id": subnet_id, "ip_address": subnet.data["gateway_ip"]}]
    port = _system_port(call, subnet.data["network_id"], router.id, INTERFACE, fixed)
    call.store.update(port, {"status": "ACTIVE"})
    return port


def _refuse_doubles(call: Call, router: Entity, subnet_ids: list[str]) -> None:
    new = [
        addresses_of(subnet).network
        for sid in subnet_ids
        if (subnet := call.store.get("network.subnets", sid))
    ]
    for port in _interfaces(call.world, router.id):
        for fixed in port.data["fixed_ips"]:
            if fixed["subnet_id"] in subnet_ids:
                raise _bad_router(f"Router already has a port on subnet {fixed['subnet_id']}")
            other = call.store.get("network.subnets", fixed["subnet_id"])
            taken = addresses_of(other).network if other else None
            for cidr in new:
                if taken is not None and taken.version == cidr.version and taken.overlaps(cidr):
                    raise _bad_router(
                        f"Cidr {cidr} of subnet {subnet_ids[0]} overlaps with cidr {taken} of subnet "
                        f"{fixed['subnet_id']}"
                    )


def _remove_interface(call: Call) -> Reply:
    router = fetch(ROUTERS, STYLE, call, call.params["id"])
    body = call.json()
    port_id, subnet_id = body.get("port_id"), body.get("subnet_id")
    for port in _interfaces(call.world, router.id):
        subnets = [fixed["subnet_id"] for fixed in port.data["fixed_ips"]]
        if (port_id and port.id != port_id) or (subnet_id and subnet_id not in subnets):
            continue
        _refuse_floating(call, router, subnets)
        for used in subnets:
            refuse_used(call, router, used)
        _refuse_vpn(call, router, subnets)
        reply = _interface_reply(router, port)
        _drop_port(call.world, port)
        touch(STYLE, call.world, router)
        return reply
    if subnet_id and not port_id:
        raise not_found(
            f"Router {router.id} has no interface on subnet {subnet_id}", "RouterInterfaceNotFoundForSubnet"
        )
    raise not_found(
        f"Router {router.id} does not have an interface with id {port_id}", "RouterInterfaceNotFound"
    )


def _refuse_floating(call: Call, router: Entity, subnet_ids: list[str]) -> None:
    for floating in call.store.find("network.floatingips", router_id=router.id):
        for fixed in _reached(call, floating):
            if fixed["subnet_id"] in subnet_ids:
                raise conflict(
                    f"Router interface for subnet {fixed['subnet_id']} on router {router.id} cannot be "
                    f"deleted, "
                    "as it is required by one or more floating IPs.",
                    "RouterInterfaceInUseByFloatingIP",
                )


def _reached(call: Call, floating: Entity) -> list[JSON]:
    """The addresses of the ports to which a floating IP leads, wholly or by single ports."""
    forwarded = call.store.find("network.port_forwardings", floatingip_id=floating.id)
    port_ids = [floating.data["port_id"], *(each.data["internal_port_id"] for each in forwarded)]
    ports = [call.store.get("network.ports", port_id) for port_id in port_ids if port_id]
    return [fixed for port in ports if port is not None for fixed in port.data["fixed_ips"]]


def _refuse_vpn(call: Call, router: Entity, subnet_ids: list[str]) -> None:
    for service in call.store.find("network.vpnservices", router_id=router.id):
        if service.data["subnet_id"] in subnet_ids:
            raise conflict(
                f"Subnet {service.data['subnet_id']} is used by VPNService {service.id}",
                "SubnetInUseByVPNService",
            )


def _extra_routes(add: bool) -> Handler:
    def handle(call: Call) -> Reply:
        router = fetch(ROUTERS, STYLE, call, call.params["id"])
        named = call.unwrap("router").get("routes", [])
        kept = [route for route in router.data["routes"] if route not in named]
        if add:
            check_routes(call, router, named)
        router.data["routes"] = kept + named if add else kept
        touch(STYLE, call.world, router)
        return Reply(200, {"router": router.data})

    return handle


def _prepare_floating(call: Call, values: JSON, private: JSON) -> None:
    network = call.store.get("network.networks", str(values["floating_network_id"]))
    if network is None:
        raise missing("Network", str(values["floating_network_id"]))
    if not network.data["router:external"]:
        raise bad_request(
            f"Bad floatingip request: Network {network.id} is not a valid external network.", "BadRequest"
        )
    target = _association(call, network.id, values)
    wished: list[JSON] | None = None
    if values["floating_ip_address"]:
        wished = [{"ip_address": values["floating_ip_address"]}]
    elif values["subnet_id"]:
        wished = [{"subnet_id": values["subnet_id"]}]
    port = _system_port(call, network.id, "PENDING", FLOATING, wished)
    private["port_id"] = port.id
    values.pop("subnet_id")
    values["floating_ip_address"] = port.data["fixed_ips"][0]["ip_address"]
    check_qos_policy(call, values)
    values |= {"tags": []} | target


def _floating_created(call: Call, entity: Entity) -> None:
    if port := call.store.get("network.ports", entity.private["port_id"]):
        call.store.update(port, {"device_id": entity.id})


def _association(call: Call, external_id: str, values: JSON) -> JSON:
    """The association of a floating IP: port, address and the router between."""
    port_id = values.get("port_id")
    if not port_id:
        return {
            "port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN",
            "port_details": None,
        }  # fmt: skip
    port = fetch(PORTS, STYLE, call, str(port_id))
    wished = values.get("fixed_ip_address")
    fixed = next(
        (
            item
            for item in port.data["fixed_ips"]
            if wished in (None, item["ip_address"]) and ":" not in item["ip_address"]
        ),
        None,
    )
    if fixed is None:
        raise bad_request(
            f"Bad floatingip request: Cannot add floating IP to port {port_id} that has no fixed IPv4 "
            f"addresses.",
            "BadRequest",
        )
    for other in call.store.find("network.floatingips", port_id=port_id):
        if other.data["fixed_ip_address"] == fixed["ip_address"] and other.id != values.get("id"):
            raise conflict(
                f"Cannot associate floating IP {values.get('floating_ip_address')} with port {port_id} using "
                f"fixed IP {fixed['ip_address']}, as that fixed IP already has a floating IP on external "
                f"network {external_id}.",
                "FloatingIPPortAlreadyAssociated",
            )
    details = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner")
    return {
        "port_id": port_id, "fixed_ip_address": fixed["ip_address"], "status": "ACTIVE",
        "router_id": router_between(call, fixed["subnet_id"], external_id, str(port_id)),
        "port_details": {name: port.data[name] for name in details},
    }  # fmt: skip


def router_between(call: Call, subnet_id: str, external_id: str, port_id: str) -> str:
    """The router that leads from a subnet to an external network; a fault if there is none."""
    subnet = call.store.get("network.subnets", subnet_id)
    network_id = subnet.data["network_id"] if subnet else ""
    for port in call.store.find("network.ports", network_id=network_id, device_owner=INTERFACE):
        if all(fixed["subnet_id"] != subnet_id for fixed in port.data["fixed_ips"]):
            continue
        router = call.store.get("network.routers", port.data["device_id"])
        gateway = (router.data["external_gateway_info"] or {}) if router else {}
        if router is not None and gateway.get("network_id") == external_id:
            return router.id
    raise not_found(
        f"External network {external_id} is not reachable from subnet {subnet_id}.  Therefore, cannot "
        f"associate "
        f"Port {port_id} with a Floating IP.",
        "ExternalGatewayForFloatingIPNotFound",
    )


def _change_floating(call: Call, entity: Entity, changes: JSON) -> None:
    check_qos_policy(call, changes)
    if "port_id" in changes or "fixed_ip_address" in changes:
        values = {"port_id": entity.data["port_id"], "id": entity.id} | changes
        values["floating_ip_address"] = entity.data["floating_ip_address"]
        changes |= _association(call, entity.data["floating_network_id"], values)


def _guard_floating(call: Call, entity: Entity) -> None:
    if call.store.first("network.port_forwardings", floatingip_id=entity.id) is not None:
        raise conflict(
            f"Floating IP {entity.id} in use by Port Forwarding resources.", "FipInUseByPortForwarding"
        )


def _view_floating(call: Call, entity: Entity) -> JSON:
    found = call.store.find("network.port_forwardings", floatingip_id=entity.id)
    shown = [{key: each.data[key] for key in _FORWARDED} for each in found]
    return entity.data | {"port_forwardings": shown}


def _release_floating(world: World, entity: Entity) -> None:
    if port := world.store.get("network.ports", entity.private["port_id"]):
        _drop_port(world, port)


ROUTERS = Collection(
    kind="network.routers", path="/routers", singular="router", plural="routers", label="Router",
    fields={
        "name": Field(""), "admin_state_up": Field(True), "external_gateway_info": Field(),
        "description": Field(""), "distributed": Field(False, admin=True), "ha": Field(False, admin=True),
        "availability_zone_hints": Field([], put=False), "routes": Field([], post=False),
        "enable_ndp_proxy": Field(False), "flavor_id": Field(),
    },
    quota="routers", prepare=_prepare_router, created=_router_created, change=_change_router,
    guard=_guard_router, release=_release_router,
)  # fmt: skip
FLOATING_IPS = Collection(
    kind="network.floatingips", path="/floatingips", singular="floatingip", plural="floatingips",
    label="Floating IP",
    fields={
        "floating_network_id": Field(required=True, put=False), "floating_ip_address": Field(put=False),
        "subnet_id": Field(put=False), "port_id": Field(), "fixed_ip_address": Field(),
        "description": Field(""), "dns_name": Field(""), "dns_domain": Field(""), "qos_policy_id": Field(),
    },
    indexes=("port_id", "router_id"), quota="floatingips", prepare=_prepare_floating,
    created=_floating_created, change=_change_floating, guard=_guard_floating, release=_release_floating,
    view=_view_floating,
)  # fmt: skip

COLLECTIONS = ((ROUTERS, STYLE), (FLOATING_IPS, STYLE))
ROUTES = (
    Route("PUT", "/routers/{id}/add_router_interface", _add_interface),
    Route("PUT", "/routers/{id}/remove_router_interface", _remove_interface),
    Route("PUT", "/routers/{id}/add_extraroutes", _extra_routes(add=True)),
    Route("PUT", "/routers/{id}/remove_extraroutes", _extra_routes(add=False)),
)

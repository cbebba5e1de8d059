"""Port forwardings: single ports of floating IPs that lead inside."""

from __future__ import annotations

from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.neutron.routers import FLOATING_IPS, router_between
from stackd.devcloud.neutron.style import PLAIN, missing
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request
from stackd.devcloud.world import World

_KIND = "network.port_forwardings"
_OUTER = ("external_port", "protocol")
_INNER = ("internal_port", "protocol", "internal_port_id", "internal_ip_address")
"""What two forwardings must not have in common: of one floating IP, and of all."""
_PROTOCOLS = ("tcp", "udp", "icmp", "icmp6", "sctp", "dccp")


def _floating_ip(call: Call) -> Entity:
    floating = call.store.get(FLOATING_IPS.kind, call.params["floatingip"])
    if floating is None or not FLOATING_IPS.sees(call, floating):
        raise missing("Floating IP", call.params["floatingip"])
    return floating


def _of_address(call: Call, entity: Entity) -> bool:
    """Whether a forwarding is of the floating IP in the path."""
    return bool(entity.data["floatingip_id"] == _floating_ip(call).id)


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    floating = _floating_ip(call)
    if floating.data["port_id"]:
        raise bad_request(
            f"Port forwarding cannot be made: floating IP {floating.id} is associated with port "
            f"{floating.data['port_id']}.",
            "BadRequest",
        )
    values["floatingip_id"] = floating.id
    _check(call, floating, values, "")


def _change(call: Call, entity: Entity, changes: JSON) -> None:
    _check(call, _floating_ip(call), entity.data | changes, entity.id)


def _check(call: Call, floating: Entity, values: JSON, but: str) -> None:
    """Refuse targets that are not there or cannot be reached, and doubles."""
    if values["protocol"] not in _PROTOCOLS:
        raise bad_request(
            f"Invalid input for protocol. Reason: '{values['protocol']}' is not in {list(_PROTOCOLS)}.",
            "HTTPBadRequest",
        )
    router = _router_to(call, floating, values)
    for other in call.store.all(_KIND):
        sides = [_OUTER] if other.data["floatingip_id"] == floating.id else []
        for side in [*sides, _INNER]:
            if other.id != but and all(other.data[key] == values[key] for key in side):
                raise bad_request(
                    f"Bad port_forwarding request: There is a port collision with the {side[0]}_range. The "
                    f"following ranges collide: {values[side[0]]} and {other.data[side[0]]}.",
                    "BadRequest",
                )
    call.store.update(floating, {"router_id": router, "status": "ACTIVE"})


def _router_to(call: Call, floating: Entity, values: JSON) -> str:
    port = call.store.get("network.ports", str(values["internal_port_id"]))
    if port is None:
        raise missing("Port", str(values["internal_port_id"]))
    for fixed in port.data["fixed_ips"]:
        if fixed["ip_address"] == values["internal_ip_address"]:
            network = floating.data["floating_network_id"]
            return router_between(call, fixed["subnet_id"], network, port.id)
    raise bad_request(
        f"The internal_ip_address {values['internal_ip_address']} is not one of port {port.id}.", "BadRequest"
    )


def _release(world: World, entity: Entity) -> None:
    """The last one that goes lets the router go, too."""
    floating = world.store.get(FLOATING_IPS.kind, entity.data["floatingip_id"])
    if floating is not None and world.store.first(_KIND, floatingip_id=floating.id) is None:
        world.store.update(floating, {"router_id": None, "status": "DOWN"})


def _view(call: Call, entity: Entity) -> JSON:
    return {key: value for key, value in entity.data.items() if key != "floatingip_id"}


FORWARDINGS = Collection(
    kind=_KIND, path="/floatingips/{floatingip}/port_forwardings", singular="port_forwarding",
    plural="port_forwardings", label="Port forwarding",
    fields={
        "internal_port_id": Field(required=True), "internal_ip_address": Field(required=True),
        "internal_port": Field(), "external_port": Field(), "protocol": Field(required=True),
        "description": Field(""),
    },
    indexes=("floatingip_id",), sees=_of_address, prepare=_prepare, change=_change, release=_release,
    view=_view, projectless=True,
)  # fmt: skip
COLLECTIONS = ((FORWARDINGS, PLAIN),)

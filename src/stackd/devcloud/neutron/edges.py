"""Gateways at the edge of the cloud: switches and devices behind which networks go on."""

from __future__ import annotations

from stackd.devcloud.collection import Collection, Field, fetch
from stackd.devcloud.neutron.style import PLAIN, invalid, missing, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, conflict, not_found

L2_KIND, L2_CONNECTIONS_KIND = "network.l2_gateways", "network.l2_gateway_connections"


def _prepare_l2(call: Call, values: JSON, private: JSON) -> None:
    _check_devices(values["devices"])


def _change_l2(call: Call, entity: Entity, changes: JSON) -> None:
    if "devices" in changes:
        _refuse_used(call, entity)
        _check_devices(changes["devices"])


def _check_devices(devices: list[JSON]) -> None:
    if not devices or not all(each.get("device_name") and each.get("interfaces") for each in devices):
        raise invalid("Cannot create a gateway if devices is empty or a device has no name or interface")


def _refuse_used(call: Call, entity: Entity) -> None:
    if call.store.first(L2_CONNECTIONS_KIND, l2_gateway_id=entity.id) is not None:
        raise conflict(f"L2 Gateway '{entity.id}' still has active mappings with networks.", "L2GatewayInUse")


def _prepare_l2_connection(call: Call, values: JSON, private: JSON) -> None:
    gateway = call.store.get(L2_KIND, str(values["l2_gateway_id"]))
    interfaces = (
        [one for device in gateway.data["devices"] for one in device["interfaces"]] if gateway else []
    )
    numbered = any(one.get("segmentation_id") for one in interfaces)
    if numbered == bool(values["segmentation_id"]):
        text = "must be given for the connection or for the interfaces of the gateway, and not for both"
        raise bad_request(f"The segmentation id {text}.", "L2GatewaySegmentationRequired")
    mapping = {name: values[name] for name in ("l2_gateway_id", "network_id", "segmentation_id")}
    if call.store.first(L2_CONNECTIONS_KIND, **mapping) is not None:
        raise conflict(
            f"The specified mapping '{mapping}' exists on the gateway already.", "L2GatewayConnectionExists"
        )


def _prepare_gateway(call: Call, values: JSON, private: JSON) -> None:
    values |= {"default": False, "ports": []}
    private["connections"] = []


def _guard_gateway(call: Call, entity: Entity) -> None:
    if entity.private["connections"]:
        raise conflict(
            f"Network Gateway '{entity.id}' still has active mappings with one or more neutron networks.",
            "GatewayInUse",
        )


def _connect(call: Call) -> Reply:
    """Connect a network; each kind and number of segment is used once."""
    gateway, connection = _asked(call)
    network = call.store.get("network.networks", connection["network_id"])
    if network is None or not own_or_shared(call, network):
        raise missing("Network", connection["network_id"])
    used = [{**each, "network_id": ""} for each in gateway.private["connections"]]
    if {**connection, "network_id": ""} in used:
        raise conflict(
            f"The specified mapping '{connection}' is already in use on network gateway '{gateway.id}'.",
            "GatewayConnectionInUse",
        )
    gateway.private["connections"].append(connection)
    return _connected(gateway, network.id)


def _disconnect(call: Call) -> Reply:
    gateway, connection = _asked(call)
    if connection not in gateway.private["connections"]:
        raise not_found(
            f"The connection {connection} was not found on the network gateway '{gateway.id}'",
            "GatewayConnectionNotFound",
        )
    gateway.private["connections"].remove(connection)
    return _connected(gateway, connection["network_id"])


def _asked(call: Call) -> tuple[Entity, JSON]:
    body = call.json()
    connection = {
        "network_id": str(body.get("network_id")),
        "segmentation_type": body.get("segmentation_type", "flat"),
        "segmentation_id": body.get("segmentation_id", 0),
    }
    return fetch(NETWORK_GATEWAYS, PLAIN, call, call.params["id"]), connection


def _connected(gateway: Entity, network_id: str) -> Reply:
    return Reply(200, {"connection_info": {"network_gateway_id": gateway.id, "network_id": network_id}})


L2_GATEWAYS = Collection(
    kind=L2_KIND, path="/l2-gateways", singular="l2_gateway", plural="l2_gateways", label="L2 Gateway",
    fields={"name": Field(""), "devices": Field(required=True)},
    quota="l2_gateways", prepare=_prepare_l2, change=_change_l2, guard=_refuse_used,
)  # fmt: skip
L2_GATEWAY_CONNECTIONS = Collection(
    kind=L2_CONNECTIONS_KIND, path="/l2-gateway-connections", singular="l2_gateway_connection",
    plural="l2_gateway_connections", label="L2 Gateway Connection",
    fields={
        "l2_gateway_id": Field(required=True), "network_id": Field(required=True),
        "segmentation_id": Field(),
    },
    references={"l2_gateway_id": L2_KIND, "network_id": "network.networks"},
    methods="list create show delete", prepare=_prepare_l2_connection,
)  # fmt: skip
NETWORK_GATEWAYS = Collection(
    kind="network.network_gateways", path="/network-gateways", singular="network_gateway",
    plural="network_gateways", label="Network Gateway",
    fields={"name": Field(""), "devices": Field(required=True, put=False)},
    quota="network_gateways", prepare=_prepare_gateway, guard=_guard_gateway,
)  # fmt: skip

COLLECTIONS = ((L2_GATEWAYS, PLAIN), (L2_GATEWAY_CONNECTIONS, PLAIN), (NETWORK_GATEWAYS, PLAIN))
ROUTES = (
    Route("PUT", "/network-gateways/{id}/connect_network", _connect),
    Route("PUT", "/network-gateways/{id}/disconnect_network", _disconnect),
)

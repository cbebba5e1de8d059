"""Subnet pools: ranges from which subnets are made."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.neutron.addresses import parse_network
from stackd.devcloud.neutron.style import STYLE, invalid, missing, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request


def _joined(prefixes: list[str]) -> list[str]:
    """Neighbours as one range, as the service keeps them."""
    ranges = [parse_network(prefix) for prefix in prefixes]
    four = collapse_addresses(each for each in ranges if isinstance(each, IPv4Network))
    six = collapse_addresses(each for each in ranges if isinstance(each, IPv6Network))
    return [str(each) for each in (*four, *six)]


def _prepare_pool(call: Call, values: JSON, private: JSON) -> None:
    values["prefixes"] = _joined(values["prefixes"])
    networks = [parse_network(prefix) for prefix in values["prefixes"]]
    version = networks[0].version if networks else 4
    values["ip_version"] = version
    values["min_prefixlen"] = int(values["min_prefixlen"] or (8 if version == 4 else 64))
    values["max_prefixlen"] = int(values["max_prefixlen"] or (32 if version == 4 else 128))
    values["default_prefixlen"] = int(values["default_prefixlen"] or values["min_prefixlen"])
    values["tags"] = []
    _check_bounds(values)
    _check_scope(call, values)


def _change_pool(call: Call, entity: Entity, changes: JSON) -> None:
    values = entity.data | changes
    _check_bounds(values)
    _check_scope(call, values)
    if "default_quota" in changes and not isinstance(changes["default_quota"], int):
        raise invalid(f"'{changes['default_quota']}' is not an integer")
    values["prefixes"] = changes["prefixes"] = _joined(values["prefixes"])
    if set(entity.data["prefixes"]) - set(values["prefixes"]):
        raise bad_request(
            "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.",
            "IllegalSubnetPoolPrefixUpdate",
        )


def _check_bounds(values: JSON) -> None:
    low, default, high = (int(values[f"{name}_prefixlen"]) for name in ("min", "default", "max"))
    if not low <= default <= high:
        raise bad_request(
            f"Illegal prefix bounds: min_prefixlen={low}, default_prefixlen={default}, max_prefixlen={high}.",
            "IllegalSubnetPoolPrefixBounds",
        )


def _check_scope(call: Call, values: JSON) -> None:
    scope_id = values["address_scope_id"]
    scope = call.store.get("network.address_scopes", str(scope_id)) if scope_id else None
    if scope_id and (scope is None or not own_or_shared(call, scope)):
        raise missing("Address scope", str(scope_id))
    if scope is not None and scope.data["ip_version"] != values["ip_version"]:
        raise bad_request(
            f"Illegal subnetpool association: address scope {scope_id} is of another IP version.",
            "IllegalSubnetPoolIpVersionAssociation",
        )


def _guard_pool(call: Call, entity: Entity) -> None:
    if call.store.first("network.subnets", subnetpool_id=entity.id) is not None:
        raise bad_request(
            f"Unable to delete subnet pool: Subnet pool has existing allocations: {entity.id}.",
            "SubnetPoolDeleteError",
        )


SUBNET_POOLS = Collection(
    kind="network.subnetpools", path="/subnetpools", singular="subnetpool", plural="subnetpools",
    label="Subnet pool",
    fields={
        "name": Field(""), "prefixes": Field(required=True), "default_prefixlen": Field(),
        "min_prefixlen": Field(), "max_prefixlen": Field(), "default_quota": Field(), "shared": Field(False),
        "is_default": Field(False), "address_scope_id": Field(), "description": Field(""),
    },
    quota="subnetpools", sees=own_or_shared, prepare=_prepare_pool, change=_change_pool, guard=_guard_pool,
)  # fmt: skip
COLLECTIONS = ((SUBNET_POOLS, STYLE),)

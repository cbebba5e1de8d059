"""Pools with their members and health monitors."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from stackd.devcloud.collection import Field, fetch, own
from stackd.devcloud.octavia.balancers import BALANCERS, LISTENERS
from stackd.devcloud.octavia.kinds import LISTENERS_KIND, MEMBERS_KIND, MONITORS_KIND, POLICIES_KIND
from stackd.devcloud.octavia.states import (
    balanced,
    balancers,
    demand_mutable,
    ids,
    part_created,
    part_leaves,
    shown,
    with_defaults,
)
from stackd.devcloud.octavia.style import STYLE, invalid
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, bad_request, conflict
from stackd.devcloud.world import World

_FIT: Final = {
    "TCP": ("HTTP", "HTTPS", "PROXY", "TCP"), "HTTP": ("HTTP", "PROXY"), "HTTPS": ("HTTPS", "PROXY", "TCP"),
    "TERMINATED_HTTPS": ("HTTP", "PROXY"), "UDP": ("UDP",),
}  # fmt: skip
"""The protocols that pools may have, by those of the listeners before them."""
_HTTP: Final = {"http_method": "GET", "url_path": "/", "expected_codes": "200"}
"""What only monitors have that ask by HTTP, and its defaults."""


def _prepare_pool(call: Call, values: JSON, private: JSON) -> None:
    listener_id = private["listener"] = values.pop("listener_id")
    if not listener_id and not values["loadbalancer_id"]:
        raise invalid("Must provide at least one of: loadbalancer_id, listener_id")
    listener = fetch(LISTENERS, STYLE, call, listener_id) if listener_id else None
    if listener is not None:
        values["loadbalancer_id"] = listener.data["loadbalancer_id"]
        _check_fit(listener.data["protocol"], values["protocol"])
    _complete_persistence(values)
    demand_mutable(call, fetch(BALANCERS, STYLE, call, values["loadbalancer_id"]).id)
    if listener is not None and listener.data["default_pool_id"] is not None:
        raise conflict("This listener already has a default pool")


def _check_fit(listener: str, pool: str) -> None:
    if pool not in _FIT.get(listener, ()):
        raise invalid(f"The pool protocol '{pool}' is invalid while the listener protocol is '{listener}'.")


def _complete_persistence(values: JSON) -> None:
    if (given := values.get("session_persistence")) is None:
        return
    if given["type"] == "APP_COOKIE" and not given.get("cookie_name"):
        raise invalid(
            'Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.'
        )
    empty = dict.fromkeys(("cookie_name", "persistence_timeout", "persistence_granularity"))
    values["session_persistence"] = empty | given


def _pool_created(call: Call, entity: Entity) -> None:
    listener = call.store.get(LISTENERS_KIND, entity.private["listener"] or "")
    if listener is not None:
        call.store.update(listener, {"default_pool_id": entity.id})
    part_created(call, entity)


def _change_pool(call: Call, entity: Entity, changes: JSON) -> None:
    with_defaults(POOLS, changes)
    _complete_persistence(changes)
    demand_mutable(call, entity.data["loadbalancer_id"])


def _guard_pool(call: Call, entity: Entity) -> None:
    policy = call.store.first(POLICIES_KIND, redirect_pool_id=entity.id)
    if policy is not None:
        raise conflict(f"Pool {entity.id} is in use by L7 policy {policy.id}")
    part_leaves(call, entity)


def _release_pool(world: World, entity: Entity) -> None:
    for listener in list(world.store.find(LISTENERS_KIND, default_pool_id=entity.id)):
        world.store.update(listener, {"default_pool_id": None})
    for kind in (MEMBERS_KIND, MONITORS_KIND):
        for part in list(world.store.find(kind, pool_id=entity.id)):
            world.store.remove(part)


def _view_pool(call: Call, entity: Entity) -> JSON:
    monitor = call.store.first(MONITORS_KIND, pool_id=entity.id)
    return shown(
        call,
        entity,
        loadbalancers=balancers(entity),
        listeners=ids(call.store.find(LISTENERS_KIND, default_pool_id=entity.id)),
        members=ids(call.store.find(MEMBERS_KIND, pool_id=entity.id)),
        **({"healthmonitor_id": monitor.id} if monitor else {}),
    )


POOLS = balanced(
    "pools", "pool", "Pool",
    {
        "name": Field(""), "description": Field(""), "listener_id": Field(put=False),
        "protocol": Field(required=True, put=False), "lb_algorithm": Field(required=True),
        "session_persistence": Field(), "tls_enabled": Field(False),
    },
    quota="pools", prepare=_prepare_pool, created=_pool_created, change=_change_pool, guard=_guard_pool,
    release=_release_pool, view=_view_pool,
)  # fmt: skip


def _place(call: Call, pool_id: str, values: JSON) -> None:
    """Put a part into a pool that can be changed."""
    pool = fetch(POOLS, STYLE, call, pool_id)
    demand_mutable(call, pool.data["loadbalancer_id"])
    put_inside(pool, values)


def put_inside(pool: Entity, values: JSON) -> None:
    """Make an object a part of a pool."""
    values |= {"pool_id": pool.id, "loadbalancer_id": pool.data["loadbalancer_id"]}


def _prepare_member(call: Call, values: JSON, private: JSON) -> None:
    check_member(call, values)
    _place(call, call.params["pool"], values)
    demand_free(call, values)


def demand_free(call: Call, values: JSON) -> None:
    """Refuse a second member of a pool with the same address and port."""
    same = {name: values[name] for name in ("pool_id", "address", "protocol_port")}
    if call.store.first(MEMBERS_KIND, **same) is not None:
        raise conflict(
            f"Another member on this pool is already using ip {values['address']} on protocol_port "
            f"{values['protocol_port']}"
        )


def check_member(call: Call, values: JSON) -> None:
    """Refuse a member whose values make no sense."""
    try:
        ip_address(str(values["address"]))
    except ValueError as error:
        raise _wrong("address", values) from error
    if values["subnet_id"] and call.store.get("network.subnets", values["subnet_id"]) is None:
        raise STYLE.missing("Subnet", values["subnet_id"])
    if not 0 <= int(values["weight"]) <= 256:
        raise _wrong("weight", values)


def _wrong(name: str, values: JSON) -> Fault:
    return bad_request(f"Invalid input for field/attribute {name}. Value: '{values[name]}'.")


def _change_member(call: Call, entity: Entity, changes: JSON) -> None:
    with_defaults(MEMBERS, changes)
    check_member(call, entity.data | changes)
    demand_mutable(call, entity.data["loadbalancer_id"])


def _in_pool(call: Call, entity: Entity) -> bool:
    return own(call, entity) and entity.data["pool_id"] == call.params["pool"]


MEMBERS = balanced(
    "pools/{pool}/members", "member", "Member",
    {
        "name": Field(""), "pool_id": Field(post=False, put=False), "weight": Field(1),
        "address": Field(required=True, put=False), "protocol_port": Field(required=True, put=False),
        "subnet_id": Field(put=False), "monitor_address": Field(), "monitor_port": Field(),
        "backup": Field(False),
    },
    kind=MEMBERS_KIND, quota="pool_members", sees=_in_pool, prepare=_prepare_member, change=_change_member,
)  # fmt: skip


def _prepare_monitor(call: Call, values: JSON, private: JSON) -> None:
    _check_monitor(values)
    _place(call, values["pool_id"], values)
    if call.store.first(MONITORS_KIND, pool_id=values["pool_id"]) is not None:
        raise conflict("This pool already has a health monitor")


def _check_monitor(values: JSON) -> None:
    by_http = values["type"] in ("HTTP", "HTTPS")
    for name, default in _HTTP.items():
        if by_http:
            values[name] = default if values[name] is None else values[name]
        elif values[name] is not None:
            raise bad_request(f"{name} is not a valid option for health monitors of type {values['type']}")


def _change_monitor(call: Call, entity: Entity, changes: JSON) -> None:
    with_defaults(MONITORS, changes)
    complete = entity.data | changes
    _check_monitor(complete)
    changes |= {name: complete[name] for name in _HTTP}
    demand_mutable(call, entity.data["loadbalancer_id"])


def _view_monitor(call: Call, entity: Entity) -> JSON:
    return shown(call, entity, pools=[{"id": entity.data["pool_id"]}])


MONITORS = balanced(
    "healthmonitors", "healthmonitor", "Health Monitor",
    {
        "name": Field(""), "pool_id": Field(required=True, put=False),
        "type": Field(required=True, put=False), "delay": Field(required=True),
        "timeout": Field(required=True), "max_retries": Field(required=True), "max_retries_down": Field(3),
        **{name: Field() for name in _HTTP},
    },
    quota="healthmonitors", prepare=_prepare_monitor, change=_change_monitor, view=_view_monitor,
)  # fmt: skip

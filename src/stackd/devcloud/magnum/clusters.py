"""Clusters, which are shown a moment after they were asked for, and work in the background."""

from __future__ import annotations

import re
from typing import Final

from stackd.devcloud.collection import Collection, Field, create, demand, fetch, listing, own, touch
from stackd.devcloud.magnum.style import STYLE, invalid, missing, patched, refuse_filters, whole
from stackd.devcloud.magnum.templates import CLUSTERS_KIND, TEMPLATES, check_key, links
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, forbidden
from stackd.devcloud.world import World

_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,241}")
_LAG: Final = 0.1
"""The part of the time in which a cluster is built that passes before it is shown."""

_LONGEST_GAP: Final = 0.1
"""Seconds at most between a cluster and its masters; until these are stored the service fails to show it."""

_VERSION: Final = "v1.31.1"
_FROM_TEMPLATE: Final = (
    *("docker_volume_size", "master_flavor_id", "flavor_id", "fixed_network", "fixed_subnet", "labels"),
    *("floating_ip_enabled", "master_lb_enabled"),
)
_BRIEF: Final = (
    *(
        "uuid",
        "name",
        "cluster_template_id",
        "keypair",
        "docker_volume_size",
        "labels",
        "node_count",
        "status",
    ),
    *("master_flavor_id", "flavor_id", "create_timeout", "master_count", "health_status", "stack_id"),
)


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    if unknown := sorted(values.keys() - FIELDS.keys() - {"project_id"}):
        raise bad_request(f"Unknown attribute for argument cluster: {', '.join(unknown)}")
    template = _template(call, values["cluster_template_id"])
    for name, least in (("node_count", 0), ("master_count", 1), ("create_timeout", 0)):
        whole(name, values[name], least)
    values["name"] = values["name"] or f"zeta-{call.world.random.randint(1, 99)}-cluster"
    if _NAME.fullmatch(values["name"]) is None:
        raise invalid("name", values["name"], f"Value should match the pattern ^{_NAME.pattern}$")
    for name in _FROM_TEMPLATE:
        values[name] = template.data[name] if values[name] in (None, {}) else values[name]
    if values["master_count"] > 1 and not values["master_lb_enabled"]:
        raise bad_request("master_count must be 1 when master_lb_enabled is False")
    _check_disks(values)
    values["keypair"] = values["keypair"] or template.data["keypair_id"]
    if values["keypair"]:
        check_key(call, values["keypair"])
    values |= {
        "cluster_template_id": template.id, "user_id": call.actor.user_id, "stack_id": call.world.uuid(),
        "status": "CREATE_IN_PROGRESS", "status_reason": None, "health_status": None, "api_address": None,
        "health_status_reason": None, "coe_version": None, "container_version": None, "node_addresses": [],
        "master_addresses": [], "faults": None,
    }  # fmt: skip
    lag = call.world.ready_after * _LAG
    private["shown_from"] = call.world.clock() + lag
    private["whole_from"] = private["shown_from"] + min(lag, _LONGEST_GAP)


def _check_disks(values: JSON) -> None:
    """Without volumes to boot from the flavors must be known, as their disks matter."""
    if int((values["labels"] or {}).get("boot_volume_size", 0)) > 0:
        return
    for name in ("flavor_id", "master_flavor_id"):
        if not values[name]:
            raise bad_request(f"Unable to find flavor {values[name]}.")


def _template(call: Call, wanted: object) -> Entity:
    if not wanted:
        raise invalid("cluster_template_id", wanted, "Mandatory field missing.")
    found = call.store.get(TEMPLATES.kind, str(wanted)) or next(
        (each for each in call.store.find(TEMPLATES.kind, name=wanted) if TEMPLATES.sees(call, each)), None
    )
    if found is None or not TEMPLATES.sees(call, found):
        raise missing(TEMPLATES.label, str(wanted))
    if found.data["hidden"] and not call.actor.is_admin:
        raise forbidden("Not authorized.")
    return found


def _work(world: World, cluster: Entity, action: str) -> None:
    """Let an action take its time, after which the machines have their addresses."""
    world.store.update(cluster, {"status": f"{action}_IN_PROGRESS", "status_reason": None})
    data = cluster.data

    def done() -> None:
        touch(STYLE, world, cluster)

    built = {
        "status": f"{action}_COMPLETE", "api_address": "https://10.0.0.10:6443", "coe_version": _VERSION,
        "container_version": "1.7.22", "master_addresses": _addresses(10, data["master_count"]),
        "node_addresses": _addresses(100, data["node_count"]),
    }  # fmt: skip
    world.store.later(cluster, world.ready_after, built, done)


def _addresses(first: int, count: int) -> list[str]:
    return [f"10.0.{at // 256}.{at % 256}" for at in range(first, first + count)]


def _sees(call: Call, cluster: Entity) -> bool:
    return own(call, cluster) and call.world.clock() >= cluster.private["shown_from"]


def _whole(call: Call, cluster: Entity) -> JSON:
    """What is shown of a cluster, once its masters are stored."""
    if call.world.clock() < cluster.private["whole_from"]:
        raise invalid("master_count", 0, "Value should be greater or equal to 1")
    return cluster.data


def _view(call: Call, cluster: Entity) -> JSON:
    return _whole(call, cluster) | {"links": links(call, "clusters", cluster.id)}


FIELDS: Final = {
    "name": Field(), "cluster_template_id": Field(), "keypair": Field(), "node_count": Field(1),
    "master_count": Field(1), "docker_volume_size": Field(), "labels": Field({}), "master_flavor_id": Field(),
    "flavor_id": Field(), "create_timeout": Field(60), "discovery_url": Field(), "fixed_network": Field(),
    "fixed_subnet": Field(), "floating_ip_enabled": Field(), "master_lb_enabled": Field(),
}  # fmt: skip
CLUSTERS: Final = Collection(
    kind=CLUSTERS_KIND, path="/clusters", singular="", plural="clusters", label="Cluster", fields=FIELDS,
    indexes=("cluster_template_id",), quota="magnum_clusters", id_field="uuid", sees=_sees, methods="show",
    broken={"status": "CREATE_FAILED", "status_reason": "The nodes did not come up."},
    prepare=_prepare, created=lambda call, cluster: _work(call.world, cluster, "CREATE"), view=_view,
)  # fmt: skip


def _create(call: Call) -> Reply:
    demand(call, CLUSTERS.writer, "cluster:create", STYLE)
    return Reply(202, {"uuid": create(CLUSTERS, STYLE, call, call.json()).id})


def _list(call: Call) -> Reply:
    demand(call, "reader", "cluster:get_all", STYLE)
    refuse_filters(call)
    is_whole = call.path.endswith("/detail")
    return Reply(200, listing(CLUSTERS, STYLE, call, _view if is_whole else _brief))


def _brief(call: Call, cluster: Entity) -> JSON:
    data = _whole(call, cluster)
    return {name: data[name] for name in _BRIEF} | {"links": links(call, "clusters", cluster.id)}


def _patch(call: Call) -> Reply:
    """Only the number of nodes can be changed, and only that of a cluster at rest: else nothing happens."""
    demand(call, CLUSTERS.writer, "cluster:update", STYLE)
    cluster = fetch(CLUSTERS, STYLE, call, call.params["id"])
    asked = patched(call, cluster, {name: each.default for name, each in FIELDS.items()})
    changes = {name: value for name, value in asked.items() if cluster.data[name] != value}
    if refused := sorted(changes.keys() - {"node_count"}):
        raise bad_request(f"cannot change cluster property(ies) {', '.join(refused)}.")
    if changes:
        whole("node_count", changes["node_count"], 0)
    if changes and cluster.data["status"].endswith("_COMPLETE"):
        call.store.update(cluster, changes)
        touch(STYLE, call.world, cluster)
        _work(call.world, cluster, "UPDATE")
    return Reply(202, {"uuid": cluster.id})


def _delete(call: Call) -> Reply:
    demand(call, CLUSTERS.writer, "cluster:delete", STYLE)
    cluster = fetch(CLUSTERS, STYLE, call, call.params["id"])
    call.store.update(cluster, {"status": "DELETE_IN_PROGRESS", "status_reason": None})
    touch(STYLE, call.world, cluster)
    call.store.later(cluster, call.world.ready_after, None)
    return Reply(204)


_ONE: Final = f"{CLUSTERS.path}/{{id}}"
ROUTES: Final = (
    Route("POST", CLUSTERS.path, _create),
    Route("GET", CLUSTERS.path, _list),
    Route("GET", f"{CLUSTERS.path}/detail", _list),
    Route("PATCH", _ONE, _patch),
    Route("DELETE", _ONE, _delete),
)

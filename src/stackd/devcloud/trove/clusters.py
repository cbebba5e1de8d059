"""Clusters, whose instances are made and deleted with them."""

from __future__ import annotations

from typing import Any, Final

from stackd.devcloud.collection import Collection, Field, create, demand, fetch, listing
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trove.datastores import check_cluster, find_datastore
from stackd.devcloud.trove.instances import KIND as INSTANCES
from stackd.devcloud.trove.instances import check_gigabytes, outcome, shape
from stackd.devcloud.trove.style import (
    STYLE,
    busy,
    checked_flavor,
    checked_nics,
    checked_size,
    checked_text,
    invalid,
    links,
)
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request
from stackd.devcloud.world import World

_TASKS: Final[dict[str, JSON]] = {
    "NONE": {"id": 1, "name": "NONE", "description": "No tasks for the cluster."},
    "BUILDING": {"id": 2, "name": "BUILDING", "description": "Building the initial cluster."},
    "DELETING": {"id": 3, "name": "DELETING", "description": "Deleting the cluster."},
}


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    checked_text("cluster['name']", values["name"])
    given = values.pop("instances")
    if not isinstance(given, list):
        raise invalid("cluster['instances']", f"{given!r} is not of type 'array'")
    kind, version = find_datastore(call, values["datastore"])
    check_cluster(kind, version, len(given))
    members = [_member(call, each) for each in given]
    for name, what in (("flavor", "The flavor"), ("size", "The volume size")):
        if len({each[name] for each in members}) > 1:
            raise bad_request(f"{what} for each instance in a cluster must be the same.")
    check_gigabytes(call, sum(each["size"] for each in members))
    private["members"] = members
    values |= {"datastore": {"type": kind, "version": version}, "task": _TASKS["BUILDING"]}


def _member(call: Call, given: Any) -> JSON:
    path = "cluster['instances']"
    if not isinstance(given, dict) or "flavorRef" not in given:
        raise invalid(path, "'flavorRef' is a required property")
    if any("net-id" in each for each in given.get("nics") or ()):
        raise Fault(500, "Internal Server Error.")  # the older word is allowed, but not understood
    return {
        "flavor": checked_flavor(call, given["flavorRef"]), "size": checked_size(path, given.get("volume")),
        "nics": checked_nics(call, path, given.get("nics") or []), "zone": given.get("availability_zone"),
    }  # fmt: skip


def _created(call: Call, cluster: Entity) -> None:
    """The instances come with the cluster, and its task ends when they are active; never if one fails."""
    source, is_built = (cluster.data["datastore"]["type"], cluster.data["datastore"]["version"]), True
    for number, member in enumerate(cluster.private.pop("members"), 1):
        identity, name = call.world.uuid(), f"{cluster.data['name']}-member-{number}"
        data = shape(call, name, member["flavor"], member["size"], source, member["nics"])
        times = {each: cluster.data[each] for each in ("created", "updated")}
        data |= {"id": identity, "status": "BUILD", "availability_zone": member["zone"], **times}
        hidden = {"databases": {}, "users": {}, "source": "", "cluster": cluster.id}
        instance = call.store.add(INSTANCES, identity, cluster.project_id, data, hidden)
        ending = outcome(call, member["nics"])
        call.store.later(instance, call.world.ready_after, ending)
        call.touched.append(instance)
        is_built = is_built and ending["status"] == "ACTIVE"
    if is_built:
        call.store.later(cluster, call.world.ready_after, {"task": _TASKS["NONE"]})


def _members(world: World, cluster: Entity) -> list[Entity]:
    return [each for each in world.store.all(INSTANCES) if each.private["cluster"] == cluster.id]


def _brief(call: Call, cluster: Entity) -> JSON:
    """A cluster as lists show it: nobody has asked how its instances are."""
    instances = [
        {
            "id": each.id, "name": each.data["name"], "type": "member",
            "links": links(call, "instances", each.id),
        }
        for each in _members(call.world, cluster)
    ]  # fmt: skip
    return cluster.data | {"instances": instances, "links": links(call, "clusters", cluster.id)}


def _view(call: Call, cluster: Entity) -> JSON:
    shown = _brief(call, cluster)
    found = [each.data for each in _members(call.world, cluster)]
    for instance, data in zip(shown["instances"], found, strict=True):
        flavor = {"id": data["flavor"], "links": links(call, "flavors", data["flavor"])}
        addresses = [{"address": each, "type": "private"} for each in data["ip"]]
        instance |= {"status": data["status"], "volume": data["volume"], "flavor": flavor, "ip": addresses}
    return shown | {"ip": [each for instance in shown["instances"] for each in instance["ip"]]}


CLUSTERS: Final = Collection(
    kind="database.clusters", path="/clusters", singular="cluster", plural="clusters", label="Cluster",
    fields={
        "name": Field(required=True), "datastore": Field(required=True), "instances": Field(required=True),
    },
    broken={"task": _TASKS["NONE"]}, methods="show", prepare=_prepare, created=_created, view=_view,
)  # fmt: skip


def _list(call: Call) -> Reply:
    demand(call, "reader", "cluster:index", STYLE)
    return Reply(200, listing(CLUSTERS, STYLE, call, _brief))


def _create(call: Call) -> Reply:
    demand(call, "member", "cluster:create", STYLE)
    return Reply(200, {"cluster": _brief(call, create(CLUSTERS, STYLE, call, call.unwrap("cluster")))})


def _delete(call: Call) -> Reply:
    demand(call, "member", "cluster:delete", STYLE)
    cluster = fetch(CLUSTERS, STYLE, call, call.params["id"])
    if cluster.data["task"]["name"] not in ("NONE", "DELETING"):
        raise busy(f"This action cannot be performed on the cluster while the current cluster task is "
                   f"'{cluster.data['task']['name']}'.")  # fmt: skip
    members, store = _members(call.world, cluster), call.store

    def gone() -> None:
        for each in members:
            store.remove(each)

    store.update(cluster, {"task": _TASKS["DELETING"]})
    for each in members:
        each.pending = None
        store.update(each, {"status": "SHUTDOWN"})
    store.later(cluster, call.world.ready_after, None, gone)
    return Reply(202)


ROUTES: Final = (
    Route("GET", "/clusters", _list),
    Route("POST", "/clusters", _create),
    Route("DELETE", "/clusters/{id}", _delete),
)

"""Instances: what they are made of, how they are resized, and what their states allow."""

from __future__ import annotations

from typing import Any, Final

from stackd.devcloud.collection import Collection, Field, Progression, create, demand, fetch, listing
from stackd.devcloud.neutron.routers import INTERFACE
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trove.accounts import checked_databases, checked_users
from stackd.devcloud.trove.datastores import find_datastore
from stackd.devcloud.trove.style import (
    STYLE,
    busy,
    checked_flavor,
    checked_nics,
    checked_size,
    checked_text,
    invalid,
    links,
    missing,
    over_quota,
)
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict, forbidden

KIND: Final = "database.instances"
BACKUPS: Final = "database.database_backups"
_PATH: Final = "instance"
_MOST_REPLICAS: Final = 3
_OF_SOURCE: Final = {"flavorRef": "flavor", "datastore": "datastore", "volume": "volume"}
"""What requests for replicas must not name, and how the messages call it."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    checked_text(f"{_PATH}['name']", values["name"])
    source = _source(call, values)
    if source is None:
        flavor, size = checked_flavor(call, values["flavorRef"]), checked_size(_PATH, values["volume"])
        kind, version = find_datastore(call, values["datastore"])
    else:
        flavor, size = source.data["flavor"], source.data["volume"]["size"]
        kind, version = source.data["datastore"]["type"], source.data["datastore"]["version"]
    _check_backup(call, values["restorePoint"])
    check_gigabytes(call, size)
    databases = checked_databases(values["databases"])
    users = checked_users(values["users"], set(databases))
    if source is not None and (databases or users):
        raise bad_request("Cannot create a replica with users or databases.")
    nics = checked_nics(call, _PATH, values["nics"])
    private |= {"databases": databases, "users": users, "cluster": "", "source": source.id if source else ""}
    private |= {"count": values["replica_count"] or 1, "nics": nics}
    name, zone = values["name"], values["availability_zone"]
    values.clear()
    values |= shape(call, name, flavor, size, (kind, version), nics) | {"availability_zone": zone}


def shape(
    call: Call, name: str, flavor: str, size: int, datastore: tuple[str, str], nics: list[JSON]
) -> JSON:
    """An instance as it is stored; the flavor is its id."""
    address = (nics[0]["ip_address"] if nics else None) or f"192.0.2.{call.world.random.randint(1, 254)}"
    return {
        "name": name, "operating_status": "", "flavor": flavor, "volume": {"size": size},
        "datastore": dict(zip(("type", "version"), datastore, strict=True)), "region": "RegionOne",
        "access": {}, "ip": [address],
        "addresses": [
            {"address": address, "type": "private", "network": each["network_id"]} for each in nics
        ],
    }  # fmt: skip


def outcome(call: Call, nics: list[JSON]) -> JSON:
    """How the building of an instance ends: it fails where no router is on the subnet of its port."""
    for each in nics:
        subnet = each["subnet_id"] or next(
            (found.id for found in call.store.find("network.subnets", network_id=each["network_id"])), None
        )
        ways = call.store.find("network.ports", device_owner=INTERFACE)
        if subnet and not any(subnet == at["subnet_id"] for way in ways for at in way.data["fixed_ips"]):
            message = (
                f"Failed to create User port for instance: Subnet {subnet} is not associated with router."
            )
            return {"status": "ERROR", "fault": {"message": message}}
    return {"status": "ACTIVE"}


def _source(call: Call, values: JSON) -> Entity | None:
    count = values["replica_count"]
    if count is not None and not (isinstance(count, int) and 1 <= count <= _MOST_REPLICAS):
        raise invalid(f"{_PATH}['replica_count']", f"{count!r} is not between 1 and {_MOST_REPLICAS}")
    if not values["replica_of"]:
        if count and count > 1:
            raise bad_request("Replica count only valid when creating replicas. "
                              f"Cannot create {count} instances.")  # fmt: skip
        return None
    for name, word in _OF_SOURCE.items():
        if values[name]:
            raise bad_request(f"Cannot specify {word} when creating replicas.")
    source = fetch(INSTANCES, STYLE, call, str(values["replica_of"]))
    if source.private["source"]:
        raise Fault(401, f"Cannot create a replica of a replica {source.id}")
    check_active(source)
    return source


def _check_backup(call: Call, restored: Any) -> None:
    if not restored:
        return
    identity = str(restored.get("backupRef")).rpartition("/")[2]
    backup = call.store.get(BACKUPS, identity)
    if backup is None:
        raise missing("Backup", identity)
    if backup.data["status"] != "COMPLETED":
        raise conflict(f"Unable to create instance because backup {identity} is not completed.")


def check_gigabytes(call: Call, more: int) -> None:
    """The volumes of a project may have so many GB together."""
    limit, project_id = call.world.quota(call.actor.project_id, "database_gigabytes"), call.actor.project_id
    owned = (each for each in call.store.all(KIND) if each.project_id == project_id)
    if 0 <= limit < more + sum(each.data["volume"]["size"] for each in owned):
        raise over_quota("volumes", limit)


def check_active(instance: Entity) -> None:
    """Nothing is being done to an instance."""
    if instance.data["status"] != "ACTIVE":
        raise busy(
            f"Instance {instance.id} is not currently available for an action to be performed (instance "
            f"status was {instance.data['status']})."
        )


def _created(call: Call, instance: Entity) -> None:
    """Of several replicas each has a number, and the last is returned."""
    count: int = instance.private.pop("count")
    ending = outcome(call, instance.private.pop("nics"))
    call.store.later(instance, call.world.ready_after, ending)
    if count < 2:
        return
    name, order = instance.data["name"], call.store.tables[KIND].rows
    call.store.update(instance, {"name": f"{name}-{count}"})
    del order[instance.id]
    for number in range(1, count):
        identity = call.world.uuid()
        data = instance.data | {"id": identity, "name": f"{name}-{number}"}
        twin = call.store.add(KIND, identity, instance.project_id, data, dict(instance.private))
        call.store.later(twin, call.world.ready_after, ending)
    order[instance.id] = instance


def _guard(call: Call, instance: Entity) -> None:
    if instance.data["status"] == "BUILD":
        raise busy(f"Instance {instance.id} is not ready. (Status is BUILD).")
    if instance.private["cluster"]:
        raise Fault(501, "Instance is part of a cluster: the operation is not supported.")
    if _replicas(call, instance):
        raise forbidden("Detach replicas before deleting replica source.")


def _replicas(call: Call, instance: Entity) -> list[Entity]:
    return [each for each in call.store.all(KIND) if each.private["source"] == instance.id]


def view(call: Call, instance: Entity) -> JSON:
    """An instance with the links to what belongs to it."""
    flavor = instance.data["flavor"]
    shown = instance.data | {
        "flavor": {"id": flavor, "links": links(call, "flavors", flavor)},
        "links": links(call, "instances", instance.id),
        "operating_status": "HEALTHY" if instance.data["status"] == "ACTIVE" else "",
    }
    if source := instance.private["source"]:
        shown["replica_of"] = {"id": source, "links": links(call, "instances", source)}
    if found := _replicas(call, instance):
        shown["replicas"] = [{"id": each.id, "links": links(call, "instances", each.id)} for each in found]
    if cluster := instance.private["cluster"]:
        shown["cluster_id"] = cluster
    return shown


INSTANCES: Final = Collection(
    kind=KIND, path="/instances", singular="instance", plural="instances", label="Instance",
    fields={
        "name": Field(required=True), "flavorRef": Field(), "volume": Field({}), "databases": Field([]),
        "users": Field([]), "datastore": Field({}), "nics": Field([]), "availability_zone": Field(),
        "replica_of": Field(), "replica_count": Field(), "restorePoint": Field(),
    },
    quota="database_instances", progress=Progression("BUILD", "ACTIVE"), deleting="SHUTDOWN",
    methods="show delete", prepare=_prepare, created=_created, guard=_guard, view=view,
)  # fmt: skip


def _list(call: Call) -> Reply:
    """Instances in clusters are listed on demand only."""
    demand(call, "reader", "instance:index", STYLE)
    page = listing(INSTANCES, STYLE, call, view)
    clustered = call.first("include_clustered").lower() == "true"
    shown = [each for each in page["instances"] if clustered or "cluster_id" not in each]
    return Reply(200, page | {"instances": shown})


def _create(call: Call) -> Reply:
    demand(call, "member", "instance:create", STYLE)
    return Reply(200, {"instance": view(call, create(INSTANCES, STYLE, call, call.unwrap("instance")))})


def _update(call: Call) -> Reply:
    demand(call, "member", "instance:update", STYLE)
    instance, changes = fetch(INSTANCES, STYLE, call, call.params["id"]), call.unwrap("instance")
    known = ("name", "replica_of", "configuration", "datastore_version", "access")
    if unknown := sorted(changes.keys() - set(known)):
        raise invalid(_PATH, f"Additional properties are not allowed ({unknown[0]!r} was unexpected)")
    if "name" in changes:
        call.store.update(instance, {"name": checked_text(f"{_PATH}['name']", changes["name"])})
    if "replica_of" in changes:
        instance.private["source"] = ""
    return Reply(202)


ROUTES: Final = (
    Route("GET", "/instances", _list),
    Route("GET", "/instances/detail", _list),
    Route("POST", "/instances", _create),
    Route("PUT", "/instances/{id}", _update),
)

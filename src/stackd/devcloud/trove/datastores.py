"""Datastores and their versions, which the operator offers, and the flavors that instances have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stackd.devcloud.nova.flavors import KIND as FLAVORS
from stackd.devcloud.nova.flavors import PUBLIC
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trove.style import STYLE, links
from stackd.devcloud.wire import Call, Reply, Route, bad_request, not_found


@dataclass(frozen=True, slots=True)
class Datastore:
    """A kind of database: its versions, the default last, and the fewest instances in a cluster of it."""

    versions: tuple[str, ...]
    smallest_cluster: int = 0
    """0 where there are no clusters of it."""


DATASTORES: Final[Mapping[str, Datastore]] = {
    "mysql": Datastore(("5.7.29", "8.0.29")),
    "mariadb": Datastore(("10.4.18",), smallest_cluster=3),
    "postgresql": Datastore(("12.4", "15.3")),
}
_DEFAULT: Final = "mysql"


def _id(call: Call, *names: str) -> str:
    return call.world.named_id("datastore", "/".join(names))


def find_datastore(call: Call, asked: Any) -> tuple[str, str]:
    """The names of a datastore and its version, of names or ids in a request; a fault if there is none."""
    wanted = asked if isinstance(asked, dict) else {}
    name = _named(call, str(wanted.get("type") or _DEFAULT))
    version = str(wanted.get("version") or DATASTORES[name].versions[-1])
    return name, _version_named(call, name, version)


def _named(call: Call, wanted: str) -> str:
    for name in DATASTORES:
        if wanted in (name, _id(call, name)):
            return name
    raise not_found(f"Datastore '{wanted}' cannot be found.")


def _version_named(call: Call, name: str, wanted: str) -> str:
    for version in DATASTORES[name].versions:
        if wanted in (version, _id(call, name, version)):
            return version
    raise not_found(f"Datastore version '{wanted}' cannot be found.")


def _version(call: Call, name: str, version: str) -> JSON:
    identity = _id(call, name, version)
    shown = {"id": identity, "name": version, "version": version, "datastore": _id(call, name)}
    return shown | {"links": links(call, "datastores/versions", identity)}


def _datastore(call: Call, name: str) -> JSON:
    identity, versions = _id(call, name), DATASTORES[name].versions
    return {
        "id": identity, "name": name, "links": links(call, "datastores", identity),
        "versions": [_version(call, name, each) for each in versions],
        "default_version": _id(call, name, versions[-1]),
    }  # fmt: skip


def _list(call: Call) -> Reply:
    return Reply(200, {"datastores": [_datastore(call, name) for name in DATASTORES]})


def _show(call: Call) -> Reply:
    return Reply(200, {"datastore": _datastore(call, _named(call, call.params["id"]))})


def _list_versions(call: Call) -> Reply:
    name = _named(call, call.params["id"])
    return Reply(200, {"versions": [_version(call, name, each) for each in DATASTORES[name].versions]})


def _show_version(call: Call) -> Reply:
    name = _named(call, call.params["id"])
    return Reply(200, {"version": _version(call, name, _version_named(call, name, call.params["version"]))})


def _flavor(call: Call, flavor: Entity) -> JSON:
    """Only ids that are numbers are ids to Trove; any is a `str_id`."""
    data = flavor.data
    return {
        "id": int(flavor.id) if flavor.id.isdigit() else None, "str_id": flavor.id, "name": data["name"],
        "ram": data["ram"], "vcpus": data["vcpus"], "disk": data["disk"],
        "ephemeral": data["OS-FLV-EXT-DATA:ephemeral"], "links": links(call, "flavors", flavor.id),
    }  # fmt: skip


def _list_flavors(call: Call) -> Reply:
    public = [each for each in call.store.all(FLAVORS) if each.data[PUBLIC]]
    return Reply(200, {"flavors": [_flavor(call, each) for each in public]})


def _show_flavor(call: Call) -> Reply:
    found = call.store.get(FLAVORS, call.params["id"])
    if found is None:
        raise STYLE.missing("Flavor", call.params["id"])
    return Reply(200, {"flavor": _flavor(call, found)})


def check_cluster(name: str, version: str, size: int) -> None:
    """There are clusters of the datastore, and this one is large enough."""
    least = DATASTORES[name].smallest_cluster
    if not least:
        raise bad_request(f"Clusters not supported for {name}-{version}.")
    if size < least:
        raise bad_request(f"The number of instances for your initial cluster must be at least {least}.")


ROUTES: Final = (
    Route("GET", "/datastores", _list),
    Route("GET", "/datastores/{id}", _show),
    Route("GET", "/datastores/{id}/versions", _list_versions),
    Route("GET", "/datastores/{id}/versions/{version}", _show_version),
    Route("GET", "/flavors", _list_flavors),
    Route("GET", "/flavors/{id}", _show_flavor),
)

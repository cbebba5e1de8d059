"""From names to ids: what a template calls ``public`` is a network with an id.

A ``Finder`` lives as long as one operation and asks for each collection, or each name, once. The kinds are
those that constraints in templates and properties of resource types use: ``neutron.network``.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from stackd.clients.cloud import Cloud
from stackd.clients.service import Service
from stackd.errors import CloudError, CloudNotFound, EntityNotFound, StackdError

_NOT_THERE = frozenset({400, 404, 410})  # services call an id of another form malformed, not missing
_MOST_NAMED = 10


class AmbiguousName(StackdError):
    """Several objects have the name: their ids tell them apart."""

    code = 400
    wire_type = "PhysicalResourceNameAmbiguity"


@dataclass(frozen=True, slots=True)
class Collection:
    """Where the objects of one kind are listed, and which of their fields are name and id.

    ``whole``: the collection is small enough to be listed once; otherwise it is asked for one name, which
    the service takes for a regular expression where ``pattern`` says so. ``inside`` is the key under
    which a list entry hides its object.
    """

    title: str
    service: str
    path: str
    key: str
    whole: bool = False
    params: Mapping[str, Any] | None = None
    id: str = "id"
    name: str = "name"
    inside: str = ""
    pattern: bool = False


def _neutron(title: str, path: str, *, whole: bool = True, name: str = "name") -> Collection:
    params = {"fields": sorted({"id", name, "project_id"})}
    key = path.rpartition("/")[2].replace("-", "_")
    return Collection(title, "network", path, key, whole, params, name=name)


def _octavia(title: str, path: str, *, identity: str = "id") -> Collection:
    key = path.rpartition("/")[2]
    return Collection(title, "load-balancer", f"/lbaas/{path}", key, id=identity)


def _keystone(title: str, path: str) -> Collection:
    return Collection(title, "identity", f"/{path}", path)


COLLECTIONS: Mapping[str, Collection] = {
    "blazar.reservation": Collection("Lease", "reservation", "/leases", "leases", whole=True),
    "cinder.backup": Collection("Volume backup", "volume", "/backups", "backups"),
    "cinder.qos_specs": Collection("QoS specs", "volume", "/qos-specs", "qos_specs", whole=True),
    "cinder.snapshot": Collection("Volume snapshot", "volume", "/snapshots", "snapshots"),
    "cinder.volume": Collection("Volume", "volume", "/volumes", "volumes"),
    "cinder.vtype": Collection(
        "Volume type", "volume", "/types", "volume_types", whole=True, params={"is_public": "None"}
    ),
    "designate.zone": Collection("Zone", "dns", "/zones", "zones"),
    "glance.image": Collection("Image", "image", "/images", "images"),
    "ironic.node": Collection("Node", "baremetal", "/nodes", "nodes", whole=True, id="uuid"),
    "ironic.portgroup": Collection("Port group", "baremetal", "/portgroups", "portgroups", True, id="uuid"),
    "keystone.domain": _keystone("Domain", "domains"),
    "keystone.group": _keystone("Group", "groups"),
    "keystone.project": _keystone("Project", "projects"),
    "keystone.region": Collection("Region", "identity", "/regions", "regions", whole=True, name="id"),
    "keystone.role": _keystone("Role", "roles"),
    "keystone.service": _keystone("Service", "services"),
    "keystone.user": _keystone("User", "users"),
    "magnum.cluster_template": Collection(
        "Cluster template", "container-infra", "/clustertemplates", "clustertemplates", True, id="uuid"
    ),
    "manila.share_network": Collection("Share network", "share", "/share-networks", "share_networks", True),
    "manila.share_snapshot": Collection("Share snapshot", "share", "/snapshots", "snapshots", whole=True),
    "manila.share_type": Collection(
        "Share type", "share", "/types", "share_types", whole=True, params={"is_public": "all"}
    ),
    "mistral.workflow": Collection("Workflow", "workflow", "/workflows", "workflows", whole=True),
    "neutron.address_group": _neutron("Address group", "/address-groups"),
    "neutron.address_scope": _neutron("Address scope", "/address-scopes"),
    "neutron.flow_classifier": _neutron("Flow classifier", "/sfc/flow_classifiers"),
    "neutron.network": _neutron("Network", "/networks"),
    "neutron.port": _neutron("Port", "/ports", whole=False),
    "neutron.port_pair": _neutron("Port pair", "/sfc/port_pairs"),
    "neutron.port_pair_group": _neutron("Port pair group", "/sfc/port_pair_groups"),
    "neutron.qos_policy": Collection("QoS policy", "network", "/qos/policies", "policies", whole=True),
    "neutron.router": _neutron("Router", "/routers"),
    "neutron.security_group": _neutron("Security group", "/security-groups"),
    "neutron.segment": _neutron("Segment", "/segments"),
    "neutron.subnet": _neutron("Subnet", "/subnets"),
    "neutron.subnetpool": _neutron("Subnet pool", "/subnetpools"),
    "neutron.taas.tap_flow": _neutron("Tap flow", "/taas/tap_flows"),
    "neutron.taas.tap_service": _neutron("Tap service", "/taas/tap_services"),
    "nova.flavor": Collection(
        "Flavor", "compute", "/flavors", "flavors", whole=True, params={"is_public": "None"}
    ),
    "nova.host": Collection(
        "Host", "compute", "/os-services", "services", whole=True, id="host", name="host"
    ),
    "nova.keypair": Collection(
        "Key", "compute", "/os-keypairs", "keypairs", whole=True, id="name", inside="keypair"
    ),
    "nova.server": Collection("Server", "compute", "/servers", "servers", pattern=True),
    "octavia.availabilityzone": _octavia("Availability zone", "availabilityzones", identity="name"),
    "octavia.availabilityzoneprofile": Collection(
        "Availability zone profile",
        "load-balancer",
        "/lbaas/availabilityzoneprofiles",
        "availability_zone_profiles",
    ),
    "octavia.flavor": _octavia("Flavor", "flavors"),
    "octavia.flavorprofile": _octavia("Flavor profile", "flavorprofiles"),
    "octavia.l7policy": _octavia("L7 policy", "l7policies"),
    "octavia.listener": _octavia("Listener", "listeners"),
    "octavia.loadbalancer": _octavia("Load balancer", "loadbalancers"),
    "octavia.pool": _octavia("Pool", "pools"),
    "trove.flavor": Collection("Flavor", "database", "/flavors", "flavors", whole=True),
}

# Objects that are known by the URL at which the service keeps them.
REFERENCES: Mapping[str, tuple[str, str]] = {
    "barbican.container": ("Container", "/containers"),
    "barbican.secret": ("Secret", "/secrets"),
}


class _Index:
    """Ids by name, and all ids, of the objects that were listed.

    Among those of one name, the ones of the project itself hide those that it only sees.
    """

    __slots__ = ("by_name", "ids")

    def __init__(self, collection: Collection, entries: list[Any], project_id: str) -> None:
        self.ids: set[str] = set()
        own: dict[str, list[str]] = {}
        others: dict[str, list[str]] = {}
        for entry in entries:
            found = entry[collection.inside] if collection.inside else entry
            identity = str(found[collection.id])
            self.ids.add(identity)
            names = own if found.get("project_id") == project_id else others
            names.setdefault(str(found.get(collection.name)), []).append(identity)
        self.by_name = others | own


class Finder:
    """Finds ids for one operation, by its credentials."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._indexes: dict[tuple[str, str], _Index] = {}
        self._found: dict[tuple[str, str], str] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def id_of(self, kind: str, name_or_id: str) -> str:
        """The id of the object that is called ``name_or_id``, or has it as its id.

        ``EntityNotFound`` if there is none, ``AmbiguousName`` if there are several of the name.
        """
        wanted = str(name_or_id)
        asked = (kind, wanted)
        if asked not in self._found:
            found = await self._find(kind, wanted)
            self._found[asked] = found
        return self._found[asked]

    async def exists(self, kind: str, name_or_id: str) -> bool:
        """Whether ``id_of`` would find it."""
        try:
            return bool(await self.id_of(kind, name_or_id))
        except EntityNotFound:
            return False

    def forget(self, kind: str) -> None:
        """Asks again for objects of this kind, since some were made or removed."""
        self._indexes = {key: index for key, index in self._indexes.items() if key[0] != kind}
        self._found = {key: found for key, found in self._found.items() if key[0] != kind}

    async def _find(self, kind: str, wanted: str) -> str:
        if kind in REFERENCES:
            return await self._by_reference(kind, wanted)
        if kind not in COLLECTIONS:
            raise ValueError(f"Objects of the kind {kind!r} cannot be looked up")
        collection = COLLECTIONS[kind]
        service = self._cloud.service(collection.service)
        if not wanted:
            raise EntityNotFound(collection.title, wanted)
        if not collection.whole and _looks_like_id(wanted) and await _shown(service, collection.path, wanted):
            return wanted
        index = await self._index(kind, collection, service, wanted)
        if wanted in index.ids:
            return wanted
        candidates = index.by_name.get(wanted, [])
        if len(candidates) > 1:
            raise AmbiguousName(_ambiguity(collection.title, wanted, candidates))
        if candidates:
            return candidates[0]
        if await _shown(service, collection.path, wanted):
            return wanted
        raise EntityNotFound(collection.title, wanted)

    async def _index(self, kind: str, collection: Collection, service: Service, wanted: str) -> _Index:
        key = (kind, "" if collection.whole else wanted)
        async with self._locks[key]:
            if key not in self._indexes:
                params = dict(collection.params or {})
                if not collection.whole:
                    params[collection.name] = f"^{re.escape(wanted)}$" if collection.pattern else wanted
                entries = await service.list_all(collection.path, collection.key, params)
                self._indexes[key] = _Index(collection, entries, self._cloud.project_id)
            return self._indexes[key]

    async def _by_reference(self, kind: str, wanted: str) -> str:
        title, path = REFERENCES[kind]
        last = wanted.rstrip("/").rpartition("/")[2]
        if last and await _shown(self._cloud.service("key-manager"), path, last):
            return wanted
        raise EntityNotFound(title, wanted)


async def _shown(service: Service, path: str, wanted: str) -> bool:
    """Whether the service knows an object by this id; some are not listed, but can be used."""
    if wanted in {".", ".."}:
        return False
    try:
        await service.get(f"{path}/{quote(wanted, safe='')}")
    except CloudNotFound:
        return False
    except CloudError as error:
        if error.status in _NOT_THERE:
            return False
        raise
    return True


def _looks_like_id(text: str) -> bool:
    plain = text.replace("-", "")
    return len(plain) == 32 and all(char in "0123456789abcdefABCDEF" for char in plain)


def _ambiguity(title: str, name: str, candidates: list[str]) -> str:
    shown = ", ".join(sorted(candidates)[:_MOST_NAMED])
    more = f" and {len(candidates) - _MOST_NAMED} more" if len(candidates) > _MOST_NAMED else ""
    return f"{len(candidates)} objects of the kind {title} are named {name}: {shown}{more}. Use an id."

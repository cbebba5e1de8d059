"""Collections in which names are looked up whose resource types do not exist yet.

Constraints and properties use these kinds of objects. A collection moves to its type (``lookups``) with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stackd.clients.lookup import Collection
from stackd.resources.neutron.network import names, unable_to_find


def _lbaas(title: str, key: str) -> Collection:
    absence = unable_to_find(key[:-1])
    return Collection(
        title, "network", f"/lbaas/{key}", key, whole=True, absence=absence, extension="lbaasv2"
    )


LOOKUPS: Final[Mapping[str, Collection]] = {
    "cinder.backup": Collection("Volume backup", "volume", "/backups", "backups", paged=True),
    "cinder.snapshot": Collection("VolumeSnapshot", "volume", "/snapshots", "snapshots", paged=True),
    "mistral.workflow": Collection("Workflow", "workflow", "/workflows", "workflows", whole=True),
    "neutron.address_group": names("Address group", "/address-groups"),
    "neutron.lbaas.listener": _lbaas("Listener", "listeners"),
    "neutron.lbaas.loadbalancer": _lbaas("Load balancer", "loadbalancers"),
    "neutron.lbaas.pool": _lbaas("Pool", "pools"),
    "neutron.lbaas.provider": Collection(
        *("Provider", "network", "/service-providers", "service_providers"),
        whole=True,
        params={"service_type": "LOADBALANCERV2"},
        id="name",
        absence="Unable to find neutron provider '{name}', available providers are {known}.",
        single=False,
    ),
    "nova.host": Collection(
        "Host", "compute", "/os-services", "services", whole=True, id="host", name="host", single=False
    ),
}

"""Tap as a service: ports that get copies of the traffic of others."""

from __future__ import annotations

from stackd.devcloud.collection import Collection, Field, Progression
from stackd.devcloud.neutron.style import PLAIN
from stackd.devcloud.store import Entity
from stackd.devcloud.world import World

SERVICES_KIND, FLOWS_KIND = "network.tap_services", "network.tap_flows"


def _release_service(world: World, entity: Entity) -> None:
    """The flows of a tap service go with it."""
    for flow in list(world.store.find(FLOWS_KIND, tap_service_id=entity.id)):
        world.store.remove(flow)


_NAMED = {"name": Field(""), "description": Field("")}
TAP_SERVICES = Collection(
    kind=SERVICES_KIND, path="/taas/tap_services", singular="tap_service", plural="tap_services",
    label="Tap Service",
    fields=_NAMED | {"port_id": Field(required=True, put=False)},
    references={"port_id": "network.ports"}, quota="tap_services", progress=Progression("DOWN", "ACTIVE"),
    deleting="PENDING_DELETE", release=_release_service,
)  # fmt: skip
TAP_FLOWS = Collection(
    kind=FLOWS_KIND, path="/taas/tap_flows", singular="tap_flow", plural="tap_flows", label="Tap Flow",
    fields=_NAMED | {
        "source_port": Field(required=True, put=False), "tap_service_id": Field(required=True, put=False),
        "direction": Field(required=True, put=False), "vlan_filter": Field(put=False),
    },
    references={"source_port": "network.ports", "tap_service_id": SERVICES_KIND}, quota="tap_flows",
    indexes=("tap_service_id",), progress=Progression("DOWN", "ACTIVE"), deleting="PENDING_DELETE",
)  # fmt: skip

COLLECTIONS = ((TAP_SERVICES, PLAIN), (TAP_FLOWS, PLAIN))

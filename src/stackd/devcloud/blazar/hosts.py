"""Hosts that are taken from the compute service for leases. The dev cloud has one to take."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.blazar.style import USER, missing_parameter, release_trust
from stackd.devcloud.collection import Collection, Field, admin_only
from stackd.devcloud.nova.hosts import HOST
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trusted import service_trust
from stackd.devcloud.wire import Call, bad_request, conflict, not_found

LEASES: Final = "reservation.leases"
SIZE: Final = {"vcpus": 64, "memory_mb": 262144, "local_gb": 4096}
_LONGEST_NAME: Final = 64


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    name = values.pop("name")
    if name is None:
        raise missing_parameter("name")
    if name != HOST:
        raise not_found(f"Host '{name}' not found!")
    if servers := [each.id for each in call.store.all("compute.servers")]:
        raise conflict(f"Servers {servers} found for host {name}")
    if call.store.get(HOSTS.kind, "1") is not None:
        raise conflict(f"Conflict while adding host {name} to aggregate freepool: it is there already")
    if any(len(key) > _LONGEST_NAME for key in values):
        raise bad_request("Extra capability key too long")
    values |= {key: str(value) for key, value in values.items()}
    values |= SIZE | {
        "hypervisor_hostname": name, "hypervisor_type": "QEMU", "hypervisor_version": 8002000,
        "cpu_info": "{'arch': 'x86_64'}", "service_name": name, "reservable": True, "status": None,
        "trust_id": service_trust(call, USER),
    }  # fmt: skip


def _change(call: Call, host: Entity, changes: JSON) -> None:
    for key in changes.keys() & {*SIZE, "hypervisor_hostname", "service_name", "trust_id"}:
        del changes[key]


def _guard(call: Call, host: Entity) -> None:
    if any(each.data["status"] in ("PENDING", "ACTIVE") for each in call.store.all(LEASES)):
        raise conflict(f"Can't delete host {host.id}. The host is reserved.")


HOSTS: Final = Collection(
    kind="reservation.hosts", path="/os-hosts", singular="host", plural="hosts", bare_requests=True,
    label="Host", fields={"name": Field(put=False)}, sees=admin_only, writer="admin", lister="admin",
    projectless=True, prepare=_prepare, change=_change, guard=_guard, release=release_trust,
    choose_id=lambda call, values: "1",
)  # fmt: skip

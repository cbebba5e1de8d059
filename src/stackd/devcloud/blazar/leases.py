"""Leases: what is reserved from a date to another, as far as the hosts have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from stackd.devcloud.blazar.hosts import HOSTS, LEASES, SIZE
from stackd.devcloud.blazar.style import USER, missing_parameter, number, release_trust
from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trusted import service_trust
from stackd.devcloud.wire import Call, Fault, bad_request
from stackd.devcloud.world import World

_FORMAT: Final = "%Y-%m-%d %H:%M"
_NOTICE: Final = 48 * 3600
"""Seconds before the end at which the service gives notice, unless the lease says when."""

_HOST, _INSTANCE = "physical:host", "virtual:instance"


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    for name in ("name", "start_date", "end_date"):
        if values[name] is None:
            raise missing_parameter(name)
    now = call.world.clock() // 60 * 60
    start = now if values["start_date"] == "now" else _moment(values["start_date"])
    end = _moment(values["end_date"])
    if start < now:
        raise bad_request("Start date must be later than current date")
    if end <= start:
        raise bad_request("The end_date must be later than the start_date.")
    notice = values.pop("before_end_date")
    before = max(end - _NOTICE, start) if notice is None else _moment(notice)
    if not start <= before <= end:
        raise bad_request("Datetime is out of lease limits")
    private |= {"start": start, "end": end}
    reservations = [_reservation(call, dict(each), private) for each in values["reservations"] or ()]
    own = (("start_lease", start), ("before_end_lease", before), ("end_lease", end))
    events = [*(values["events"] or ()), *({"event_type": kind, "time": _text(at)} for kind, at in own)]
    values |= {
        "start_date": _text(start), "end_date": _text(end), "status": "PENDING", "degraded": False,
        "reservations": reservations, "events": [_part(call, each, "UNDONE") for each in events],
        "user_id": call.actor.user_id, "trust_id": service_trust(call, USER),
    }  # fmt: skip


def _moment(text: Any) -> float:
    try:
        return datetime.strptime(str(text), _FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise bad_request(f"{text} is an invalid date. Required format: {_FORMAT}") from None


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _part(call: Call, values: JSON, status: str) -> JSON:
    return {"id": call.world.uuid(), "status": status, "created_at": None, "updated_at": None, **values}


# --- reservations -------------------------------------------------------------------------------------


def _reservation(call: Call, values: JSON, lease: JSON) -> JSON:
    kind = values.get("resource_type")
    if kind is None:
        raise missing_parameter("resource_type")
    if kind not in _CHECKS:
        raise Fault(500, f"The {kind} resource type is not supported")
    _CHECKS[kind](call, values, lease)
    shared = {"missing_resources": False, "resources_changed": False, "resource_id": call.world.uuid()}
    return _part(call, shared | values, "pending")


def _check_hosts(call: Call, values: JSON, lease: JSON) -> None:
    fewest, most = number(values, "min"), number(values, "max")
    if fewest > most:
        raise bad_request("Invalid values for min/max of hosts. Max must be equal to or larger than min.")
    for name in ("hypervisor_properties", "resource_properties"):
        if name not in values:
            raise missing_parameter(name)
    values.setdefault("before_end", "default")
    others = [*_overlapping(call, lease)]
    if fewest > sum(1 for _ in call.store.all(HOSTS.kind)) or (fewest and others):
        raise Fault(500, "Not enough hosts available")


def _check_instances(call: Call, values: JSON, lease: JSON) -> None:
    amount = number(values, "amount")
    asked = {name: amount * number(values, name) for name in ("vcpus", "memory_mb", "disk_gb")}
    if "affinity" not in values:
        raise missing_parameter("affinity")
    has_host = any(True for _ in call.store.all(HOSTS.kind))
    limits = {"vcpus": SIZE["vcpus"], "memory_mb": SIZE["memory_mb"], "disk_gb": SIZE["local_gb"]}
    for other in _overlapping(call, lease):
        taken = other["amount"] if other["resource_type"] == _INSTANCE else 0
        limits = {name: limit - taken * int(other.get(name) or 0) for name, limit in limits.items()}
        has_host = has_host and other["resource_type"] == _INSTANCE
    if not has_host or any(asked[name] > limit for name, limit in limits.items()):
        raise Fault(500, "Not enough hosts available")
    values |= {"flavor_id": call.world.uuid(), "server_group_id": call.world.uuid(), "aggregate_id": 1}


def _overlapping(call: Call, lease: JSON) -> Iterator[JSON]:
    """What is reserved at some time within a lease."""
    for other in call.store.all(LEASES):
        if other.private["start"] < lease["end"] and lease["start"] < other.private["end"]:
            yield from other.data["reservations"]


_CHECKS: Final[dict[str, Callable[[Call, JSON, JSON], None]]] = {
    _HOST: _check_hosts,
    _INSTANCE: _check_instances,
}


# --- the course of a lease ----------------------------------------------------------------------------


def _created(call: Call, lease: Entity) -> None:
    for part in (*lease.data["reservations"], *lease.data["events"]):
        part |= {"lease_id": lease.id, "created_at": lease.data["created_at"]}
    world = call.world
    _enter(world, lease, lease.private["start"], "ACTIVE", "start_lease")


def _enter(world: World, lease: Entity, at: float, status: str, event: str) -> None:
    """Let the lease have a status from a moment on."""

    def then() -> None:
        done = [
            each | {"status": "DONE"} if each["event_type"] == event else each
            for each in lease.data["events"]
        ]
        state = {"ACTIVE": "active", "TERMINATED": "deleted"}[status]
        reserved = [each | {"status": state} for each in lease.data["reservations"]]
        world.store.update(lease, {"events": done, "reservations": reserved})
        if status == "ACTIVE":
            _enter(world, lease, lease.private["end"], "TERMINATED", "end_lease")

    world.store.later(lease, max(at - world.clock(), world.ready_after), {"status": status}, then)


LEASE_COLLECTION: Final = Collection(
    kind=LEASES, path="/leases", singular="lease", plural="leases", bare_requests=True, label="Lease",
    fields={
        "name": Field(), "start_date": Field(put=False), "end_date": Field(put=False),
        "before_end_date": Field(put=False), "reservations": Field([], put=False),
        "events": Field([], put=False),
    },
    prepare=_prepare, created=_created, release=release_trust,
)  # fmt: skip

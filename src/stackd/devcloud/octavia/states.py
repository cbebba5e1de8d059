"""The states of load balancers: while anything of one changes, nothing else of it can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.octavia.kinds import BALANCERS_KIND
from stackd.devcloud.octavia.style import STYLE
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, conflict
from stackd.devcloud.world import World

STATUS: Final = "provisioning_status"
_BROKEN: Final[Mapping[str, str]] = {STATUS: "ERROR", "operating_status": "ERROR"}
_INSIDE: Final = ("loadbalancer_id", "pool_id", "l7policy_id")
"""Fields of parts that are never shown."""
_SHARED: Final = {
    "loadbalancer_id": Field(put=False), "admin_state_up": Field(True), "tags": Field([]),
    STATUS: Field("PENDING_CREATE", post=False, put=False),
    "operating_status": Field("OFFLINE", post=False, put=False),
}  # fmt: skip


def balanced(
    path: str, singular: str, label: str, fields: Mapping[str, Field], kind: str = "", **hooks: Any
) -> Collection:
    """A collection of load balancers or of their parts."""
    usual = {"created": part_created, "changed": part_changed, "guard": part_leaves, "view": shown}
    return Collection(
        kind=kind or f"load-balancer.{path}",
        path=f"/lbaas/{path}",
        singular=singular,
        plural=path.rpartition("/")[2],
        label=label,
        fields={**_SHARED, **fields},
        broken=dict(_BROKEN),
        status_field=STATUS,
        deleting="PENDING_DELETE",
        indexes=("name", *_INSIDE, "listener_id", "default_pool_id"),
        filters={"tags": _by_tags},
        **{**usual, **hooks},
    )


def balancer_of(world: World, part: Entity) -> Entity | None:
    """The load balancer of a part; None once it is deleted."""
    return world.store.get(BALANCERS_KIND, part.data["loadbalancer_id"])


def demand_mutable(call: Call, balancer_id: str) -> None:
    """Refuse a change of a part of a load balancer that is being changed, or that is broken."""
    balancer = call.store.get(BALANCERS_KIND, balancer_id)
    if balancer is None or balancer.data[STATUS] != "ACTIVE":
        raise conflict(f"Load Balancer {balancer_id} is immutable and cannot be updated.")


def work(call: Call, entity: Entity, status: str) -> None:
    """Let an object have a status for the ready time, and be active after it."""
    world = call.world
    health = "ONLINE" if entity.data["admin_state_up"] else "OFFLINE"

    def stamp() -> None:
        entity.data["updated_at"] = STYLE.stamp(world.clock())

    world.store.update(entity, {STATUS: status})
    world.store.later(entity, world.ready_after, {STATUS: "ACTIVE", "operating_status": health}, stamp)


def work_on_balancer(call: Call, part: Entity) -> None:
    """A change of what a part belongs to begins."""
    if (balancer := balancer_of(call.world, part)) is not None:
        work(call, balancer, "PENDING_UPDATE")


def part_created(call: Call, part: Entity) -> None:
    """The creation of a part begins."""
    work(call, part, "PENDING_CREATE")
    work_on_balancer(call, part)


def part_changed(call: Call, part: Entity) -> None:
    """The change of a part begins."""
    work(call, part, "PENDING_UPDATE")
    work_on_balancer(call, part)


def part_leaves(call: Call, part: Entity) -> None:
    """The deletion of a part begins, unless something else is going on."""
    demand_mutable(call, part.data["loadbalancer_id"])
    work_on_balancer(call, part)


def with_defaults(coll: Collection, changes: JSON) -> None:
    """Read a null in an update as the default."""
    changes |= {name: coll.fields[name].default for name, value in changes.items() if value is None}


def balancers(part: Entity) -> list[JSON]:
    """The load balancer of a part, as parts refer to it."""
    return [{"id": part.data["loadbalancer_id"]}]


def shown(call: Call, part: Entity, **others: Any) -> JSON:
    """A part as the API shows it, with what else it shows."""
    return {name: value for name, value in part.data.items() if name not in _INSIDE} | others


def ids(found: Iterable[Entity]) -> list[JSON]:
    """Objects as others refer to them."""
    return [{"id": each.id} for each in found]


def _by_tags(call: Call, entity: Entity, values: list[str]) -> bool:
    return set(",".join(values).split(",")) <= set(entity.data["tags"])

"""OS::Blazar::Lease, what is reserved for a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.errors import CloudForbidden, ResourceFailure
from stackd.resources.attributes import LIVE, attr
from stackd.resources.blazar.delegated import Delegated
from stackd.resources.blazar.host import HOST
from stackd.resources.constraints import between, matches, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.follows import ANY, Follows, Key, Siblings
from stackd.resources.registry import resource_type
from stackd.resources.rest import same, without_nulls
from stackd.resources.schema import Properties, prop

_HOSTS: Final = "physical:host"
_INSTANCES: Final = "virtual:instance"
_MOST: Final = 2147483647
_TEXTS: Final = ("hypervisor_properties", "resource_properties")
"""Conditions, which the service wants even where there are none."""

_OTHERS: Final[Mapping[str, frozenset[str]]] = {
    _HOSTS: frozenset({"vcpus", "memory_mb", "disk_gb", "amount", "affinity"}),
    _INSTANCES: frozenset({"min", "max", "before_end", "hypervisor_properties"}),
}
"""By type, the properties of reservations that are not of it."""


def _date(description: str, *, required: bool = False) -> Any:
    text = f"{description}, in UTC, such as 2030-01-31 09:00."
    return prop(text, required=required, constraints=[matches(r"\d{4}-\d{2}-\d{2}\s\d{2}:\d{2}")])


def _number(description: str) -> Any:
    return prop(description, constraints=[between(0, _MOST)])


class ReservationProps(Properties):
    """One of the things that are reserved."""

    resource_type: str = prop(
        "Whether instances or whole hosts are reserved.",
        required=True,
        constraints=[one_of(_INSTANCES, _HOSTS)],
    )
    min: int | None = prop("The fewest hosts.", constraints=[between(1)])
    max: int | None = prop("The most hosts.", constraints=[between(1)])
    hypervisor_properties: str | None = prop("A condition on the hypervisors of hosts.")
    resource_properties: str | None = prop("A condition on the capabilities of hosts.")
    before_end: str = prop(
        "What is done with the servers on hosts before the lease ends.",
        default="default",
        constraints=[one_of("default", "snapshot")],
    )
    amount: int | None = _number("How many instances.")
    vcpus: int | None = _number("How many virtual CPUs each instance has.")
    memory_mb: int | None = _number("Memory of each instance, in MiB.")
    disk_gb: int | None = _number("Disk of each instance, in GiB.")
    affinity: bool = prop("Whether all instances are on one host.", default=False)


class EventProps(Properties):
    """Something that happens in the course of the lease."""

    event_type: str = prop("Kind of the event.", required=True)
    time: str = prop("When it happens.", required=True)


class LeaseProps(Properties):
    """Properties of a lease."""

    name: str = prop("Name of the lease.", required=True)
    start_date: str = _date("When the lease begins", required=True)
    end_date: str = _date("When the lease ends", required=True)
    before_end_date: str | None = _date("When what is done before the end is done")
    reservations: list[ReservationProps] = prop("What is reserved.", required=True)
    events: list[EventProps] = prop("Further events.", default=[])


def _any(properties: Mapping[str, Any]) -> Key:
    return ANY


def _any_host(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    return (ANY,)


@resource_type("OS::Blazar::Lease", since="12.0.0")
class Lease(Delegated[LeaseProps]):
    """A lease of hosts that the service has. Hosts of the same stack are there before it, and go after it."""

    entity = Entity("reservation", "/leases", "lease", "leases", found_by=())
    lookups: ClassVar = {
        "blazar.reservation": Collection("Lease", "reservation", "/leases", "leases", whole=True)
    }
    fields: ClassVar = same("name", "start_date", "end_date", "before_end_date", "reservations", "events")
    follows = (Follows(HOST, key=_any, keys=_any_host, guess=True),)
    attributes: ClassVar = {
        "name": attr("Name of the lease."),
        "start_date": attr("When the lease begins."),
        "end_date": attr("When the lease ends."),
        "status": attr("State of the lease.", how=LIVE),
        "degraded": attr("Whether something that was reserved has failed.", "boolean", LIVE),
        "reservations": attr("What is reserved, with ids and states.", "list", LIVE),
        "events": attr("The events of the lease, with their states.", "list", LIVE),
        "project_id": attr("Id of the project that has the lease."),
        "user_id": attr("Id of the user who has made the lease."),
        "trust_id": attr("Id of the trust by which the service works for the lease."),
        "created_at": attr("When the lease was made."),
        "updated_at": attr("When the lease was last changed.", how=LIVE),
    }

    def body(self, ctx: Context, props: LeaseProps) -> JSON:
        """Of each reservation what belongs to its type."""
        return super().body(ctx, props) | {"reservations": _reservations(props)}

    async def creation(self, ctx: Context, props: LeaseProps) -> JSON:
        """There must be a host to reserve something of. Who may not see hosts leaves that to the service."""
        with suppress(CloudForbidden):
            if not await self.service_of(ctx).list_all("/os-hosts", "hosts"):
                raise ResourceFailure(
                    "The reservation service has no host; a lease needs one, which OS::Blazar::Host adds."
                )
        return await super().creation(ctx, props)

    def observed(self, props: LeaseProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Dates in the form of properties, and of reservations what was sent; events are the service's."""
        pairs = dict(super().observed(props, live) or {})
        pairs.pop("events", None)
        for name in pairs.keys() & {"start_date", "end_date"}:
            pairs[name] = pairs[name][0], str(live[name]).replace("T", " ")[:16]
        sent = sorted(_reservations(props), key=_key)
        shown = sorted(live.get("reservations") or (), key=_key)
        if len(sent) == len(shown):
            shown = [
                {name: there.get(name) for name in each} for each, there in zip(sent, shown, strict=True)
            ]
        return pairs | {"reservations": (sent, shown)}


def _reservations(props: LeaseProps) -> list[JSON]:
    return [_sent(each) for each in props.data["reservations"]]


def _sent(given: Mapping[str, Any]) -> JSON:
    others = _OTHERS[given["resource_type"]]
    whole = dict.fromkeys(_TEXTS, "") | without_nulls(given)
    return {name: value for name, value in whole.items() if name not in others}


def _key(reservation: Mapping[str, Any]) -> str:
    """What a reservation is recognised by: its type and its sizes."""
    sizes = ("resource_type", "min", "max", "amount", "vcpus", "memory_mb", "disk_gb")
    return json.dumps([reservation.get(name) for name in sizes])

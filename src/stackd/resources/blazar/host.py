"""OS::Blazar::Host, a compute host that can be reserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from stackd.records import Resource
from stackd.resources.attributes import LIVE, attr
from stackd.resources.blazar.delegated import Delegated
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop

HOST: Final = "OS::Blazar::Host"
_NAMES: Final = ("hypervisor_hostname", "service_name", "id")
"""The fields of a host that it can be called by."""


class HostProps(Properties):
    """Properties of a host."""

    name: str = prop("Name of the host, as the compute service knows it.", required=True)
    extra_capability: dict[str, Any] | None = prop("What leases can choose the host by, besides its size.")


@resource_type(HOST, since="12.0.0")
class Host(Delegated[HostProps]):
    """A host that is taken from the compute service for leases; for administrators.

    There is one host of a name, and the service keeps its capabilities among its fields.
    """

    entity = Entity("reservation", "/os-hosts", "host", "hosts", name_field=_NAMES[0], found_by=())
    attributes: ClassVar = {
        "hypervisor_hostname": attr("Name of the host's hypervisor."),
        "hypervisor_type": attr("Kind of the hypervisor."),
        "hypervisor_version": attr("Number of the hypervisor's version.", "integer"),
        "vcpus": attr("How many virtual CPUs the host has.", "integer"),
        "cpu_info": attr("What is known of the CPUs.", "map"),
        "memory_mb": attr("Memory of the host, in MiB.", "integer"),
        "local_gb": attr("Disk of the host, in GiB.", "integer"),
        "service_name": attr("Name of the compute service on the host."),
        "reservable": attr("Whether the host can be reserved now.", "boolean", LIVE),
        "status": attr("State of the host.", how=LIVE),
        "trust_id": attr("Id of the trust by which the service works on the host."),
        "created_at": attr("When the host was added."),
        "updated_at": attr("When the host was last changed.", how=LIVE),
        "extra_capability": attr("The capabilities besides the size.", "map", LIVE),
    }

    def body(self, ctx: Context, props: HostProps) -> JSON:
        """The capabilities stand beside the name."""
        return {**(props.extra_capability or {}), "name": props.name}

    async def find(self, ctx: Context, props: HostProps) -> Sequence[JSON]:
        """The host of this name."""
        hosts = await self.service_of(ctx).list_all(self.entity.path, self.entity.plural)
        return [each for each in hosts if props.name in (each.get(name) for name in _NAMES)]

    def observed(self, props: HostProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """The capabilities, which the service keeps as texts."""
        given = props.extra_capability or {}
        texts = {name: str(value) for name, value in given.items()}
        shown = {name: str(live[name]) for name in given if name in live}
        return {"extra_capability": (texts, shown)} if given else {}

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """What is no field of every host is a capability."""
        own = {"id", *self.attributes}
        extra = {name: value for name, value in live.items() if name not in own}
        return {**super().attribute_values(resource, live), "extra_capability": extra}

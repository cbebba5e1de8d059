"""OS::Ironic::Port, a network card of a machine."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.resources.attributes import LIVE, attr
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop

_SERVICE: Final = "baremetal"


class PortProps(Properties):
    """Properties of a port."""

    node: str = prop("Name or id of the machine.", required=True, update=IN_PLACE, find="ironic.node")
    address: str = prop("Hardware address of the card.", required=True, update=IN_PLACE)
    portgroup: str | None = prop(
        "Name or id of the group that the port is of.", update=IN_PLACE, find="ironic.portgroup"
    )
    local_link_connection: dict[str, Any] | None = prop(
        "What the card is connected to: switch_id, port_id and switch_info.", update=IN_PLACE
    )
    pxe_enabled: bool | None = prop("Whether the machine boots from the card.", update=IN_PLACE)
    physical_network: str | None = prop("Name of the network of the card.", update=IN_PLACE)
    extra: dict[str, Any] | None = prop("Anything else to keep with the port.", update=IN_PLACE)
    is_smartnic: bool | None = prop("Whether the card switches by itself.", update=IN_PLACE)


def _collection(title: str, plural: str) -> Collection:
    return Collection(title, _SERVICE, f"/{plural}", plural, whole=True, id="uuid")


@resource_type("OS::Ironic::Port", since="13.0.0")
class Port(RestResource[PortProps]):
    """A network card of a machine, known by its address; for administrators."""

    entity = Entity(
        *(_SERVICE, "/ports", "", "ports"),
        update="PATCH",
        list_path="/ports/detail",
        id_field="uuid",
        name_field="address",
        found_by=("address",),
    )
    awaits_deletion = True
    lookups: ClassVar = {
        "ironic.node": _collection("Node", "nodes"),
        "ironic.portgroup": _collection("Port group", "portgroups"),
    }
    fields: ClassVar = same("local_link_connection", "physical_network", "extra", "is_smartnic") | {
        # The one field that is never without a value: the service fails on a patch that takes it away.
        "pxe_enabled": Field("pxe_enabled", cleared=True),
        "address": Field("address", convert=str.lower),
        "node": "node_uuid",
        "portgroup": "portgroup_uuid",
    }
    attributes: ClassVar = {
        "address": attr("Hardware address of the card."),
        "node_uuid": attr("Id of the machine."),
        "portgroup_uuid": attr("Id of the group that the port is of."),
        "local_link_connection": attr("What the card is connected to.", "map"),
        "pxe_enabled": attr("Whether the machine boots from the card.", "boolean"),
        "physical_network": attr("Name of the network of the card."),
        "internal_info": attr("What the service keeps with the port.", "map", LIVE),
        "extra": attr("Anything else that is kept with the port.", "map"),
        "is_smartnic": attr("Whether the card switches by itself.", "boolean"),
    }

    async def write(self, ctx: Context, body: JSON) -> None:
        """The service takes changes as a JSON patch; what is taken away gets its default again."""
        patch = [_operation(f"/{name}", value) for name, value in body.items()]
        if patch:
            await self.service_of(ctx).patch(self.entity.at(ctx.physical_id), patch)


def _operation(path: str, value: Any) -> JSON:
    if value in (None, ""):
        return {"op": "remove", "path": path}
    return {"op": "replace", "path": path, "value": value}

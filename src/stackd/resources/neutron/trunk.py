"""OS::Neutron::Trunk, a port that carries the traffic of several networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from stackd.resources.attributes import attr
from stackd.resources.beside import once
from stackd.resources.constraints import between, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import BUILT, network
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, renamed
from stackd.resources.schema import IMMUTABLE, IN_PLACE, Properties, prop


class SubPortProps(Properties):
    """A further port whose traffic the trunk carries."""

    port: str = prop("Name or id of the port.", required=True, find="neutron.port")
    segmentation_type: str = prop(
        "How its packets are recognised.", required=True, constraints=[one_of("vlan")]
    )
    segmentation_id: int = prop(
        "The VLAN of its packets in the trunk.", required=True, constraints=[between(1, 4094)]
    )


class TrunkProps(Properties):
    """Properties of a trunk."""

    name: str | None = prop("Name of the trunk.", update=IN_PLACE)
    port: str = prop(
        "Name or id of the port that becomes the trunk; it cannot be exchanged.",
        required=True,
        update=IMMUTABLE,
        find="neutron.port",
    )
    sub_ports: list[SubPortProps] | None = prop("The further ports.", update=IN_PLACE)
    description: str | None = prop("What the trunk is for.", update=IN_PLACE)
    admin_state_up: bool | None = prop("Whether the trunk carries traffic.", update=IN_PLACE)


def _sub_ports(entries: Iterable[Mapping[str, Any]]) -> list[JSON]:
    return [renamed(each, {"port": "port_id"}) for each in entries]


@resource_type("OS::Neutron::Trunk", since="9.0.0")
class Trunk(RestResource[TrunkProps]):
    """A port whose server sees other networks, too, as VLANs.

    The service adds and removes sub-ports by calls of their own. Others may do so as well: what is not of the
    template stays.
    """

    extension = "trunk"
    entity = network("trunk")
    readiness = BUILT
    survives = True
    fields: ClassVar = {
        "name": "name",
        "port": "port_id",
        "description": Field("description", cleared=""),
        "admin_state_up": Field("admin_state_up", cleared=True),
        "sub_ports": Field("sub_ports", convert=_sub_ports),
    }
    attributes: ClassVar = {"port_id": attr("Id of the port that is the trunk.")}

    async def change(self, ctx: Context, old: TrunkProps, new: TrunkProps) -> JSON:
        """Sub-ports are no part of it."""
        body = await super().change(ctx, old, new)
        body.pop("sub_ports", None)
        return body

    async def update(self, ctx: Context, old: TrunkProps, new: TrunkProps) -> None:
        """Exchange sub-ports, too."""
        await super().update(ctx, old, new)
        if "sub_ports" in new.changed(old):
            await _exchange(
                ctx, _sub_ports(old.data["sub_ports"] or ()), _sub_ports(new.data["sub_ports"] or ())
            )


async def _exchange(ctx: Context, old: list[JSON], new: list[JSON]) -> None:
    """Remove what is no longer wanted and add what is missing; what was done before is not asked again."""
    leaving: list[JSON] = []
    joining: list[JSON] = []

    async def is_done() -> bool:
        live = {each["port_id"]: each for each in (await ctx.live(fresh=True))["sub_ports"]}
        joining[:] = [each for each in new if live.get(each["port_id"]) != each]
        stay = [each["port_id"] for each in new if each not in joining]
        leaving[:] = [each for each in old if each["port_id"] in live and each["port_id"] not in stay]
        return not leaving and not joining

    async def ask() -> None:
        if leaving:
            await _send(ctx, "remove_subports", [{"port_id": each["port_id"]} for each in leaving])
        if joining:
            await _send(ctx, "add_subports", joining)

    await once(ctx, is_done, ask)


async def _send(ctx: Context, verb: str, sub_ports: list[JSON]) -> None:
    path = f"/trunks/{ctx.physical_id}/{verb}"
    await ctx.cloud.network.request("PUT", path, json={"sub_ports": sub_ports}, idempotent=False)

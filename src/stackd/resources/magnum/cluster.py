"""OS::Magnum::Cluster, machines on which an engine runs containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from stackd.errors import ResourceFailure, ResourceInError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import between
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity, settled
from stackd.resources.lag import appeared, noticed
from stackd.resources.magnum.patched import SERVICE, Patched
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, Properties, prop

_AT_REST: Final = tuple(
    f"{action}_COMPLETE"
    for action in ("CREATE", "UPDATE", "RESUME", "RESTORE", "ROLLBACK", "SNAPSHOT", "CHECK", "ADOPT")
)
"""The statuses in which a cluster can be used, and changed."""

_WORKING: Final = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
_FAILED: Final = "_FAILED"
_DELETE_FAILED: Final = f"DELETE{_FAILED}"
_LAG: Final = 3.0
"""Seconds after which a cluster that was asked for is mostly shown."""

_SHOWN: Final = "shown"
"""The private value of a cluster that was seen; before that, to be missing does not mean to be gone."""


class ClusterProps(Properties):
    """Properties of a cluster."""

    name: str | None = prop("Name of the cluster.")
    cluster_template: str = prop(
        "Name or id of the template of the cluster.", required=True, find="magnum.cluster_template"
    )
    keypair: str | None = prop(
        "Key pair to log in to the nodes with; that of the template when it is left out.", find="nova.keypair"
    )
    node_count: int = prop(
        "Number of nodes for containers.", default=1, update=IN_PLACE, constraints=[between(1)]
    )
    master_count: int = prop("Number of masters.", default=1, update=IN_PLACE, constraints=[between(1)])
    discovery_url: str | None = prop("URL by which the nodes find each other.", update=IN_PLACE)
    create_timeout: int = prop(
        "Minutes in which the cluster has to be built; 0 for no limit.",
        default=60,
        update=IN_PLACE,
        constraints=[between(0)],
    )


@resource_type("OS::Magnum::Cluster", since="9.0.0")
class Cluster(Patched[ClusterProps]):
    """A cluster. The service answers before a cluster is shown, and before it shows a change or a failure."""

    entity = Entity(
        *(SERVICE, "/clusters", "", "clusters", "PATCH", "/clusters/detail"), id_field="uuid", found_by=()
    )
    name_limit = 242
    waits_for = "the cluster is complete"
    awaits_deletion = True
    fields: ClassVar = same(
        "name", "keypair", "node_count", "master_count", "discovery_url", "create_timeout"
    ) | {"cluster_template": "cluster_template_id"}
    shown_by: ClassVar = {
        "node_count": ("node_addresses", "status", "status_reason"),
        "master_count": ("master_addresses", "status", "status_reason"),
    }
    attributes: ClassVar = {
        "name": attr("Name of the cluster."),
        "cluster_template_id": attr("Id of the template of the cluster."),
        "api_address": attr("URL of the API of the engine.", how=LIVE),
        "coe_version": attr("Version of the engine.", how=LIVE),
        "container_version": attr("Version of what runs the containers.", how=LIVE),
        "create_timeout": attr("Minutes in which the cluster had to be built.", "integer"),
        "discovery_url": attr("URL by which the nodes find each other."),
        "keypair": attr("Key pair to log in to the nodes with."),
        "master_addresses": attr("Addresses of the masters.", "list", LIVE),
        "master_count": attr("Number of masters.", "integer", LIVE),
        "node_addresses": attr("Addresses of the nodes for containers.", "list", LIVE),
        "node_count": attr("Number of nodes for containers.", "integer", LIVE),
        "stack_id": attr("Id of what the cluster was built by."),
        "status": attr("State of the cluster.", how=LIVE),
        "status_reason": attr("Why the cluster is in this state.", how=LIVE),
    }

    async def create(self, ctx: Context, props: ClusterProps) -> None:
        """Ask for the cluster, of which nothing is known yet but its id."""
        made = await self.make(ctx, props)
        await ctx.created(str(made[self.entity.id_field]))

    async def configure(self, ctx: Context, props: ClusterProps) -> None:
        """Wait until there is a cluster that can be waited for."""
        if not await appeared(ctx):
            raise ResourceFailure(
                f"The service took a request for the cluster {ctx.physical_id}, but has none."
            )
        await ctx.put_data(**{_SHOWN: True})

    async def find(self, ctx: Context, props: ClusterProps) -> Sequence[JSON]:
        """The clusters of this name; one that was just asked for is given the time to be shown."""
        if found := await super().find(ctx, props):
            return found
        await ctx.sleep(_LAG)
        return await super().find(ctx, props)

    def ready(self, live: JSON) -> bool:
        """Whether nothing is under way; raise with the reason when it went wrong."""
        refuse_failed(live)
        return settled(live["status"], ready=_AT_REST, working=_WORKING)

    def broken(self, live: JSON) -> bool:
        """The service changes no cluster of which a change failed."""
        return str(live["status"]).endswith(_FAILED)

    async def update(self, ctx: Context, old: ClusterProps, new: ClusterProps) -> None:
        """Send what differs, also from what an interrupted update has reached, to a cluster at rest."""
        before = await ctx.poll(self.ready, "nothing else changes the cluster")
        wanted = await self.change(ctx, old, new)
        if body := {name: value for name, value in wanted.items() if before.get(name) != value}:
            await self.write(ctx, body)
            await noticed(ctx, before)

    async def delete(self, ctx: Context, props: ClusterProps) -> None:
        """Delete the cluster, even one that is only about to be shown."""
        if not ctx.data.get(_SHOWN) and not await appeared(ctx):
            return
        before = await ctx.live(fresh=True)
        await super().delete(ctx, props)
        if before["status"] == _DELETE_FAILED:
            await noticed(ctx, before)

    def gone(self, live: JSON) -> bool:
        """Whether the cluster counts as deleted; raise when the deletion failed."""
        if live["status"] == _DELETE_FAILED:
            refuse_failed(live)
        return bool(live["status"] == "DELETE_COMPLETE")


def refuse_failed(live: JSON) -> None:
    """Raise when what the service last did to a cluster failed."""
    if str(live["status"]).endswith(_FAILED):
        reason = live.get("status_reason") or "Unknown"
        raise ResourceInError(f'Went to status {live["status"]} due to "{reason}"')

"""OS::Nova::ServerGroup, servers that run together or apart."""

from __future__ import annotations

from stackd.resources.base import Entity, ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop


class Rules(Properties):
    """Details of a policy."""

    max_server_per_host: float | None = prop("How many servers of the group one host may run.")


class ServerGroupProps(Properties):
    """Properties of ``OS::Nova::ServerGroup``."""

    name: str | None = prop("Name of the group.")
    policies: list[str] = prop(
        "The policy of the group; the compute service takes exactly one.",
        default=["anti-affinity"],
        constraints=[one_of("anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity")],
    )
    rules: Rules | None = prop("Details of the policy.", since="17.0.0")


@resource_type("OS::Nova::ServerGroup", since="2014.2")
class ServerGroup(ResourceType[ServerGroupProps]):
    """Groups servers so that the scheduler puts them on the same host or on different ones."""

    properties = ServerGroupProps
    entity = Entity("compute", "/os-server-groups", "server_group", "server_groups", name_filter="name")

    async def create(self, ctx: Context, props: ServerGroupProps) -> None:
        """Make the group."""
        body: JSON = {"name": props.name or ctx.physical_name, "policy": props.policies[0]}
        limit = props.rules.max_server_per_host if props.rules else None
        if limit is not None:
            body["rules"] = {"max_server_per_host": int(limit)}
        made = (await ctx.cloud.compute.post("/os-server-groups", {"server_group": body}))["server_group"]
        await ctx.created(made["id"], made)

    def broken(self, live: JSON) -> bool:
        """A group that exists is good."""
        return False

"""OS::Nova::ServerGroup, servers that run together or apart."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
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
class ServerGroup(RestResource[ServerGroupProps]):
    """Groups servers so that the scheduler puts them on the same host or on different ones."""

    entity = Entity("compute", "/os-server-groups", "server_group", "server_groups")
    survives = True
    fields: ClassVar = {
        "name": "name",
        "policies": Field("policy", convert=lambda policies: policies[0]),
    }

    def body(self, ctx: Context, props: ServerGroupProps) -> JSON:
        """A policy has details only where there is a limit."""
        limit = props.rules.max_server_per_host if props.rules else None
        details = {} if limit is None else {"rules": {"max_server_per_host": int(limit)}}
        return super().body(ctx, props) | details

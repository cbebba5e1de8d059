"""Properties and update policy of groups of resources."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import between, length, one_of
from stackd.resources.schema import IN_PLACE, Properties, prop


class ResourceDef(Properties):
    """The definition that all members share."""

    type: str = prop("Type of the members.", required=True)
    properties: dict[str, Any] | None = prop("Properties of the members.")
    metadata: dict[str, Any] | None = prop("Metadata of the members.", since="5.0.0")


class RemovalPolicy(Properties):
    """Members that have to go."""

    resource_list: list[Any] = prop(
        "Members to remove, by name or reference. The index of a removed member is not used again.",
        default=[],
    )


class ResourceGroupProps(Properties):
    """Properties of ``OS::Heat::ResourceGroup``."""

    count: int = prop("How many members there are.", default=1, update=IN_PLACE, constraints=[between(0)])
    index_var: str = prop(
        "A text that stands for the member's name wherever it occurs in the values of its properties.",
        default="%index%",
        constraints=[length(3)],
        since="2014.2",
    )
    resource_def: ResourceDef = prop("What each member is.", required=True, update=IN_PLACE)
    removal_policies: list[RemovalPolicy] = prop(
        "Which members have to go first, whether or not the group shrinks.",
        default=[],
        update=IN_PLACE,
        since="2015.1",
    )
    removal_policies_mode: str = prop(
        "Whether the members to remove are added to those removed before or take their place, which "
        "makes earlier names usable again.",
        default="append",
        update=IN_PLACE,
        constraints=[one_of("append", "update")],
        since="10.0.0",
    )


class BatchCreate(Properties):
    """How a group is made."""

    max_batch_size: int = prop("How many members are made at a time.", default=1, constraints=[between(1)])
    pause_time: float = prop("Seconds between batches.", default=0, constraints=[between(0)])


class RollingUpdate(Properties):
    """How the members of a group are changed."""

    min_in_service: int = prop(
        "How many members are left alone while others change.", default=0, constraints=[between(0)]
    )
    max_batch_size: int = prop("How many members change at a time.", default=1, constraints=[between(1)])
    pause_time: float = prop("Seconds between batches.", default=0, constraints=[between(0)])


class GroupUpdatePolicy(Properties):
    """The ``update_policy`` section of a group."""

    batch_create: BatchCreate | None = prop("", since="5.0.0")
    rolling_update: RollingUpdate | None = prop("", since="5.0.0")

"""OS::Heat::ResourceChain, resources of different types with the same properties, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import Child, Members, NestedType
from stackd.resources.heat.members import group_attribute
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_VERSION = "2015-04-30"


class ResourceChainProps(Properties):
    """Properties of ``OS::Heat::ResourceChain``."""

    resources: list[Any] = prop(
        "Types of the members, in the order in which they are made.", required=True, update=IN_PLACE
    )
    concurrent: bool = prop("Whether the members are made at the same time.", default=False)
    resource_properties: dict[str, Any] | None = prop("Properties that every member gets.")


@resource_type("OS::Heat::ResourceChain", since="6.0.0")
class ResourceChain(NestedType[ResourceChainProps]):
    """Makes one resource of each listed type, all with the same properties.

    Members are named by their position, and each waits for the one before it unless they are concurrent.
    """

    checkable = True
    shaping = ("resources",)
    attributes: ClassVar = {
        "refs": attr("References of the members in order.", "list"),
        "attributes": attr("The named attribute of all members by name.", "map"),
    }

    def count(self, props: ResourceChainProps) -> int | None:
        """The number of members."""
        return len(props.resources) if isinstance(props.resources, list) else None

    def child(
        self, resource: Resource, props: ResourceChainProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """A member for each type."""
        shared = props.resource_properties
        resources: dict[str, Any] = {}
        for index, kind in enumerate(props.resources):
            member: dict[str, Any] = {"type": kind}
            if shared:
                member["properties"] = shared
            if index and not props.concurrent:
                member["depends_on"] = [str(index - 1)]
            resources[str(index)] = member
        return Child({"heat_template_version": _VERSION, "resources": resources})

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """Lists and maps of the members' references and attributes."""
        return group_attribute(resource, name, path, sorted(members.resources, key=int), members)

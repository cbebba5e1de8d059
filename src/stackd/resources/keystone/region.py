"""OS::Keystone::Region, a part of the cloud with endpoints of its own."""

from __future__ import annotations

from typing import ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError
from stackd.resources.entity import Entity
from stackd.resources.keystone.identity import since
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.rules import known
from stackd.resources.schema import IN_PLACE, Properties, prop

_UNREACHABLE: Final = frozenset({".", ".."})


class RegionProps(Properties):
    """Properties of a region."""

    id: str | None = prop("Id of the region; one is generated when it is left out.")
    parent_region: str | None = prop("Id of the region above.", update=IN_PLACE, find="keystone.region")
    description: str | None = prop("What the region is for.", update=IN_PLACE)
    enabled: bool = prop("Whether the region can be used.", default=True, update=IN_PLACE)


@resource_type("OS::Keystone::Region", support=since("6.0.0"))
class Region(RestResource[RegionProps]):
    """A region. It has no name; ids are unique, so what failed is repaired rather than replaced."""

    entity = Entity(
        *("identity", "/regions", "region", "regions", "PATCH"),
        name_field="",
        mark="stackd_resource",
        found_by=(),
    )
    survives = True
    lookups: ClassVar = {
        "keystone.region": Collection(
            *("KeystoneRegion", "identity", "/regions", "regions"), whole=True, name="id"
        )
    }
    fields: ClassVar = same("id", "description", "enabled") | {
        "parent_region": Field("parent_region_id", cleared=None)
    }

    def validate(self, props: RegionProps) -> None:
        """The id is a part of paths, in which it must lead to the region."""
        wanted = known(props.id) or ""
        if wanted in _UNREACHABLE or not {"/", "%"}.isdisjoint(wanted):
            raise PropertyError(
                f"A region with the id {wanted} could not be reached by its path.",
                path="properties.id",
                remedy="Choose an id without slashes and percent signs, which is more than dots.",
            )

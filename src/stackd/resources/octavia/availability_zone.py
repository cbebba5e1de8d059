"""OS::Octavia::AvailabilityZone, where load balancers work."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.octavia.profiles import OfferProps, names, operated
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import prop

_ENTITY = operated("availability_zone", "availabilityzones", "availability_zones", identity="name")


class AvailabilityZoneProps(OfferProps):
    """Properties of an availability zone."""

    availability_zone_profile: str = prop(
        "Name or id of the profile of the zone.", required=True, find="octavia.availabilityzoneprofile"
    )


@resource_type("OS::Octavia::AvailabilityZone", since="24.0.0")
class AvailabilityZone(RestResource[AvailabilityZoneProps]):
    """A place for load balancers; for administrators. Its name is its id: with another it is another zone."""

    entity = _ENTITY
    lookups: ClassVar = {"octavia.availabilityzone": names("Availability zone", _ENTITY)}
    fields: ClassVar = same("name", "description", "enabled") | {
        "availability_zone_profile": "availability_zone_profile_id"
    }
    attributes: ClassVar = {"availability_zone_profile_id": attr("Id of the profile of the zone.")}

    def needs_replace(
        self, old: AvailabilityZoneProps, new: AvailabilityZoneProps, changed: frozenset[str]
    ) -> str | None:
        """Another name."""
        return "the name of an availability zone is its id" if "name" in changed else None

"""OS::Octavia::AvailabilityZoneProfile, what makes an availability zone for a provider."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import custom
from stackd.resources.octavia.profiles import ProfileProps, names, operated
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, prop

_ENTITY = operated("availability_zone_profile", "availabilityzoneprofiles", "availability_zone_profiles")


class AvailabilityZoneProfileProps(ProfileProps):
    """Properties of a profile of availability zones."""

    availability_zone_data: str = prop(
        "JSON that the provider reads.", required=True, update=IN_PLACE, constraints=[custom("json_string")]
    )


@resource_type("OS::Octavia::AvailabilityZoneProfile", since="24.0.0")
class AvailabilityZoneProfile(RestResource[AvailabilityZoneProfileProps]):
    """Data for a provider, on which availability zones are based; for administrators."""

    entity = _ENTITY
    lookups: ClassVar = {"octavia.availabilityzoneprofile": names("Availability zone profile", _ENTITY)}
    fields: ClassVar = same("name", "availability_zone_data", "provider_name")

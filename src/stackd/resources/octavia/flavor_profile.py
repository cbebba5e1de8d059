"""OS::Octavia::FlavorProfile, what makes a kind of load balancer for a provider."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import custom
from stackd.resources.octavia.profiles import ProfileProps, names, operated
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, prop

_ENTITY = operated("flavorprofile", "flavorprofiles")


class FlavorProfileProps(ProfileProps):
    """Properties of a profile of flavors."""

    flavor_data: str = prop(
        "JSON that the provider reads.", required=True, update=IN_PLACE, constraints=[custom("json_string")]
    )


@resource_type("OS::Octavia::FlavorProfile", since="14.0.0")
class FlavorProfile(RestResource[FlavorProfileProps]):
    """Data for a provider, on which flavors are based; for administrators."""

    entity = _ENTITY
    lookups: ClassVar = {"octavia.flavorprofile": names("Flavor profile", _ENTITY)}
    fields: ClassVar = same("name", "flavor_data", "provider_name")

"""OS::Keystone::Role, a named set of permissions."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.keystone.identity import identity, names, since
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import IN_PLACE, Properties, prop


class RoleProps(Properties):
    """Properties of a role."""

    name: str | None = prop("Name of the role.", update=IN_PLACE)
    domain: str | None = prop(
        "Name or id of the domain in which the role counts; everywhere when left out.",
        find="keystone.domain",
        since="16.0.0",
    )


@resource_type("OS::Keystone::Role", support=since("2015.1"))
class Role(RestResource[RoleProps]):
    """A role, which the policies of services know by its name."""

    entity = identity("role", "roles")
    lookups: ClassVar = {"keystone.role": names("Role", "roles")}
    fields: ClassVar = {"name": "name", "domain": "domain_id"}

"""The properties of OS::Keystone::User."""

from __future__ import annotations

from stackd.resources.keystone.grants import GrantProps
from stackd.resources.keystone.identity import domain_of
from stackd.resources.schema import IN_PLACE, Properties, prop


class UserProps(Properties):
    """Properties of a user."""

    name: str | None = prop("Name of the user.", update=IN_PLACE)
    domain: str = domain_of("user")
    description: str = prop("Who the user is.", default="", update=IN_PLACE)
    enabled: bool = prop("Whether the user can authenticate.", default=True, update=IN_PLACE)
    email: str | None = prop("E-mail address.", update=IN_PLACE)
    password: str | None = prop("Password.", update=IN_PLACE)
    default_project: str | None = prop(
        "Name or id of the project for which a token is when none is named.",
        update=IN_PLACE,
        find="keystone.project",
    )
    groups: list[str] | None = prop(
        "Names or ids of the groups that the user is in.", update=IN_PLACE, element_find="keystone.group"
    )
    roles: list[GrantProps] | None = prop("Roles of the user on projects and domains.", update=IN_PLACE)

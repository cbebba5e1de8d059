"""Properties of stacks in another region or another cloud."""

from __future__ import annotations

from typing import Any

from stackd.resources.schema import IN_PLACE, Properties, prop


class RemoteContext(Properties):
    """Where the stack is."""

    region_name: str | None = prop("The region; the stack's own where it is left out.")
    credential_secret_id: str | None = prop(
        "The id of a secret in Barbican with what signs in to another cloud: JSON with auth_type and auth.",
        update=IN_PLACE,
        since="12.0.0",
    )
    ca_cert: str | None = prop(
        "The text of the certificate by which the other cloud is trusted.", update=IN_PLACE, since="12.0.0"
    )
    insecure: bool = prop(
        "Whether the other cloud's certificate goes unchecked.",
        default=False,
        update=IN_PLACE,
        since="12.0.0",
    )


class RemoteStackProps(Properties):
    """Properties of ``OS::Heat::Stack``."""

    context: RemoteContext | None = prop("Where the stack is.", update=IN_PLACE)
    template: str = prop("The template, as text.", required=True, update=IN_PLACE)
    timeout: int | None = prop("Minutes that an action on the stack may take.", update=IN_PLACE)
    parameters: dict[str, Any] = prop("Values of the template's parameters.", default={}, update=IN_PLACE)

"""Properties of ``OS::Trove::Instance``."""

from __future__ import annotations

from stackd.resources.constraints import between, length
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.resources.trove.contents import DatabaseProps, UserProps
from stackd.resources.trove.databases import NetworkProps


class InstanceProps(Properties):
    """Properties of an instance."""

    name: str | None = prop("Name of the instance.", update=IN_PLACE, constraints=[length(None, 255)])
    flavor: str = prop(
        "Name or id of the flavor; a replica has that of its source.",
        required=True,
        update=IN_PLACE,
        find="trove.flavor",
    )
    size: int = prop(
        "Size of the volume in GB; it can only grow.",
        required=True,
        update=IN_PLACE,
        constraints=[between(1, 150)],
    )
    databases: list[DatabaseProps] = prop("The databases in the instance.", default=[], update=IN_PLACE)
    users: list[UserProps] = prop("The users of the databases.", default=[], update=IN_PLACE)
    availability_zone: str | None = prop("Availability zone of the instance.")
    restore_point: str | None = prop("Id of the backup that the instance begins with.")
    datastore_type: str | None = prop(
        "Kind of the database; the service's default if left out.", constraints=[length(None, 255)]
    )
    datastore_version: str | None = prop(
        "Version of the database; the default of the kind if left out.", constraints=[length(None, 255)]
    )
    networks: list[NetworkProps] = prop("The networks that the instance is reached by.", default=[])
    replica_of: str | None = prop("Id of the instance that this one is a replica of.", since="5.0.0")
    replica_count: int | None = prop(
        "Number of replicas that are made; they go with the first.", since="5.0.0"
    )

"""OS::Trove::Cluster, several database servers that are one database."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.errors import ResourceFailure, ResourceInError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.constraints import between, length
from stackd.resources.context import JSON, Context, Probe
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import Properties, prop
from stackd.resources.trove.connected import CONNECTED
from stackd.resources.trove.databases import (
    SERVICE,
    NetworkProps,
    check_datastore,
    check_networks,
    datastore,
    nics,
)


class ClusterInstanceProps(Properties):
    """An instance in a cluster."""

    flavor: str = prop("Name or id of the flavor.", required=True, find="trove.flavor")
    volume_size: int = prop("Size of the volume in GB.", required=True, constraints=[between(1, 150)])
    networks: list[NetworkProps] = prop(
        "The networks that the instance is reached by.", default=[], since="10.0.0"
    )
    availability_zone: str | None = prop("Availability zone of the instance.", since="14.0.0")


class ClusterProps(Properties):
    """Properties of a cluster."""

    name: str | None = prop("Name of the cluster.", constraints=[length(None, 255)])
    datastore_type: str = prop("Kind of the database.", required=True, constraints=[length(None, 255)])
    datastore_version: str = prop("Version of the database.", required=True, constraints=[length(None, 255)])
    instances: list[ClusterInstanceProps] = prop("The instances in the cluster.", required=True)


@resource_type("OS::Trove::Cluster", since="2015.1")
class Cluster(RestResource[ClusterProps]):
    """Instances that work together. Any change makes a new cluster.

    How its instances are is shown only with the cluster itself, and not in lists.
    """

    entity = Entity(SERVICE, "/clusters", "cluster", "clusters", found_by=())
    fields: ClassVar = same("name")
    follows = CONNECTED
    waits_for = "all instances of the cluster are active"
    awaits_deletion = True
    attributes: ClassVar = {
        "instances": attr("Ids of the instances in the cluster.", "list"),
        "ip": attr("Addresses of the instances in the cluster.", "list"),
    }

    def validate(self, props: ClusterProps) -> None:
        """An instance is reached by networks or ports."""
        for each in props.instances if isinstance(props.instances, list) else ():
            if isinstance(each, ClusterInstanceProps):
                check_networks(each.networks)

    async def probe(self, ctx: Probe, props: ClusterProps) -> None:
        """The service has the datastore."""
        await check_datastore(ctx, props.datastore_type, props.datastore_version)

    async def creation(self, ctx: Context, props: ClusterProps) -> JSON:
        """The instances are described with the cluster."""
        source = datastore(props.datastore_type, props.datastore_version)
        instances = [await _instance(ctx, each) for each in props.instances]
        return self.body(ctx, props) | {"datastore": source, "instances": instances}

    async def is_ready(self, ctx: Context, props: ClusterProps) -> bool:
        """Whether all instances are active."""
        return _are_active(await ctx.live(fresh=True))

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """Instances by their ids; services differ in how they show addresses."""
        found = live.get("ip") or ()
        addresses = [each["address"] if isinstance(each, dict) else each for each in found]
        return {"instances": [each["id"] for each in live.get("instances") or ()], "ip": addresses}

    async def delete(self, ctx: Context, props: ClusterProps) -> None:
        """Remove the cluster once nothing else is being done to it."""

        async def can_be_deleted() -> bool:
            live = await ctx.live(fresh=True)
            if live["task"]["name"] in ("NONE", "DELETING"):
                return True
            if _has_failed(live):  # the service never ends its task then
                raise ResourceFailure(
                    "An instance of the cluster failed, and the service does not delete a cluster that it is "
                    "building: an administrator has to reset the status of the cluster."
                )
            return False

        await ctx.until(can_be_deleted, "nothing is being done to the cluster")
        await super().delete(ctx, props)


async def _instance(ctx: Context, props: ClusterInstanceProps) -> JSON:
    """An instance as a request has it. Of a cluster's networks the service takes the newer word only."""
    body: JSON = {"flavorRef": props.flavor, "volume": {"size": props.volume_size}}
    if networks := await nics(ctx, props.networks or (), "network_id"):
        body["nics"] = networks
    return body | props.body("availability_zone")


def _are_active(live: JSON) -> bool:
    """Whether every instance of a cluster is at work; raise when one never will be."""
    if failed := _has_failed(live):
        raise ResourceInError(f'Went to status {failed} due to "An instance of the cluster failed"')
    return bool(live["instances"]) and all(each.get("status") == "ACTIVE" for each in live["instances"])


def _has_failed(live: JSON) -> str:
    """The status of the first instance that failed; empty when none has."""
    statuses = (str(each.get("status")) for each in live["instances"])
    return next((status for status in statuses if status in ("ERROR", "FAILED")), "")

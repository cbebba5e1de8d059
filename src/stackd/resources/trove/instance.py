"""OS::Trove::Instance, a database server that the service looks after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, Final

from stackd.errors import CloudError, CloudNotFound, PropertyError, ResourceFailure, ResourceInError
from stackd.records import Resource
from stackd.resources.attributes import LIVE, attr
from stackd.resources.beside import once
from stackd.resources.context import JSON, Context, Probe
from stackd.resources.entity import Entity, find_made, settled
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.trove.connected import CONNECTED
from stackd.resources.trove.contents import as_users, check_users, exchange
from stackd.resources.trove.databases import (
    FLAVORS,
    SERVICE,
    check_datastore,
    check_networks,
    datastore,
    nics,
)
from stackd.resources.trove.instance_props import InstanceProps

_BROKEN: Final = ("ERROR", "FAILED")
_WORKING: Final = (
    *(
        "NEW",
        "BUILD",
        "BACKUP",
        "REBOOT",
        "RESIZE",
        "RESTORE",
        "UPGRADE",
        "PROMOTE",
        "EJECT",
        "DETACH",
        "LOGGING",
    ),
    "SHUTDOWN",
)
"""Statuses that end by themselves."""
_OF_SOURCE: Final = frozenset({"flavorRef", "volume"})
"""What a replica has of the instance that it is a copy of: the service refuses requests that name it."""

_REPLICAS: Final = "replicas"
_FORCE: Final = {"reset_status": {"force_delete": True}}


@resource_type("OS::Trove::Instance", since="2014.1")
class Instance(RestResource[InstanceProps]):
    """A server with databases and their users.

    What is in it is worth more than the instance: one that failed is replaced only in ERROR. Each change but
    that of its name has to wait for the one before.
    """

    entity = Entity(
        *(SERVICE, "/instances", "instance", "instances", "PUT"),
        list_path="/instances/detail",
        found_by=(),
    )
    lookups: ClassVar = {"trove.flavor": FLAVORS}
    fields: ClassVar = same("name", "availability_zone", "replica_of", "replica_count") | {
        "flavor": "flavorRef",
        "size": Field("volume", convert=lambda size: {"size": size}),
        "databases": Field("databases", convert=list),
        "users": Field("users", convert=as_users),
        "restore_point": Field("restorePoint", convert=lambda backup: {"backupRef": backup}),
    }
    follows = CONNECTED
    waits_for = "the instance is active"
    awaits_deletion = True
    checkable = True
    good_statuses = ("ACTIVE",)
    attributes: ClassVar = {
        "hostname": attr("Name of the instance in the DNS, or its address where it has none.", how=LIVE),
        "href": attr("URL of the instance in the service's API."),
    }

    def validate(self, props: InstanceProps) -> None:
        """A version is one of a datastore, and users have databases."""
        if props.datastore_version and not props.datastore_type:
            raise PropertyError(
                "Not allowed - datastore_version without datastore_type.",
                path="properties.datastore_version",
                remedy="Give datastore_type, too.",
            )
        check_users(props.data["databases"], props.data["users"])
        check_networks(props.networks)

    async def probe(self, ctx: Probe, props: InstanceProps) -> None:
        """The service has the datastore."""
        await check_datastore(ctx, props.datastore_type, props.datastore_version)

    # --- states -----------------------------------------------------------------------------------

    def ready(self, live: JSON) -> bool:
        """Whether the instance is at work, and nothing is being done to it."""
        status = live["status"]
        if status in _BROKEN:
            reason = (live.get("fault") or {}).get("message") or "Unknown"
            raise ResourceInError(f'Went to status {status} due to "{reason}"')
        return settled(status, ready="ACTIVE", working=_WORKING)

    def broken(self, live: JSON) -> bool:
        """See the class."""
        return live["status"] in _BROKEN

    def observed(self, props: InstanceProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Name, flavor and size; a replica has those of its source."""
        pairs: dict[str, tuple[Any, Any]] = {}
        if props.name and not _are_many(props):
            pairs["name"] = props.name, live["name"]
        if not props.replica_of:
            pairs["flavor"] = props.flavor, live["flavor"]["id"]
            if size := (live.get("volume") or {}).get("size"):
                pairs["size"] = props.size, size
        return pairs

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The first address stands in for a host name."""
        links = {each["rel"]: each["href"] for each in live.get("links") or ()}
        return {
            "hostname": live.get("hostname") or next(iter(live.get("ip") or ()), None),
            "href": links.get("self"),
        }

    # --- creation ---------------------------------------------------------------------------------

    def body(self, ctx: Context, props: InstanceProps) -> JSON:
        """Empty lists are left out: the service refuses them for replicas."""
        body = {name: value for name, value in super().body(ctx, props).items() if value != []}
        if source := datastore(props.datastore_type, props.datastore_version):
            body["datastore"] = source
        return body if not props.replica_of else {k: v for k, v in body.items() if k not in _OF_SOURCE}

    async def creation(self, ctx: Context, props: InstanceProps) -> JSON:
        """The networks, which may have to be asked for their subnets, come with it."""
        body, networks = self.body(ctx, props), await nics(ctx, props.networks or ())
        return body | ({"nics": networks} if networks else {})

    async def find(self, ctx: Context, props: InstanceProps) -> Sequence[JSON]:
        """By name. Of several replicas the service returns the last, and numbers their names."""
        name = _name(ctx, props)
        last = f"{name}-{props.replica_count}" if _are_many(props) else name
        return await find_made(ctx, self.entity, {"name": last})

    async def configure(self, ctx: Context, props: InstanceProps) -> None:
        """Store which other replicas came with the one that is known."""
        if not _are_many(props) or _REPLICAS in ctx.data:
            return
        name = _name(ctx, props)
        names = {f"{name}-{number}" for number in range(1, props.replica_count or 1)}
        found = await self.service_of(ctx).list_all(self.entity.listing, self.entity.plural)
        others = [
            each["id"]
            for each in found
            if each["name"] in names and (each.get("replica_of") or {}).get("id") == props.replica_of
        ]
        await ctx.put_data(**{_REPLICAS: others})

    # --- changes ----------------------------------------------------------------------------------

    async def update(self, ctx: Context, old: InstanceProps, new: InstanceProps) -> None:
        """One change after another."""
        changed = new.changed(old)
        if "name" in changed:
            await self.write(ctx, {"name": new.name or ctx.physical_name})
        if "flavor" in changed:
            await self._resize(ctx, {"flavorRef": new.flavor}, partial(_has_flavor, new.flavor))
        if "size" in changed:
            await self._resize(ctx, {"volume": {"size": new.size}}, partial(_has_size, new.size))
        if changed & {"databases", "users"}:
            await ctx.poll(self.ready, self.waits_for)
            await exchange(ctx, old, new)

    async def _resize(self, ctx: Context, wanted: JSON, is_reached: Callable[[JSON], bool]) -> None:
        async def is_asked() -> bool:
            live = await ctx.live(fresh=True)
            return live["status"] == "RESIZE" or is_reached(live)

        await ctx.poll(self.ready, self.waits_for)
        await once(ctx, is_asked, partial(self._act, ctx, ctx.physical_id, {"resize": wanted}))
        if not is_reached(await ctx.poll(self.ready, "the instance is resized")):
            raise ResourceFailure("The service has not resized the instance, and does not say why.")

    # --- deletion ---------------------------------------------------------------------------------

    async def delete(self, ctx: Context, props: InstanceProps) -> None:
        """Remove the instance, and the replicas that came with it."""
        for identity in ctx.data.get(_REPLICAS) or ():
            with suppress(CloudNotFound):
                await self._remove(ctx, identity)
        await self._remove(ctx, ctx.physical_id)

    async def _remove(self, ctx: Context, identity: str) -> None:
        """The service deletes no instance that it is building; one that its owner gives up is no such."""
        path, service = self.entity.at(identity), self.service_of(ctx)
        try:
            await service.delete(path)
        except CloudError as error:
            if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            await self._act(ctx, identity, _FORCE)
            await service.delete(path)

    async def _act(self, ctx: Context, identity: str, action: JSON) -> None:
        await self.service_of(ctx).post(f"{self.entity.at(identity)}/action", action)


def _name(ctx: Context, props: InstanceProps) -> str:
    return props.name or ctx.physical_name


def _are_many(props: InstanceProps) -> bool:
    return bool(props.replica_of) and (props.replica_count or 1) > 1


def _has_flavor(wanted: str, live: JSON) -> bool:
    return bool(live["flavor"]["id"] == wanted)


def _has_size(wanted: int, live: JSON) -> bool:
    return bool(live["volume"]["size"] == wanted)

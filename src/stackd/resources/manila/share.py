"""OS::Manila::Share, a file system that several clients use at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from stackd.errors import PropertyError, ResourceInError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.entity import settled
from stackd.resources.manila.access import AccessRule, exchange, key_of
from stackd.resources.manila.shared import SERVICE, manila, names
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.unknown import has_unknown

_WORKING: Final = (
    *("creating", "creating_from_snapshot", "extending", "shrinking", "reverting", "migrating"),
    *("replication_change", "awaiting_transfer", "backup_creating", "backup_restoring"),
)
_LEAVING: Final = ("deleting", "deferred_deleting")
_RULES: Final = "access_rules_status"
_WRITTEN: Final = {
    "name": "display_name",
    "description": "display_description",
    "is_public": "is_public",
}
"""What can be written later, and how it is called then."""


class ShareProps(Properties):
    """Properties of a share."""

    share_protocol: str = prop(
        "Protocol by which clients reach the share.",
        required=True,
        constraints=[one_of("NFS", "CIFS", "GlusterFS", "HDFS", "CEPHFS")],
    )
    size: int = prop("Size in GB.", required=True)
    snapshot: str | None = prop(
        "Name or id of the snapshot that the share is a copy of.", find="manila.share_snapshot"
    )
    name: str | None = prop("Name of the share.", update=IN_PLACE)
    metadata: dict[str, Any] | None = prop("Pairs that are kept with the share.", update=IN_PLACE)
    share_network: str | None = prop(
        "Name or id of the share network, where share servers are handled by the service.",
        find="manila.share_network",
    )
    description: str | None = prop("What the share is for.", update=IN_PLACE)
    share_type: str | None = prop(
        "Name or id of the share type; the service's default if left out.", find="manila.share_type"
    )
    is_public: bool = prop("Whether every project sees the share.", default=False, update=IN_PLACE)
    access_rules: list[AccessRule] = prop("Who may use the share.", default=[], update=IN_PLACE)


async def _locations(reading: Reading) -> list[JSON]:
    path = f"/shares/{reading.physical_id}/export_locations"
    found: list[JSON] = await reading.cloud.service(SERVICE).list_all(path, "export_locations")
    return found


@resource_type("OS::Manila::Share", since="5.0.0")
class Share(RestResource[ShareProps]):
    """A file system on a network. It can be used when the service has applied the rules of access."""

    entity = manila("/shares", "share", "shares")
    lookups: ClassVar = {"manila.share_snapshot": names("Share snapshot", "/snapshots", "snapshots")}
    fields: ClassVar = same("size", *_WRITTEN) | {
        "share_protocol": "share_proto",
        "snapshot": "snapshot_id",
        "metadata": Field("metadata", convert=as_text),
        "share_network": "share_network_id",
        "share_type": "share_type",
    }
    waits_for = "the share is available, and its rules of access are applied"
    awaits_deletion = True
    checkable = True
    good_statuses = ("available",)
    attributes: ClassVar = {
        "availability_zone": attr("The availability zone of the share."),
        "host": attr("Where the share is, to administrators."),
        "export_locations": attr(
            "Where clients find the share: of each place its path, and whether it is preferred.",
            "list",
            read=_locations,
        ),
        "share_server_id": attr("Id of the share server, to administrators."),
        "created_at": attr("When the share was made."),
        "status": attr("State of the share.", how=LIVE),
        "project_id": attr("Project that owns the share."),
    }

    def validate(self, props: ShareProps) -> None:
        """There is one rule for everybody."""
        keys = [key_of(rule) for rule in props.data["access_rules"] or () if not has_unknown(rule)]
        if twice := sorted({f"{kind} {to}" for kind, to in keys if keys.count((kind, to)) > 1}):
            raise PropertyError(
                f"There is more than one rule of access for {', '.join(twice)}.",
                path="properties.access_rules",
                remedy="Keep one rule for each.",
            )

    def ready(self, live: JSON) -> bool:
        """Whether clients can use the share."""
        if not settled(live["status"], ready="available", working=_WORKING):
            return False
        return settled(live.get(_RULES, "active"), ready="active", working=("syncing", "out_of_sync"))

    def broken(self, live: JSON) -> bool:
        """What is in the share is worth more than the share: only one in error has to be replaced."""
        return live["status"] not in ("available", *_WORKING)

    def gone(self, live: JSON) -> bool:
        """Raise when the deletion failed."""
        if live["status"] not in _LEAVING:
            raise ResourceInError(f'Went to status {live["status"]} due to "Unknown"')
        return False

    def observed(self, props: ShareProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Protocols are shown in capitals."""
        pairs = dict(super().observed(props, live) or {})
        if "share_protocol" in pairs:
            wanted, shown = pairs["share_protocol"]
            pairs["share_protocol"] = wanted.upper(), shown
        return pairs

    async def configure(self, ctx: Context, props: ShareProps) -> None:
        """Allow access once there is something to have access to."""
        if props.access_rules:
            await ctx.poll(_is_available, "the share is available")
            await self._exchange(ctx, (), props.data["access_rules"])

    async def change(self, ctx: Context, old: ShareProps, new: ShareProps) -> JSON:
        """Some fields have other names in updates, and the rest is written apart."""
        body = await super().change(ctx, old, new)
        return {_WRITTEN[name]: value for name, value in body.items() if name in _WRITTEN}

    async def update(self, ctx: Context, old: ShareProps, new: ShareProps) -> None:
        """Write what differs, then the metadata as a whole, then the rules."""
        await super().update(ctx, old, new)
        if new.metadata != old.metadata:
            path = f"{self.entity.at(ctx.physical_id)}/metadata"
            await self.service_of(ctx).put(path, {"metadata": as_text(new.metadata)})
        if new.data["access_rules"] != old.data["access_rules"]:
            await self._exchange(ctx, old.data["access_rules"] or (), new.data["access_rules"] or ())

    async def _exchange(self, ctx: Context, old: Iterable[JSON], new: Iterable[JSON]) -> None:
        """Exchange the rules, and see what the share says of them afterwards."""
        await exchange(ctx, old, new)
        await ctx.live(fresh=True)

    async def delete(self, ctx: Context, props: ShareProps) -> None:
        """Remove a share that nothing is being done to: before that the service refuses it."""
        live = await ctx.live(fresh=True)
        if live["status"] in _WORKING:
            live = await ctx.poll(_is_settled, "nothing is being done to the share")
        if live["status"] not in _LEAVING:
            await super().delete(ctx, props)


def _is_available(live: JSON) -> bool:
    return settled(live["status"], ready="available", working=_WORKING)


def _is_settled(live: JSON) -> bool:
    return live["status"] not in _WORKING

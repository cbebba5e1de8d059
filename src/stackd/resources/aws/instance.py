"""AWS::EC2::Instance, a server of Nova by the names of AWS."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.errors import CloudConflict
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.aws.instance_parts import NO_ADDRESS, by_key, check_devices
from stackd.resources.aws.instance_props import InstanceProps, as_server, check_interfaces
from stackd.resources.cinder.attaching import attach_once, detach
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.nova import booting, changes, networks, replacement, views
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
from stackd.resources.rules import at_most_one

_ADDRESSES = ("PrivateDnsName", "PrivateIp", "PublicDnsName", "PublicIp")


@resource_type("AWS::EC2::Instance")
class Instance(RestResource[InstanceProps]):
    """A virtual machine, with the ports and volumes that it needs.

    All of its addresses and names are the first address of the server.
    """

    entity = Entity("compute", "/servers", "server", "servers", "PUT", list_path="/servers/detail")
    fields: ClassVar = {
        "ImageId": "imageRef",
        "InstanceType": "flavorRef",
        "KeyName": "key_name",
        "AvailabilityZone": "availability_zone",
        "Tags": Field("metadata", convert=by_key),
    }
    name_limit = 53
    waits_for = "the instance is built"
    awaits_deletion = True
    checkable = True
    good_statuses = ("ACTIVE",)
    shown_by: ClassVar = {"NetworkInterfaces": _ADDRESSES, "SubnetId": _ADDRESSES}
    attributes: ClassVar = {
        "AvailabilityZone": attr(
            "The availability zone that it runs in.", source="OS-EXT-AZ:availability_zone"
        ),
        "PrivateDnsName": attr("The first address."),
        "PrivateIp": attr("The first address."),
        "PublicDnsName": attr("The first address."),
        "PublicIp": attr("The first address."),
    }

    def validate(self, props: InstanceProps) -> None:
        """Security groups belong to ports where there are any; devices and interfaces must be complete."""
        at_most_one(props, "SecurityGroups", "NetworkInterfaces")
        at_most_one(props, "SecurityGroupIds", "NetworkInterfaces")
        check_interfaces(props.data.get("NetworkInterfaces"))
        check_devices(props.data.get("BlockDeviceMappings"))

    def ready(self, live: JSON) -> bool:
        """Whether the server is built; one that somebody has stopped since then is, too."""
        return changes.is_settled(live)

    def broken(self, live: JSON) -> bool:
        """See ``Server``."""
        return booting.is_broken(live)

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """All addresses are the first one of any network."""
        address = views.first_address(live) or NO_ADDRESS
        return super().attribute_values(resource, live) | dict.fromkeys(_ADDRESSES, address)

    async def create(self, ctx: Context, props: InstanceProps) -> None:
        """Make the port that the subnet needs, then the server."""
        await booting.boot(ctx, as_server(props), self.body(ctx, props))

    async def configure(self, ctx: Context, props: InstanceProps) -> None:
        """Attach volumes once the server runs."""
        if props.volumes:
            await ctx.poll(self.ready, self.waits_for)
            await _attach_volumes(ctx, props)

    async def update(self, ctx: Context, old: InstanceProps, new: InstanceProps) -> None:
        """Change what differs, one thing after another."""
        changed, before, after = new.changed(old), as_server(old), as_server(new)
        if "Tags" in changed:
            await changes.change_metadata(ctx, before, after)
        if changed & {"NetworkInterfaces", "SubnetId"}:
            await networks.change(ctx, before, after)
        if "InstanceType" in changed:
            await changes.resize(ctx, after.flavor)

    async def prepare_for_replace(self, ctx: Context, props: InstanceProps) -> None:
        """Take ports and volumes away from the old server: the new one needs them."""
        await _free_volumes(ctx, props)
        await replacement.free(ctx, as_server(props))

    async def undo_replace(self, ctx: Context, props: InstanceProps) -> None:
        """Give ports and volumes back to the old server."""
        await replacement.give_back(ctx)
        await _attach_volumes(ctx, props)

    async def suspend(self, ctx: Context, props: InstanceProps) -> None:
        """Store the memory of the server and stop it."""
        await changes.shift(ctx, "suspend", "SUSPENDED", "the instance is suspended")

    async def resume(self, ctx: Context, props: InstanceProps) -> None:
        """Let the server go on where it was."""
        await changes.shift(ctx, "resume", "ACTIVE", "the instance runs again")

    async def delete(self, ctx: Context, props: InstanceProps) -> None:
        """Delete the server, which lets its volumes go."""
        await booting.remove(ctx)

    async def is_gone(self, ctx: Context) -> bool:
        """See ``Server``."""
        return await booting.is_removed(ctx)


async def _free_volumes(ctx: Context, props: InstanceProps) -> None:
    """Detach the volumes. A server in error keeps them as long as it exists, so it goes at once."""
    try:
        for each in props.volumes:
            await detach(ctx, ctx.physical_id, each.volume)
    except CloudConflict:
        if ctx.resource.deletion_policy == "Retain" or not booting.is_broken(await ctx.live(fresh=True)):
            raise
        await booting.remove(ctx)
        await ctx.until(lambda: booting.is_removed(ctx), "the broken instance is deleted")


async def _attach_volumes(ctx: Context, props: InstanceProps) -> None:
    for each in props.volumes:
        await attach_once(ctx, ctx.physical_id, each.volume, each.device)

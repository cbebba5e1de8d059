"""AWS::AutoScaling::LaunchConfiguration, what the instances of a group are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.aws.instance_parts import BlockDeviceMapping, Pair, check_devices
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.nova.changes import with_flavor_id
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import Unknown

_SOURCE = "InstanceId"
_FROM_INSTANCE = ("ImageId", "InstanceType", "KeyName", "SecurityGroups")
COPIED = "copied"
"""The private value with the properties that were copied from a running instance."""


class LaunchConfigurationProps(Properties):
    """Properties of ``AWS::AutoScaling::LaunchConfiguration``."""

    instance: str | None = prop(
        "A running instance whose image, type, key and security groups count where none are given.",
        name="InstanceId",
        find="nova.server",
    )
    image: str | None = prop("The image to boot from.", name="ImageId", find="glance.image")
    instance_type: str | None = prop("The flavor.", name="InstanceType", find="nova.flavor")
    key: str | None = prop("Key pair to log in with.", name="KeyName", find="nova.keypair")
    user_data: str | None = prop("What the instance runs when it boots.", name="UserData")
    security_groups: list[Any] | None = prop("Names or ids of security groups.", name="SecurityGroups")
    kernel: str | None = prop("Not implemented.", name="KernelId", implemented=False)
    ram_disk: str | None = prop("Not implemented.", name="RamDiskId", implemented=False)
    devices: list[BlockDeviceMapping] | None = prop(
        "Volumes that are made of snapshots.", name="BlockDeviceMappings"
    )
    hints: list[Pair] | None = prop("Hints for the scheduler.", name="NovaSchedulerHints")


@resource_type("AWS::AutoScaling::LaunchConfiguration")
class LaunchConfiguration(ResourceType[LaunchConfigurationProps]):
    """Describes the instances of scaling groups; nothing is made of it by itself.

    Any change, also of its metadata, makes a new one of another name, by which groups notice the change.
    """

    local = True  # it reads an instance at most
    replaced_by_metadata = True

    def validate(self, props: LaunchConfigurationProps) -> None:
        """Image and type are needed where no instance has them; devices must be complete."""
        missing = [name for name in ("ImageId", "InstanceType") if props.data.get(name) in (None, "")]
        if missing and props.data.get("InstanceId") in (None, ""):
            raise PropertyError(
                f"Without InstanceId, {' and '.join(missing)} must be given.",
                path="properties",
                remedy=f"Give {' and '.join(missing)}, or the InstanceId of an instance to copy them from.",
            )
        check_devices(props.data.get("BlockDeviceMappings"))

    async def create(self, ctx: Context, props: LaunchConfigurationProps) -> None:
        """Copy what is taken from an instance; nothing but a name is made."""
        if props.instance:
            copied = await copy_of_instance(ctx, props.instance)
            if not props.image and "ImageId" not in copied:
                raise ResourceFailure(
                    f"Instance {props.instance} has booted from a volume: there is no image to copy. "
                    "Give ImageId a value."
                )
            await ctx.put_data(**{COPIED: copied})
        await ctx.created(ctx.physical_name)


async def copy_of_instance(ctx: Context, server: str) -> dict[str, Any]:
    """The properties of a launch configuration for more instances like a running one."""
    live = await with_flavor_id(ctx, server)
    image, flavor = (live.get("image") or {}).get("id"), live["flavor"]["id"]
    groups = sorted({each["name"] for each in live.get("security_groups") or ()})
    found = zip(_FROM_INSTANCE, (image, flavor, live.get("key_name"), groups), strict=True)
    return {name: value for name, value in found if value}


def properties_for(name: str, given: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of the instances that ``given`` ones of resource ``name`` describe.

    What is copied from an instance comes from its private ``data``, and is not known before it is there.
    """
    own = {key: value for key, value in given.items() if key != _SOURCE and value is not None}
    if given.get(_SOURCE) is None:
        return own
    copied = data.get(COPIED)
    if copied is None:
        copied = {key: Unknown(name, (COPIED, key)) for key in _FROM_INSTANCE}
    return {**copied, **own}

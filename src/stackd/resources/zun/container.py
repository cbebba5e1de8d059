"""OS::Zun::Container, a container without a server of its own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from stackd.errors import ResourceInError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity, settled
from stackd.resources.lag import noticed
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same
from stackd.resources.zun import networks
from stackd.resources.zun.container_props import ContainerProps, check, mounts, nets, restart_policy

_ERROR: Final = "Error"
_PAUSED: Final = "Paused"


@resource_type("OS::Zun::Container", since="9.0.0")
class Container(RestResource[ContainerProps]):
    """A container. It has to run before it is complete, but not while it is changed.

    One whose command has ended has run, unless somebody was to talk to it.
    """

    entity = Entity("container", "/containers", "", "containers", update="PATCH", id_field="uuid")
    survives = True
    awaits_deletion = True
    fields: ClassVar = same(
        *("name", "image", "workdir", "labels", "image_pull_policy", "interactive", "tty", "image_driver"),
        *("hints", "hostname", "security_groups"),
    ) | {
        "command": Field("command", convert=shlex.split),
        "cpu": Field("cpu", cleared=KEEP),
        "memory": Field("memory", cleared=KEEP),
        "environment": Field("environment", convert=as_text),
        "restart_policy": Field("restart_policy", convert=restart_policy),
        "mounts": Field("mounts", convert=mounts),
        "networks": Field("nets", convert=nets),
    }
    shown_by: ClassVar = {"networks": ("addresses",)}
    attributes: ClassVar = {
        "name": attr("Name of the container."),
        "addresses": attr("The addresses of the container, in lists by the ids of networks.", "map", LIVE),
    }

    def validate(self, props: ContainerProps) -> None:
        """See ``check``."""
        super().validate(props)
        check(props)

    async def make(self, ctx: Context, props: ContainerProps) -> JSON:
        """The container, which is started as soon as it is made."""
        body = await self.creation(ctx, props)
        made: JSON = await self.service_of(ctx).post(self.entity.path, body, params={"run": True})
        return made

    async def configure(self, ctx: Context, props: ContainerProps) -> None:
        """Wait until the container runs, or has."""
        await ctx.poll(has_run, "the container runs")

    def broken(self, live: JSON) -> bool:
        """A container in error is of no use any more."""
        return bool(live["status"] == _ERROR)

    async def change(self, ctx: Context, old: ContainerProps, new: ContainerProps) -> JSON:
        """The networks are not changed together with the rest."""
        body = await super().change(ctx, old, new)
        body.pop("nets", None)
        return body

    async def update(self, ctx: Context, old: ContainerProps, new: ContainerProps) -> None:
        """Send what differs, then connect the container anew."""
        await super().update(ctx, old, new)
        if "networks" in new.changed(old):
            await networks.change(ctx, new.networks or ())

    async def delete(self, ctx: Context, props: ContainerProps) -> None:
        """Stop and delete the container. The service does neither to one that is paused."""
        before = await ctx.live(fresh=True)
        service, path = self.service_of(ctx), self.entity.at(ctx.physical_id)
        if before["status"] == _PAUSED:
            await service.post(f"{path}/unpause")
            await ctx.poll(lambda live: bool(live["status"] != _PAUSED), "the container is no longer paused")
        await service.delete(path, {"stop": True})
        if before["status"] == _ERROR:
            await noticed(ctx, before)

    def gone(self, live: JSON) -> bool:
        """Raise when the deletion failed."""
        if live["status"] == _ERROR and not live.get("task_state"):
            raise _in_error(live)
        return False

    def observed(self, props: ContainerProps, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """Memory is shown as a text, and a network by the address in it; groups are shown by ids only."""
        pairs = dict(super().observed(props, live) or {})
        pairs.pop("security_groups", None)
        if "memory" in pairs and str(live["memory"]).isdecimal():
            pairs["memory"] = props.memory, int(live["memory"])
        if props.networks and "addresses" in live:
            ports = networks.connected(props.networks, live)
            wanted = [dict(entry.data) for entry in props.networks]
            pairs["networks"] = wanted, [each for each, port in zip(wanted, ports, strict=True) if port]
        return pairs


def has_run(live: JSON) -> bool:
    """Whether a container runs or has run; raise when it never will."""
    status = live["status"]
    if status == _ERROR:
        raise _in_error(live)
    ended = () if live.get("interactive") else ("Stopped",)
    return settled(status, ready=("Running", _PAUSED, *ended), working=("Creating", "Created"))


def _in_error(live: JSON) -> ResourceInError:
    return ResourceInError(f'Went to status {_ERROR} due to "{live.get("status_reason") or "Unknown"}"')

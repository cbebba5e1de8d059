"""OS::Zun::Container, a container without a server of its own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from stackd.resources.attributes import LIVE, attr
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity, settled
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same
from stackd.resources.zun import deletion, networks, replacement
from stackd.resources.zun.container_props import ContainerProps, check, mounts, nets, restart_policy


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
        return bool(live["status"] == deletion.ERROR)

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
        """Stop and delete the container."""
        await deletion.delete(ctx, (self.entity, ctx.physical_id))

    def gone(self, live: JSON) -> bool:
        """Raise when the deletion failed."""
        return deletion.is_gone(live)

    async def prepare_for_replace(self, ctx: Context, props: ContainerProps) -> None:
        """Let go what the replacement may want; a container with volumes goes as a whole."""
        if replacement.has_volumes(props):
            await deletion.remove(ctx, (self.entity, ctx.physical_id))
        else:
            await replacement.let_ports_go(ctx, props)

    async def undo_replace(self, ctx: Context, props: ContainerProps) -> None:
        """Give the container back what it let go, or make it again, once its replacement is gone."""
        if not replacement.has_volumes(props) and not replacement.ports(props):
            return
        for other in await replacement.others(ctx, self.entity):
            await deletion.remove(ctx, (self.entity, other))
        if await replacement.stands(ctx):
            await networks.change(ctx, props.networks or ())
        else:
            found = await replacement.make_again(
                ctx, lambda: self.find(ctx, props), lambda: self.make(ctx, props)
            )
            await ctx.created(str(found[self.entity.id_field]), found)
            await self.configure(ctx, props)
        if ctx.data.get(replacement.AGAIN):
            await ctx.put_data(**{replacement.AGAIN: None})

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
    if status == deletion.ERROR:
        raise deletion.in_error(live)
    ended = () if live.get("interactive") else ("Stopped",)
    return settled(status, ready=("Running", deletion.PAUSED, *ended), working=("Creating", "Created"))

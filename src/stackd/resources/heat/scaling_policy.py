"""OS::Heat::ScalingPolicy, which changes the size of a scaling group when it is signalled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import between, one_of
from stackd.resources.context import Context
from stackd.resources.heat.addresses import signal_url, signed_url
from stackd.resources.registry import resource_type
from stackd.resources.scaling import CHANGE, EXACT, PERCENT, Adjustment
from stackd.resources.schema import IN_PLACE, Properties, prop

URL = "ec2_signed_url"
_NATIVE_URL = "signal_url"


class ScalingPolicyProps(Properties):
    """Properties of ``OS::Heat::ScalingPolicy``."""

    auto_scaling_group_id: str = prop("Reference of the group, which is in the same stack.", required=True)
    scaling_adjustment: float = prop(
        "By how many members, or per cent of them, the group changes; or how many it is to have.",
        required=True,
        update=IN_PLACE,
    )
    adjustment_type: str = prop(
        "What the adjustment is: a change, the exact number, or a change in per cent.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of(CHANGE, EXACT, PERCENT)],
    )
    cooldown: float | None = prop("Seconds after a change in which signals are ignored.", update=IN_PLACE)
    min_adjustment_step: int | None = prop(
        "The least number of members that a change in per cent adds or removes.",
        update=IN_PLACE,
        constraints=[between(0)],
    )


def refuse_step(kind: Any, step: Any, place: str, percent: str) -> None:
    """Refuse a least step of a change that is not in per cent."""
    if step is not None and isinstance(kind, str) and kind != percent:
        raise PropertyError(
            f"{place} is only used for a change in per cent ({percent}), not for {kind}.",
            path=f"properties.{place}",
            remedy="Remove it, or change the kind of adjustment.",
        )


def kept(name: str) -> Callable[[Resource], Any]:
    """An attribute that is a private value."""
    return lambda resource: resource.data.get(name)


@resource_type("OS::Heat::ScalingPolicy")
class ScalingPolicy(ResourceType[ScalingPolicyProps]):
    """Changes the number of members of a scaling group whenever it is signalled.

    Signals are ignored while the group is changing, and for its cooldown after that.
    """

    signalable = True
    remade = True
    attributes: ClassVar = {
        "alarm_url": attr("A signed URL to signal with, without a token.", compute=kept(URL)),
        "signal_url": attr("Where to signal with a token.", since="5.0.0", compute=kept(_NATIVE_URL)),
    }

    def validate(self, props: ScalingPolicyProps) -> None:
        """The least step is for changes in per cent."""
        kind, step = props.data.get("adjustment_type"), props.data.get("min_adjustment_step")
        refuse_step(kind, step, "min_adjustment_step", PERCENT)

    def adjustment(self, resource: Resource) -> Adjustment:
        """The adjustment that the properties describe."""
        props = ScalingPolicyProps.wrap(dict(resource.properties))
        kind, by = props.adjustment_type, props.scaling_adjustment
        label = f"{kind} : {by}"
        step, cooldown = props.min_adjustment_step, props.cooldown
        return Adjustment(props.auto_scaling_group_id, kind, by, label, step, cooldown)

    async def create(self, ctx: Context, props: Any) -> None:
        """Make the user whose key signs the URL."""
        user = await ctx.users.make(keypair=True)
        await ctx.created(user.user_id)

    async def configure(self, ctx: Context, props: Any) -> None:
        """Keep the URLs: what refers to them must see the same ones always."""
        if URL not in ctx.data:
            user = await ctx.users.make(keypair=True)
            url = signed_url(ctx.endpoints, ctx.stack, ctx.resource.name, user)
            native_url = signal_url(ctx.endpoints, ctx.stack, ctx.resource.name, ctx.stack.project_id)
            await ctx.put_data(**{URL: url, _NATIVE_URL: native_url})

    async def update(self, ctx: Context, old: Any, new: Any) -> None:
        """Nothing to do: a signal reads the properties."""

    async def delete(self, ctx: Context, props: Any) -> None:
        """Delete the user, with whom the URLs become invalid."""
        await ctx.users.remove()

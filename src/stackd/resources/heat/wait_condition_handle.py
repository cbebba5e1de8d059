"""OS::Heat::WaitConditionHandle, to which guests send the signals that a wait condition waits for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.heat import guests
from stackd.resources.heat.addresses import signal_url, signed_url
from stackd.resources.heat.wait_signals import NATIVE, merge, signals_in
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop

_CURL = (
    "curl -i -X POST -H 'X-Auth-Token: {token}' -H 'Content-Type: application/json' "
    "-H 'Accept: application/json' {endpoint}"
)


class WaitConditionHandleProps(Properties):
    """Properties of ``OS::Heat::WaitConditionHandle``."""

    signal_transport: str = prop(
        "How guests send their signals: to the native API with a token or with a user's credentials, to a "
        "signed URL, to an object in Swift, to a queue in Zaqar, or not at all.",
        default="TOKEN_SIGNAL",
        constraints=[
            one_of(
                "CFN_SIGNAL", "TEMP_URL_SIGNAL", "HEAT_SIGNAL", "NO_SIGNAL", "ZAQAR_SIGNAL", "TOKEN_SIGNAL"
            )
        ],
        since="6.0.0",
    )


def _kept(name: str) -> Callable[[Resource], Any]:
    return lambda resource: resource.data.get(name)


def _command(resource: Resource) -> str | None:
    return _CURL.format(**resource.data) if resource.data.get("token") else None


def _settings(resource: Resource) -> str:
    no_way: dict[str, Any] | None = {} if resource.properties.get("signal_transport") == "NO_SIGNAL" else None
    return json.dumps(resource.data.get("signal", no_way))


@resource_type("OS::Heat::WaitConditionHandle", since="2014.2")
class WaitConditionHandle(ResourceType[WaitConditionHandleProps]):
    """Gathers signals; a user that may do nothing else is made to send them."""

    signalable = True
    remade = True
    attributes: ClassVar = {
        "token": attr("A token to signal with; for TOKEN_SIGNAL only.", compute=_kept("token")),
        "endpoint": attr("Where to send a signal; for TOKEN_SIGNAL only.", compute=_kept("endpoint")),
        "curl_cli": attr("A command that sends a signal; for TOKEN_SIGNAL only.", compute=_command),
        "signal": attr(
            "JSON of what a guest needs to send a signal by the chosen transport.", compute=_settings
        ),
    }

    async def create(self, ctx: Context, props: WaitConditionHandleProps) -> None:
        """Make the user who may signal."""
        user = await ctx.users.make(keypair=props.signal_transport == "CFN_SIGNAL")
        await ctx.created(user.user_id)

    async def configure(self, ctx: Context, props: WaitConditionHandleProps) -> None:
        """Prepare the way that signals take, and keep what a guest has to know of it."""
        transport = props.signal_transport
        user = await ctx.users.make(keypair=transport == "CFN_SIGNAL")
        login = guests.credentials(ctx, user)
        endpoint = signal_url(ctx.endpoints, ctx.stack, ctx.resource.name, user.project_id)
        match transport:
            case "TOKEN_SIGNAL":
                await ctx.put_data(token=await guests.user_token(ctx, login), endpoint=endpoint)
            case "CFN_SIGNAL":
                url = signed_url(ctx.endpoints, ctx.stack, ctx.resource.name, user, "waitcondition")
                await ctx.put_data(signal={"alarm_url": url})
            case "HEAT_SIGNAL":
                await ctx.put_data(signal={**login, "alarm_url": endpoint})
            case "ZAQAR_SIGNAL":
                await guests.make_queue(ctx, login, ctx.physical_name)
                await ctx.put_data(signal={**login, "queue_id": ctx.physical_name})
            case "TEMP_URL_SIGNAL":
                container, name = ctx.stack.id, ctx.physical_name
                await guests.prepare_object(ctx, container, name, keep_all=True)
                url = await guests.object_url(ctx, container, name)
                await ctx.put_data(signal={"alarm_url": url}, object_name=name)

    async def delete(self, ctx: Context, props: WaitConditionHandleProps) -> None:
        """Remove the way that signals take, then the user."""
        signal = ctx.data.get("signal") or {}
        if "queue_id" in signal:
            await guests.remove_queue(ctx, signal, signal["queue_id"])
        if "object_name" in ctx.data:
            await guests.remove_object(ctx, ctx.stack.id, ctx.data["object_name"])
        await ctx.users.remove()

    def own_metadata(self, stored: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
        """The signals."""
        return signals_in(NATIVE, stored)

    def end_signal(self, unique_id: str, status: str) -> Mapping[str, Any]:
        """See ``ResourceType``; with the names that signals have here."""
        return {NATIVE.status: status, NATIVE.id: unique_id, NATIVE.reason: "", NATIVE.data: ""}

    async def signal(self, ctx: Context, details: Mapping[str, Any] | None) -> str | None:
        """Keep a signal under its id in the metadata."""
        signals, text = merge(NATIVE, ctx.resource.metadata, details)
        await ctx.put_metadata(signals)
        return text


async def received(ctx: Context, handle: Resource, seen: dict[str, Any]) -> list[Any]:
    """The signals that lie where guests put them and do not come by themselves, oldest first.

    ``seen`` has those that came before, by ids that they have there, and gets the new ones.
    """
    signal = handle.data.get("signal") or {}
    if "queue_id" in signal:
        return await guests.messages(ctx, signal, signal["queue_id"], seen)
    if "object_name" in handle.data:
        return await guests.written_objects(ctx, ctx.stack.id, handle.data["object_name"], seen)
    return []


def vanish(handle: Resource) -> bool:
    """Whether signals do not stay where guests put them: messages in a queue expire."""
    return "queue_id" in (handle.data.get("signal") or {})

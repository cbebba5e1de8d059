"""OS::Heat::Stack, a stack in another region or another cloud."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from stackd.errors import CloudNotFound, PropertyError, ResourceFailure, StackdError
from stackd.records import Action
from stackd.resources import copies
from stackd.resources.attributes import LIVE, attr
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context, Probe, Reading
from stackd.resources.heat.remote_calls import (
    NAME,
    SNAPSHOT_ID,
    act,
    definition_of,
    find_snapshot,
    has_done,
    remote_cloud,
    shown_stack,
    stack_path,
    take_snapshot,
)
from stackd.resources.heat.remote_props import RemoteContext, RemoteStackProps
from stackd.resources.registry import resource_type
from stackd.template.unknown import has_unknown

_PATIENCE = 30.0
"""Seconds that a request waits for each answer of the other server."""


async def _stack_name(ctx: Reading) -> Any:
    return (await shown_stack(ctx))["stack_name"]


async def _outputs(ctx: Reading) -> Any:
    outputs = (await shown_stack(ctx)).get("outputs") or ()
    return {each["output_key"]: each.get("output_value") for each in outputs}


@resource_type("OS::Heat::Stack")
class RemoteStack(ResourceType[RemoteStackProps]):
    """A stack that another orchestration server makes: in another region, or in a cloud with other users.

    Files and the environment of the stack around it go along, but for parameters.
    """

    awaits_deletion = True
    checkable = True
    snapshots = False
    kept = (SNAPSHOT_ID, "template", "parameters")
    rewritten = ("template", "parameters")
    waits_for = "the remote stack is complete"
    attributes: ClassVar = {
        "stack_name": attr("The name of the stack.", how=LIVE, read=_stack_name),
        "outputs": attr("The outputs of the stack, by their names.", "map", LIVE, read=_outputs),
    }

    def needs_replace(
        self, old: RemoteStackProps, new: RemoteStackProps, changed: frozenset[str]
    ) -> str | None:
        """A stack stays in its region."""
        before, after = (each.context.region_name if each.context else None for each in (old, new))
        return None if before == after else "region_name cannot be changed in place"

    async def probe(self, ctx: Probe, props: RemoteStackProps) -> None:
        """Whether the other server is there, and what it says of the template."""
        if has_unknown([props.data.get("template"), props.data.get("context")]):
            return
        place = _place(props)
        try:
            async with asyncio.timeout(_PATIENCE):
                cloud = await remote_cloud(ctx, props)
                await cloud.orchestration.endpoint()
        except (StackdError, TimeoutError) as error:
            raise _refusal(f"Cannot establish connection to Heat endpoint at {place}", error) from error
        body = await definition_of(ctx, props)
        sent = {key: body[key] for key in ("template", "environment", "files")}
        try:
            async with asyncio.timeout(_PATIENCE):
                await cloud.orchestration.request("POST", "/validate", json=sent, idempotent=True)
        except (StackdError, TimeoutError) as error:
            what = f"Failed validating stack template using Heat endpoint at {place}"
            raise _refusal(what, error) from error

    async def create(self, ctx: Context, props: RemoteStackProps) -> None:
        """Make the stack. Nothing is rolled back: what failed is deleted and made anew."""
        cloud = await remote_cloud(ctx, props)
        body = {"stack_name": ctx.physical_name, "disable_rollback": True, **await definition_of(ctx, props)}
        reply = await cloud.orchestration.post("/stacks", body)
        await ctx.created(reply["stack"]["id"])

    async def find(self, ctx: Context, props: RemoteStackProps) -> Sequence[JSON]:
        """The stack of this name."""
        cloud = await remote_cloud(ctx, props)
        listed = await cloud.orchestration.get("/stacks", {"name": ctx.physical_name})
        return [each for each in listed["stacks"] if each["stack_name"] == ctx.physical_name]

    async def configure(self, ctx: Context, props: RemoteStackProps) -> None:
        """Keep the name, which is in the stack's path."""
        await ctx.put_data(**{NAME: ctx.physical_name})

    async def is_ready(self, ctx: Context, props: RemoteStackProps) -> bool:
        """Whether the stack has done what it was last told."""
        return has_done(await shown_stack(ctx), ctx.resource.action)

    async def update(self, ctx: Context, old: RemoteStackProps, new: RemoteStackProps) -> None:
        """Give the stack its new definition."""
        cloud = await remote_cloud(ctx, new)
        await cloud.orchestration.put(await stack_path(ctx, cloud), await definition_of(ctx, new))

    async def delete(self, ctx: Context, props: RemoteStackProps) -> None:
        """Delete the stack."""
        cloud = await remote_cloud(ctx, props)
        await cloud.orchestration.delete(await stack_path(ctx, cloud))

    async def is_gone(self, ctx: Context) -> bool:
        """Whether the stack no longer exists, or is shown as deleted."""
        try:
            return has_done(await shown_stack(ctx), Action.DELETE)
        except CloudNotFound:
            return True

    async def check(self, ctx: Context, props: RemoteStackProps) -> None:
        """Let the server of the stack check it."""
        try:
            await act(ctx, props, Action.CHECK)
        except CloudNotFound as error:
            raise ResourceFailure("The remote stack does not exist any more.") from error

    async def suspend(self, ctx: Context, props: RemoteStackProps) -> None:
        """Suspend the stack."""
        await act(ctx, props, Action.SUSPEND)

    async def resume(self, ctx: Context, props: RemoteStackProps) -> None:
        """Resume the stack."""
        await act(ctx, props, Action.RESUME)

    async def snapshot(self, ctx: Context, props: RemoteStackProps) -> None:
        """Let the server of the stack take a snapshot."""
        await ctx.put_data(**await take_snapshot(ctx, props))

    async def delete_snapshot(self, ctx: Context, kept: Mapping[str, Any]) -> None:
        """Remove a snapshot that ``snapshot`` took; it is gone with its stack."""
        if not ctx.resource.physical_id:
            return
        cloud = await remote_cloud(ctx, RemoteStackProps.load(ctx.resource.properties))
        with contextlib.suppress(CloudNotFound):
            path = f"{await stack_path(ctx, cloud)}/snapshots"
            identity = await copies.known_id(kept, SNAPSHOT_ID, partial(find_snapshot, cloud, path))
            if identity is not None:
                await cloud.orchestration.delete(f"{path}/{identity}")

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The properties that bring a snapshot back: the template and the parameters that it has."""
        found = {**properties, **{key: kept[key] for key in ("template", "parameters") if key in kept}}
        if not isinstance(found["template"], str):
            found["template"] = json.dumps(found["template"])
        return found


def _place(props: RemoteStackProps) -> str:
    """The other place, in a sentence."""
    where = props.context or RemoteContext.load({})
    return "remote cloud" if where.credential_secret_id else f'region "{where.region_name}"'


def _refusal(what: str, error: Exception) -> PropertyError:
    reason = str(error) or f"no answer within {_PATIENCE:g} s"
    return PropertyError(f'{what} due to "{reason}"', remedy="Correct the context or the template.")

"""OS::Heat::Stack, a stack in another region or another cloud."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from stackd.clients.cloud import Cloud
from stackd.clients.remote import Remote
from stackd.errors import CloudNotFound, PropertyError, ResourceFailure, ResourceInError, StackdError
from stackd.records import Action
from stackd.resources.attributes import LIVE, attr
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context, Probe, Reach, Reading
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.unknown import has_unknown

_NAME = "stack_name"
_PATIENCE = 30.0
"""Seconds that a request waits for each answer of the other server."""


class RemoteContext(Properties):
    """Where the stack is."""

    region_name: str | None = prop("The region; the stack's own where it is left out.")
    credential_secret_id: str | None = prop(
        "The id of a secret in Barbican with what signs in to another cloud: JSON with auth_type and auth.",
        update=IN_PLACE,
        since="12.0.0",
    )
    ca_cert: str | None = prop(
        "The text of the certificate by which the other cloud is trusted.", update=IN_PLACE, since="12.0.0"
    )
    insecure: bool = prop(
        "Whether the other cloud's certificate goes unchecked.",
        default=False,
        update=IN_PLACE,
        since="12.0.0",
    )


class RemoteStackProps(Properties):
    """Properties of ``OS::Heat::Stack``."""

    context: RemoteContext | None = prop("Where the stack is.", update=IN_PLACE)
    template: str = prop("The template, as text.", required=True, update=IN_PLACE)
    timeout: int | None = prop("Minutes that an action on the stack may take.", update=IN_PLACE)
    parameters: dict[str, Any] = prop("Values of the template's parameters.", default={}, update=IN_PLACE)


async def remote_cloud(ctx: Reach, props: RemoteStackProps) -> Cloud:
    """The cloud in which the stack is."""
    where = props.context or RemoteContext.load({})
    auth = None
    if where.credential_secret_id:
        identity = where.credential_secret_id.rstrip("/").rpartition("/")[2]
        if not re.fullmatch(r"[\w-]+", identity):
            raise ResourceFailure(f"{where.credential_secret_id!r:.200} is not the id of a secret.")
        path = f"/secrets/{identity}/payload"
        reply = await ctx.cloud.service("key-manager").request("GET", path, headers={"Accept": "*/*"})
        auth = _parsed(reply.content, where.credential_secret_id)
    return ctx.remote(Remote(where.region_name or "", auth, where.ca_cert or "", where.insecure))


def _place(props: RemoteStackProps) -> str:
    """The other place, in a sentence."""
    where = props.context or RemoteContext.load({})
    return "remote cloud" if where.credential_secret_id else f'region "{where.region_name}"'


def _refusal(what: str, error: Exception) -> PropertyError:
    reason = str(error) or f"no answer within {_PATIENCE:g} s"
    return PropertyError(f'{what} due to "{reason}"', remedy="Correct the context or the template.")


def _parsed(payload: bytes, secret: str) -> JSON:
    try:
        auth = json.loads(payload)
    except (ValueError, RecursionError):
        auth = None
    if not isinstance(auth, dict):
        raise ResourceFailure(f"The secret {secret} is not JSON with auth_type and auth.")
    return auth


async def _path(ctx: Reading, cloud: Cloud) -> str:
    """The path of the stack; the name of one that was not made here is looked up."""
    name = ctx.resource.data.get(_NAME)
    if name is None:
        listed = await cloud.orchestration.get("/stacks", {"id": ctx.physical_id})
        found = [each["stack_name"] for each in listed["stacks"] if each["id"] == ctx.physical_id]
        if not found:
            raise CloudNotFound(
                f"The stack {ctx.physical_id} is not there.", service="orchestration", status=404
            )
        name = found[0]
    return f"/stacks/{name}/{ctx.physical_id}"


async def shown_stack(ctx: Reading) -> JSON:
    """The stack as its own server shows it."""
    cloud = await remote_cloud(ctx, RemoteStackProps.load(ctx.resource.properties))
    reply = await cloud.orchestration.get(await _path(ctx, cloud))
    stack: JSON = reply["stack"]
    return stack


async def _stack_name(ctx: Reading) -> Any:
    return (await shown_stack(ctx))["stack_name"]


async def _outputs(ctx: Reading) -> Any:
    outputs = (await shown_stack(ctx)).get("outputs") or ()
    return {each["output_key"]: each.get("output_value") for each in outputs}


def has_done(stack: JSON, action: str) -> bool:
    """Whether a stack has completed an action; ``ResourceInError`` if that has failed."""
    doing, _, status = str(stack["stack_status"]).partition("_")
    if doing != action or status == "IN_PROGRESS":
        return False
    if status == "FAILED":
        reason = stack.get("stack_status_reason") or "Unknown"
        raise ResourceInError(f'Went to status {stack["stack_status"]} due to "{reason}"')
    return True


@resource_type("OS::Heat::Stack")
class RemoteStack(ResourceType[RemoteStackProps]):
    """A stack that another orchestration server makes: in another region, or in a cloud with other users.

    Files and the environment of the stack around it go along, but for parameters.
    """

    awaits_deletion = True
    checkable = True
    snapshots = False
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
        body = await _definition(ctx, props)
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
        body = {"stack_name": ctx.physical_name, "disable_rollback": True, **await _definition(ctx, props)}
        reply = await cloud.orchestration.post("/stacks", body)
        await ctx.created(reply["stack"]["id"])

    async def find(self, ctx: Context, props: RemoteStackProps) -> Sequence[JSON]:
        """The stack of this name."""
        cloud = await remote_cloud(ctx, props)
        listed = await cloud.orchestration.get("/stacks", {"name": ctx.physical_name})
        return [each for each in listed["stacks"] if each["stack_name"] == ctx.physical_name]

    async def configure(self, ctx: Context, props: RemoteStackProps) -> None:
        """Keep the name, which is in the stack's path."""
        await ctx.put_data(**{_NAME: ctx.physical_name})

    async def is_ready(self, ctx: Context, props: RemoteStackProps) -> bool:
        """Whether the stack has done what it was last told."""
        return has_done(await shown_stack(ctx), ctx.resource.action)

    async def update(self, ctx: Context, old: RemoteStackProps, new: RemoteStackProps) -> None:
        """Give the stack its new definition."""
        cloud = await remote_cloud(ctx, new)
        await cloud.orchestration.put(await _path(ctx, cloud), await _definition(ctx, new))

    async def delete(self, ctx: Context, props: RemoteStackProps) -> None:
        """Delete the stack."""
        cloud = await remote_cloud(ctx, props)
        await cloud.orchestration.delete(await _path(ctx, cloud))

    async def is_gone(self, ctx: Context) -> bool:
        """Whether the stack no longer exists, or is shown as deleted."""
        try:
            return has_done(await shown_stack(ctx), Action.DELETE)
        except CloudNotFound:
            return True

    async def check(self, ctx: Context, props: RemoteStackProps) -> None:
        """Let the server of the stack check it."""
        try:
            await _act(ctx, props, Action.CHECK)
        except CloudNotFound as error:
            raise ResourceFailure("The remote stack does not exist any more.") from error

    async def suspend(self, ctx: Context, props: RemoteStackProps) -> None:
        """Suspend the stack."""
        await _act(ctx, props, Action.SUSPEND)

    async def resume(self, ctx: Context, props: RemoteStackProps) -> None:
        """Resume the stack."""
        await _act(ctx, props, Action.RESUME)

    async def snapshot(self, ctx: Context, props: RemoteStackProps) -> Mapping[str, Any]:
        """Let the server of the stack take a snapshot; what is returned is kept with the snapshot here."""
        cloud = await remote_cloud(ctx, props)
        path = f"{await _path(ctx, cloud)}/snapshots"
        snapshot_id = ctx.data.get("snapshot_id") or await _new_snapshot(ctx, cloud, path)
        await ctx.put_data(snapshot_id=snapshot_id)
        data: JSON = {}

        async def done() -> bool:
            nonlocal data
            found = (await cloud.orchestration.get(f"{path}/{snapshot_id}"))["snapshot"]
            data = found.get("data") or {}
            if found["status"] == "FAILED":
                raise ResourceFailure(f"The remote snapshot failed: {found.get('status_reason')}")
            return bool(found["status"] == "COMPLETE")

        await ctx.until(done, "the remote snapshot is COMPLETE")
        await ctx.put_data(snapshot_id=None)
        environment = data.get("environment") or {}
        kept = {"template": data.get("template"), "parameters": environment.get("parameters")}
        return {"snapshot_id": snapshot_id, **{key: value for key, value in kept.items() if value}}

    async def delete_snapshot(self, ctx: Context, kept: Mapping[str, Any]) -> None:
        """Remove a snapshot that ``snapshot`` took."""
        cloud = await remote_cloud(ctx, RemoteStackProps.load(ctx.resource.properties))
        with contextlib.suppress(CloudNotFound):
            await cloud.orchestration.delete(f"{await _path(ctx, cloud)}/snapshots/{kept['snapshot_id']}")

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The properties that bring a snapshot back: the template and the parameters that it has."""
        found = {**properties, **{key: kept[key] for key in ("template", "parameters") if key in kept}}
        if not isinstance(found["template"], str):
            found["template"] = json.dumps(found["template"])
        return found


async def _new_snapshot(ctx: Context, cloud: Cloud, path: str) -> str:
    """The id of a new snapshot, or of the one that was begun before a crash."""
    listed = (await cloud.orchestration.get(path))["snapshots"]
    begun = [each for each in listed if each["name"] == ctx.physical_name and each["status"] == "IN_PROGRESS"]
    made = begun[0] if begun else await cloud.orchestration.post(path, {"name": ctx.physical_name})
    return str(made.get("snapshot", made)["id"])


async def _definition(ctx: Probe, props: RemoteStackProps) -> JSON:
    """What the stack should be, as its server takes it."""
    environment, files = await ctx.inherited()
    return {
        "template": props.template,
        "parameters": dict(props.parameters),
        "environment": environment,
        "files": dict(files),
        **({"timeout_mins": props.timeout} if props.timeout else {}),
    }


async def _act(ctx: Context, props: RemoteStackProps, action: Action) -> None:
    """Start an action on the stack, unless it runs already, and wait until it is done."""
    cloud = await remote_cloud(ctx, props)
    path = await _path(ctx, cloud)
    before = await shown_stack(ctx)
    if before["stack_status"] != f"{action}_IN_PROGRESS":
        if before["stack_status"] == f"{action}_COMPLETE" and action is not Action.CHECK:
            return
        await cloud.orchestration.post(f"{path}/actions", {action.lower(): None})

    async def done() -> bool:
        return has_done(await shown_stack(ctx), action)

    await ctx.until(done, f"the remote stack is {action}_COMPLETE")

"""Calls of the server that has a remote stack."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

from stackd.clients.cloud import Cloud
from stackd.clients.remote import Remote
from stackd.errors import CloudNotFound, ResourceFailure, ResourceInError
from stackd.records import Action
from stackd.resources import copies
from stackd.resources.context import JSON, Context, Probe, Reach, Reading
from stackd.resources.heat.remote_props import RemoteContext, RemoteStackProps

SNAPSHOT_ID = "snapshot_id"

NAME = "stack_name"
"""The private value with the name of the stack, which is in its path."""


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


def _parsed(payload: bytes, secret: str) -> JSON:
    try:
        auth = json.loads(payload)
    except (ValueError, RecursionError):
        auth = None
    if not isinstance(auth, dict):
        raise ResourceFailure(f"The secret {secret} is not JSON with auth_type and auth.")
    return auth


async def stack_path(ctx: Reading, cloud: Cloud) -> str:
    """The path of the stack; the name of one that was not made here is looked up."""
    name = ctx.resource.data.get(NAME)
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
    reply = await cloud.orchestration.get(await stack_path(ctx, cloud))
    stack: JSON = reply["stack"]
    return stack


def has_done(stack: JSON, action: str) -> bool:
    """Whether a stack has completed an action; ``ResourceInError`` if that has failed."""
    doing, _, status = str(stack["stack_status"]).partition("_")
    if doing != action or status == "IN_PROGRESS":
        return False
    if status == "FAILED":
        reason = stack.get("stack_status_reason") or "Unknown"
        raise ResourceInError(f'Went to status {stack["stack_status"]} due to "{reason}"')
    return True


async def definition_of(ctx: Probe, props: RemoteStackProps) -> JSON:
    """What the stack should be, as its server takes it."""
    environment, files = await ctx.inherited()
    return {
        "template": props.template,
        "parameters": dict(props.parameters),
        "environment": environment,
        "files": dict(files),
        **({"timeout_mins": props.timeout} if props.timeout else {}),
    }


async def act(ctx: Context, props: RemoteStackProps, action: Action) -> None:
    """Start an action on the stack, unless it runs already, and wait until it is done."""
    cloud = await remote_cloud(ctx, props)
    path = await stack_path(ctx, cloud)
    before = await shown_stack(ctx)
    if before["stack_status"] != f"{action}_IN_PROGRESS":
        if before["stack_status"] == f"{action}_COMPLETE" and action is not Action.CHECK:
            return
        await cloud.orchestration.post(f"{path}/actions", {action.lower(): None})

    async def done() -> bool:
        return has_done(await shown_stack(ctx), action)

    await ctx.until(done, f"the remote stack is {action}_COMPLETE")


async def take_snapshot(ctx: Context, props: RemoteStackProps) -> dict[str, Any]:
    """The id of a new snapshot of the stack, and the definition that it has."""
    cloud = await remote_cloud(ctx, props)
    path = f"{await stack_path(ctx, cloud)}/snapshots"
    name = copies.snapshot_name(ctx)

    async def begin() -> str:
        made = await cloud.orchestration.post(path, {"name": name})
        return str(made.get("snapshot", made)["id"])

    find = partial(find_snapshot, cloud, path)
    snapshot_id = await copies.copied(ctx, SNAPSHOT_ID, name, find, begin)
    data: JSON = {}

    async def done() -> bool:
        nonlocal data
        found = (await cloud.orchestration.get(f"{path}/{snapshot_id}"))["snapshot"]
        data = found.get("data") or {}
        if found["status"] == "FAILED":
            raise ResourceFailure(f"The remote snapshot failed: {found.get('status_reason')}")
        return bool(found["status"] == "COMPLETE")

    await ctx.until(done, "the remote snapshot is COMPLETE")
    environment = data.get("environment") or {}
    kept = {"template": data.get("template"), "parameters": environment.get("parameters")}
    return {SNAPSHOT_ID: snapshot_id, **{key: value for key, value in kept.items() if value}}


async def find_snapshot(cloud: Cloud, path: str, name: str) -> str | None:
    """The id of the snapshot with a name."""
    return copies.first_of((await cloud.orchestration.get(path))["snapshots"], name=name)

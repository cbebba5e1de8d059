"""Software deployments: bringing a configuration to a server, and waiting for what its guest signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from stackd.errors import CloudNotFound, PropertyError, ResourceFailure
from stackd.records import SoftwareConfig, SoftwareDeployment
from stackd.resources.context import Context
from stackd.resources.follows import Siblings
from stackd.resources.heat import guests
from stackd.resources.heat.addresses import signed_url
from stackd.resources.heat.software import config_content, decisive_inputs, derived_inputs, outcome
from stackd.resources.heat.software_config import UNGROUPED
from stackd.resources.heat.transports import FORMAT
from stackd.template.unknown import Unknown

IN_PROGRESS, COMPLETE, FAILED = "IN_PROGRESS", "COMPLETE", "FAILED"
_LOGIN = ("auth_url", "username", "user_id", "password", "project_id", "region_name")


class DeploymentFailed(ResourceFailure):
    """The guest signalled that what it was to do failed; under the name that it has in Heat."""

    wire_type = "Error"


def require_software_config(server: Any, siblings: Siblings, path: str) -> None:
    """Refuse a server of the stack whose user data do not let it get deployments."""
    if not isinstance(server, Unknown) or server.path:
        return
    sibling = siblings.named(server.resource)
    given = sibling.properties.get("user_data_format", FORMAT) if sibling else FORMAT
    if given != FORMAT and not isinstance(given, Unknown):
        raise PropertyError(
            f"The server {server.resource} gets no software deployments: its user_data_format is {given}.",
            path=path,
            remedy=f"Set user_data_format of {server.resource} to {FORMAT}.",
        )


def handles(source: SoftwareConfig | None, actions: list[Any], action: str) -> bool:
    """Whether an action of the stack is one that deploys; a component says itself which are."""
    if source is not None and source.group == "component":
        configs = (source.content.get("config") or {}).get("configs") or ()
        return any(action in (each.get("actions") or ("CREATE", "UPDATE")) for each in configs)
    return action in actions


async def source_of(ctx: Context, config_id: str | None) -> SoftwareConfig | None:
    """The configuration that is to be deployed."""
    if not config_id:
        return None
    found = await ctx.software.config(config_id)
    if found is None:
        raise PropertyError(
            f"The software config {config_id} does not exist.",
            path="properties.config",
            remedy="Refer to a resource of the stack, or give the id of a config of the project.",
        )
    return found


async def deploy(ctx: Context, props: Any, source: SoftwareConfig | None, config: Any, action: str) -> None:
    """Bring ``config`` to the server with its inputs' values; an action that is resumed has done so once."""
    before = await ctx.software.deployment()
    if before is not None and before.action == action and await _is_of_this_action(ctx, before):
        return
    content = dict(source.content) if source else config_content({})
    added = await _added(ctx, props, action)
    values = props.data.get("input_values") or {}
    decisive = decisive_inputs(content, values)
    if decisive != ctx.data.get("decisive_inputs", {}):
        await ctx.put_data(decisive_inputs=decisive)
    content["inputs"] = derived_inputs(content["inputs"], values, added)
    content["config"] = config
    silent = props.signal_transport == "NO_SIGNAL"
    name = props.data.get("name") or (source and source.name) or ctx.physical_name
    user = ctx.data.get("stack_user") or {}
    await ctx.software.deploy(
        str(name),
        (source and source.group) or UNGROUPED,
        content,
        server_id=props.server,
        user_project_id=user.get("project_id"),
        action=action,
        status=COMPLETE if silent else IN_PROGRESS,
        status_reason="Not waiting for outputs signal" if silent else "Deploy data available",
        input_values=dict(values),
    )


async def _is_of_this_action(ctx: Context, deployment: SoftwareDeployment) -> bool:
    """Whether a resource was deployed after the intent of what is done to it now."""
    config = await ctx.software.config(deployment.config_id)
    intended = ctx.resource.updated_at or ctx.resource.created_at
    return config is not None and config.created_at >= intended


async def _added(ctx: Context, props: Any, action: str) -> dict[str, Any]:
    """What the guest has to know of the deployment and of the way back."""
    transport = props.signal_transport
    added: dict[str, Any] = {
        "deploy_server_id": props.server,
        "deploy_action": action,
        "deploy_stack_id": f"{ctx.stack.name}/{ctx.stack.id}",
        "deploy_resource_name": ctx.resource.name,
        "deploy_signal_transport": transport,
    }
    if transport == "TEMP_URL_SIGNAL":
        container, name = ctx.stack.id, ctx.physical_name
        await ctx.put_data(object_name=name)
        await guests.prepare_object(ctx, container, name, keep_all=False)
        url = await guests.object_url(ctx, container, name)
        return {**added, "deploy_signal_id": url, "deploy_signal_verb": "PUT"}
    user = await ctx.users.make(keypair=transport == "CFN_SIGNAL")
    if transport == "CFN_SIGNAL":
        url = signed_url(ctx.endpoints, ctx.stack, ctx.resource.name, user)
        return {**added, "deploy_signal_id": url, "deploy_signal_verb": "POST"}
    login = guests.credentials(ctx, user)
    if transport in ("HEAT_SIGNAL", "ZAQAR_SIGNAL"):
        added |= {f"deploy_{key}": login[key] for key in _LOGIN}
    if transport == "ZAQAR_SIGNAL":
        await ctx.put_data(queue_id=ctx.physical_name)
        await guests.make_queue(ctx, login, ctx.physical_name)
        added["deploy_queue_id"] = ctx.physical_name
    return added


async def wait(ctx: Context) -> None:
    """Return when the guest has signalled success; its failure is the resource's."""
    while True:
        deployment = await ctx.software.deployment()
        if deployment is None or deployment.status == COMPLETE:
            break
        if deployment.status == FAILED:
            await _keep_outputs(ctx)
            raise DeploymentFailed(f"Deployment to server failed: {deployment.status_reason}")
        if not await _fetch(ctx):
            what = f"server {deployment.server_id} has signalled the outcome"
            await ctx.signalled(what, own=True)
    await _keep_outputs(ctx)


async def _fetch(ctx: Context) -> bool:
    """Take the newest signal that lies where the guest put it; whether there was one."""
    if "object_name" in ctx.data:
        store, name = ctx.cloud.object_store, ctx.data["object_name"]
        found = await guests.written_object(store, ctx.stack.id, name, guests.largest(ctx))
        if found is not None:
            await take(ctx, found)
        return found is not None
    if "queue_id" not in ctx.data:
        return False
    seen: dict[str, Any] = {}
    await guests.messages(ctx, ctx.data["stack_user"], ctx.data["queue_id"], seen)
    taken = ctx.data.get("taken") or []
    fresh = [key for key in seen if key not in taken]
    if fresh:
        await take(ctx, seen[fresh[-1]], taken=[*taken, *fresh])
    return bool(fresh)


async def is_there(ctx: Context, server_id: str) -> bool:
    """Whether a server can still undo something: it is neither gone nor about to go."""
    server = await ctx.software.server(server_id)
    if server is not None:
        return server.action != "DELETE"
    try:
        live = (await ctx.cloud.compute.get(f"/servers/{quote(server_id, safe='')}"))["server"]
    except CloudNotFound:
        return False
    return str(live["status"]) not in ("DELETED", "SOFT_DELETED", "ERROR")


def waits(deployment: SoftwareDeployment) -> bool:
    """Whether the guest has not answered yet. Clients set any status, of which these two are an end."""
    return deployment.status not in (COMPLETE, FAILED)


async def cancel(ctx: Context) -> None:
    """Nobody waits for the guest any more: the deployment has failed."""
    deployment = await ctx.software.deployment()
    if deployment is not None and waits(deployment):
        await ctx.software.change(status=FAILED, status_reason="Deployment cancelled.")


async def take(ctx: Context, details: Any, **data: Any) -> str | None:
    """Store what a guest signalled, in one with private values, if the deployment waits for it."""
    deployment = await ctx.software.deployment()
    if deployment is None or not waits(deployment):
        return None
    config = await ctx.software.config(deployment.config_id)
    given = details if isinstance(details, Mapping) else {}
    status, reason, values = outcome(config.content["outputs"] if config else (), given)
    await ctx.software.change(data, status=status, status_reason=reason, output_values=values)
    if status == FAILED:
        code = given.get("deploy_status_code")
        return f"deployment {deployment.id} failed" + (f" ({code})" if code else "")
    return f"deployment {deployment.id} succeeded"


async def _keep_outputs(ctx: Context) -> None:
    """Let attributes show what the guest gave; an output that it did not give is null."""
    deployment = await ctx.software.deployment()
    config = await ctx.software.config(deployment.config_id) if deployment else None
    if deployment is not None:
        names = [each["name"] for each in config.content["outputs"]] if config else []
        await ctx.put_data(outputs={**dict.fromkeys(names), **(deployment.output_values or {})})


async def declare(ctx: Context, source: SoftwareConfig | None) -> None:
    """Let attributes show the outputs of a configuration; null until a guest has given them."""
    kept = ctx.data.get("outputs") or {}
    names = [each["name"] for each in source.content["outputs"]] if source else []
    if not kept.keys() >= set(names):
        await ctx.put_data(outputs={**dict.fromkeys(names), **kept})


async def withdraw(ctx: Context) -> None:
    """Remove the deployment, the ways of its signals, and its user."""
    deployment = await ctx.software.deployment()
    await ctx.software.withdraw()
    if deployment is not None:
        await ctx.software.publish(deployment.server_id)
    if "object_name" in ctx.data:
        await guests.remove_object(ctx, ctx.stack.id, ctx.data["object_name"])
    if "queue_id" in ctx.data and "stack_user" in ctx.data:
        await guests.remove_queue(ctx, ctx.data["stack_user"], ctx.data["queue_id"])
    await ctx.users.remove()

"""Software deployments: bringing a configuration to a server, and waiting for what its guest signals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stackd.errors import PropertyError, ResourceFailure
from stackd.records import SoftwareConfig
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
    """Bring ``config`` to the server with its inputs' values; a deployment that is under way stays."""
    before = await ctx.software.deployment()
    if before is not None and (before.action, before.status) == (action, IN_PROGRESS):
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
    user = await ctx.stack_user(keypair=transport == "CFN_SIGNAL")
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


async def push(ctx: Context, server_id: str) -> None:
    """Send what the server is to do to where it polls, unless it polls stackd."""
    server = await ctx.sibling(server_id)
    if server is None:
        return
    data = server.data
    if not {"metadata_object_name", "metadata_queue_id"} & data.keys():
        return
    body = {**server.metadata, "deployments": await ctx.software.of_server(server_id)}
    if "metadata_object_name" in data:
        path = f"/{data['metadata_container']}/{data['metadata_object_name']}"
        await ctx.cloud.object_store.request("PUT", path, content=json.dumps(body))
    else:
        await guests.send_message(ctx, data["metadata_login"], data["metadata_queue_id"], body)


async def wait(ctx: Context) -> None:
    """Return when the guest has signalled success; its failure is the resource's."""
    while True:
        deployment = await ctx.software.deployment()
        if deployment is None or deployment.status == COMPLETE:
            break
        if deployment.status == FAILED:
            await _keep_outputs(ctx)
            raise ResourceFailure(f"Deployment to server failed: {deployment.status_reason}")
        for details in await _lying(ctx):
            await take(ctx, details)
            break
        else:
            await ctx.signalled(f"server {deployment.server_id} has signalled the outcome")
    await _keep_outputs(ctx)


async def _lying(ctx: Context) -> list[Any]:
    """Signals that lie where the guest put them: the newest in an object, those in a queue not taken yet."""
    if "object_name" in ctx.data:
        return (await guests.written_objects(ctx, ctx.stack.id, ctx.data["object_name"]))[-1:]
    if "queue_id" not in ctx.data:
        return []
    user = ctx.data["stack_user"]
    seen: dict[str, Any] = {}
    await guests.messages(ctx, user, ctx.data["queue_id"], seen)
    taken = ctx.data.get("taken") or []
    fresh = [key for key in seen if key not in taken]
    if not fresh:
        return []
    await ctx.put_data(taken=[*taken, *fresh])
    return [seen[fresh[-1]]]


async def take(ctx: Context, details: Any) -> str | None:
    """Store what a guest signalled; nothing unless the deployment waits for it."""
    deployment = await ctx.software.deployment()
    if deployment is None or deployment.status != IN_PROGRESS:
        return None
    config = await ctx.software.config(deployment.config_id)
    given = details if isinstance(details, Mapping) else {}
    status, reason, values = outcome(config.content["outputs"] if config else (), given)
    await ctx.software.change(status=status, status_reason=reason, output_values=values)
    if status == FAILED:
        return f"deployment {deployment.id} failed ({given.get('deploy_status_code')})"
    return f"deployment {deployment.id} succeeded"


async def _keep_outputs(ctx: Context) -> None:
    """Let attributes show what the guest gave; an output that it did not give is null."""
    deployment = await ctx.software.deployment()
    config = await ctx.software.config(deployment.config_id) if deployment else None
    if deployment is not None:
        names = [each["name"] for each in config.content["outputs"]] if config else []
        await ctx.put_data(outputs={**dict.fromkeys(names), **(deployment.output_values or {})})


async def withdraw(ctx: Context) -> None:
    """Remove the deployment, the ways of its signals, and its user."""
    deployment = await ctx.software.deployment()
    await ctx.software.withdraw()
    if deployment is not None:
        await push(ctx, deployment.server_id)
    if "object_name" in ctx.data:
        await guests.remove_object(ctx, ctx.stack.id, ctx.data["object_name"])
    if "queue_id" in ctx.data and "stack_user" in ctx.data:
        await guests.remove_queue(ctx, ctx.data["stack_user"], ctx.data["queue_id"])
    await ctx.remove_stack_user()

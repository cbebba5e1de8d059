"""Software configurations and deployments: stored, listed, changed, and read by the guests of servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from stackd.auth.policy import EVERY_PROJECT
from stackd.db import resources, software, stacks
from stackd.db.journal import Insert, Remove, Update
from stackd.engine.definition.types import handler_of
from stackd.engine.usecases.access import GUEST
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.signals import is_made_for, work_outside
from stackd.errors import (
    BadRequest,
    CloudError,
    EntityNotFound,
    Fenced,
    Forbidden,
    RequestLimitExceeded,
    ResourceFailure,
)
from stackd.records import Caller, SoftwareConfig, SoftwareDeployment, new_id, now
from stackd.resources.heat import guests, transports
from stackd.resources.heat.deployments import waits
from stackd.resources.heat.software import config_content, error_in_content, outcome

_CHANGEABLE: Final = ("config_id", "input_values", "output_values", "action", "status", "status_reason")
_LONGEST_PROJECT: Final = 64


def _reach(engine: Engine, caller: Caller) -> str | None:
    """The project whose records the caller may reach, None for those of all."""
    return None if engine.policy.is_admin(caller) else caller.project_id


# --- configurations ----------------------------------------------------------------------------


async def create_config(engine: Engine, caller: Caller, body: Mapping[str, Any]) -> SoftwareConfig:
    """Store a configuration."""
    engine.policy.enforce(caller, "software_configs:create")
    if error := error_in_content(body):
        raise BadRequest(error)
    most = engine.limits.max_software_configs_per_tenant
    await _refuse_too_many(engine, caller, SoftwareConfig, most, "software configs")
    config = SoftwareConfig(
        id=new_id(),
        project_id=caller.project_id,
        name=body.get("name"),
        group=body.get("group"),
        created_at=now(),
        content=config_content(body),
    )
    await engine.services.journal.write(Insert(config))
    return config


async def configs(
    engine: Engine, caller: Caller, *, marker: str | None, limit: int | None, everywhere: bool
) -> list[SoftwareConfig]:
    """The configurations of the project, or of all, newest first, without their contents."""
    if everywhere:
        engine.policy.enforce(caller, "software_configs:global_index", EVERY_PROJECT)
    else:
        engine.policy.enforce(caller, "software_configs:index")
    project = None if everywhere else caller.project_id
    after = await software.config(engine.services.db, marker, project) if marker else None
    if marker and after is None:
        raise EntityNotFound("Software Config", marker)
    return await software.configs(engine.services.db, project, after=after, limit=limit)


async def config(
    engine: Engine, caller: Caller, config_id: str, *, rule: str = "software_configs:show"
) -> SoftwareConfig:
    """One configuration."""
    engine.policy.enforce(caller, rule)
    found = await software.config(engine.services.db, config_id, _reach(engine, caller))
    if found is None:
        raise EntityNotFound("Software Config", config_id)
    return found


async def delete_config(engine: Engine, caller: Caller, config_id: str) -> None:
    """Remove a configuration that no deployment uses."""
    found = await config(engine, caller, config_id, rule="software_configs:delete")
    if not await software.remove_config(engine.services.db, found.id):
        raise BadRequest(
            f"The software config {found.id} is used by a deployment. Delete that deployment first."
        )


async def _refuse_too_many(
    engine: Engine,
    caller: Caller,
    kind: type[SoftwareConfig] | type[SoftwareDeployment],
    most: int,
    what: str,
) -> None:
    if most < 0 or engine.policy.is_admin(caller):
        return
    if await software.count(engine.services.db, kind, caller.project_id) >= most:
        raise RequestLimitExceeded(
            f"Request limit exceeded: You have reached the maximum {what} per project ({most}). "
            f"Please delete some {what}."
        )


# --- deployments -------------------------------------------------------------------------------


async def create_deployment(engine: Engine, caller: Caller, body: Mapping[str, Any]) -> SoftwareDeployment:
    """Deploy a configuration to a server."""
    engine.policy.enforce(caller, "software_deployments:create")
    _check_texts(body, "config_id", "server_id", "action", "status", "status_reason", "stack_user_project_id")
    for name in ("config_id", "server_id"):
        if not body.get(name):
            raise BadRequest(f"A software deployment needs {name}. Add it to the request.")
    project = body.get("stack_user_project_id")
    if project and len(project) > _LONGEST_PROJECT:
        raise BadRequest(f"stack_user_project_id is longer than {_LONGEST_PROJECT} characters.")
    await _require_config(engine, caller, body["config_id"])
    most = engine.limits.max_software_deployments_per_tenant
    await _refuse_too_many(engine, caller, SoftwareDeployment, most, "software deployments")
    deployment = SoftwareDeployment(
        id=new_id(),
        project_id=caller.project_id,
        user_project_id=project,
        server_id=body["server_id"],
        config_id=body["config_id"],
        action=body.get("action"),
        status=body.get("status"),
        status_reason=body.get("status_reason"),
        input_values=body.get("input_values"),
        created_at=now(),
    )
    await engine.services.journal.write(Insert(deployment))
    await _publish(engine, deployment)
    return deployment


async def deployments(engine: Engine, caller: Caller, server_id: str | None) -> list[SoftwareDeployment]:
    """The deployments of the project, or those to one server, oldest first."""
    engine.policy.enforce(caller, "software_deployments:index")
    return await software.deployments(engine.services.db, caller.project_id, server_id)


async def deployment(
    engine: Engine, caller: Caller, deployment_id: str, *, rule: str = "software_deployments:show"
) -> SoftwareDeployment:
    """One deployment."""
    engine.policy.enforce(caller, rule)
    found = await software.deployment(engine.services.db, deployment_id, _reach(engine, caller))
    if found is None:
        raise EntityNotFound("Software Deployment", deployment_id)
    return found


async def shown_deployment(engine: Engine, caller: Caller, deployment_id: str) -> SoftwareDeployment:
    """One deployment, with what its guest has written to the object that it was given for its signal."""
    found = await deployment(engine, caller, deployment_id)
    if not waits(found) or found.project_id != caller.project_id:
        return found
    config = await software.config(engine.services.db, found.config_id, found.project_id)
    place = _signal_object(config) if config is not None else None
    if config is None or place is None:
        return found
    store, most = engine.trusts.of_caller(caller).object_store, engine.limits.max_json_body_size
    try:
        details = await guests.written_object(store, *place, most, unwritten=(guests.MARKER, b""))
    except (CloudError, ResourceFailure):  # what cannot be read is not there yet
        return found
    if not isinstance(details, Mapping):
        return found
    status, reason, values = outcome(config.content["outputs"], details)
    changed: dict[str, Any] = {"status": status, "status_reason": reason, "output_values": values}
    changed["updated_at"] = now()
    change = Update(SoftwareDeployment, found.id, changed, where={"config_id": found.config_id})
    try:
        await engine.services.journal.write(change)
    except Fenced:
        return await deployment(engine, caller, deployment_id)
    return replace(found, **changed)


def _signal_object(config: SoftwareConfig) -> tuple[str, str] | None:
    """The object in Swift to which the guest of a deployment writes its signal."""
    inputs = {each["name"]: each.get("value") for each in config.content["inputs"]}
    if inputs.get("deploy_signal_transport") != "TEMP_URL_SIGNAL":
        return None
    return guests.object_at(str(inputs.get("deploy_signal_id")))


async def update_deployment(
    engine: Engine, caller: Caller, deployment_id: str, body: Mapping[str, Any]
) -> SoftwareDeployment:
    """Change a deployment; what is missing, null or empty in the request stays as it is."""
    found = await deployment(engine, caller, deployment_id, rule="software_deployments:update")
    _check_texts(body, "config_id", "action", "status", "status_reason")
    values = {name: body[name] for name in _CHANGEABLE if body.get(name)}
    if not values:
        return found
    if "config_id" in values:
        await _require_config(engine, caller, values["config_id"])
    values["updated_at"] = now()
    await engine.services.journal.write(Update(SoftwareDeployment, found.id, values))
    if "config_id" in values:
        await _publish(engine, found)
    return replace(found, **values)


async def delete_deployment(engine: Engine, caller: Caller, deployment_id: str) -> None:
    """Remove a deployment; its server no longer sees it."""
    found = await deployment(engine, caller, deployment_id, rule="software_deployments:delete")
    await engine.services.journal.write(Remove(SoftwareDeployment, found.id))
    await _publish(engine, found)


async def _publish(engine: Engine, deployment: SoftwareDeployment) -> None:
    """Let the server of a deployment know, if a stack of the project has it and it polls somewhere else."""
    services, server_id = engine.services, deployment.server_id
    for row in await resources.with_physical_id(services.db, server_id):
        stack = await stacks.get(services.db, row.stack_id, deployment.project_id)
        if stack is not None and transports.sends(row):
            await services.registry.ready([row.kind])
            kind = handler_of(row, services.registry, {})
            work = await work_outside(engine, stack, row, kind)
            await work.software.publish(server_id)
            return


async def of_server(engine: Engine, caller: Caller, server_id: str) -> Sequence[SoftwareConfig]:
    """What a server is to do, by the names of the configurations; a guest reads only its own server's."""
    engine.policy.enforce(caller, "software_deployments:metadata")
    if GUEST in caller.roles and not {"reader", "member", "admin"} & set(caller.roles):
        rows = await resources.with_physical_id(engine.services.db, server_id)
        if rows and not any(is_made_for(caller, row) for row in rows):
            raise Forbidden("You are not authorized to read the deployments of this server.")
    return await software.of_server(engine.services.db, server_id, _reach(engine, caller))


async def _require_config(engine: Engine, caller: Caller, config_id: str) -> None:
    if await software.config(engine.services.db, config_id, _reach(engine, caller)) is None:
        raise BadRequest(f"The software config {config_id} does not exist. Create it first.")


def _check_texts(body: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(body.get(name), str | None):
            raise BadRequest(f"The value of '{name}' has the wrong type: {type(body[name]).__name__}.")

"""Stacks with software deployments, and what the agents in their servers see of them."""

from __future__ import annotations

import contextlib
from typing import Any

from tests.routers.conftest import Api
from tests.scenarios.agent import Agent
from tests.support.engine import World
from tests.support.waiting import until


def machine(transport: str = "POLL_SERVER_HEAT") -> dict[str, Any]:
    return {"type": "OS::Heat::DeployedServer", "properties": {"software_config_transport": transport}}


def config(**more: Any) -> dict[str, Any]:
    outputs = [{"name": "result"}, {"name": "trouble", "error_output": True}]
    fixed = {"group": "script", "config": "up", "inputs": [{"name": "who"}], "outputs": outputs}
    return {"type": "OS::Heat::SoftwareConfig", "properties": fixed | more}


def deployment(how: str, **more: Any) -> dict[str, Any]:
    fixed = {"config": {"get_resource": "config"}, "server": {"get_resource": "machine"}}
    return {"type": "OS::Heat::SoftwareDeployment", "properties": fixed | {"signal_transport": how} | more}


async def begin(api: Api, name: str, template: Any, **more: Any) -> str:
    answer = await api.call("POST", "/stacks", {"stack_name": name, "template": template, **more})
    assert answer.status_code == 201, answer.text
    return f"/stacks/{name}/{answer.json()['stack']['id']}"


async def change(api: Api, path: str, template: Any, **more: Any) -> None:
    answer = await api.call("PUT", path, {"template": template, **more})
    assert answer.status_code == 202, answer.text


async def section(api: Api, path: str) -> dict[str, Any]:
    """The settings that somebody copies to the machine."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        answer = await api.call("GET", f"{path}/resources/machine")
        if answer.status_code == 200 and answer.json()["resource"]["resource_status"] == "CREATE_COMPLETE":
            found[:] = [answer.json()["resource"]["attributes"]["os_collect_config"]]
        return bool(found)

    await until(is_there)
    return found[0]


async def pending(guest: Agent, settings: Any, count: int = 1) -> list[dict[str, Any]]:
    """The deployments that the agent has not run yet, once there are so many."""
    found: list[dict[str, Any]] = []

    async def are_there() -> bool:
        with contextlib.suppress(PermissionError):
            if (metadata := await guest.collect(settings)) is not None:
                found[:] = guest.pending(metadata)
        return len(found) >= count

    await until(are_there)
    return found


async def record_of(api: Api, path: str, resource: str) -> dict[str, Any]:
    """The deployment that a resource stands for, as the API shows it."""
    row = (await api.get(f"{path}/resources/{resource}"))["resource"]
    answer = await api.get(f"/software_deployments/{row['physical_resource_id']}")
    return dict(answer["software_deployment"])


def value(config: dict[str, Any], name: str) -> Any:
    return {each["name"]: each["value"] for each in config["inputs"]}.get(name)


async def attributes(api: Api, path: str, resource: str) -> Any:
    return (await api.get(f"{path}/resources/{resource}"))["resource"]["attributes"]


def is_clean(made: World) -> bool:
    """Whether nothing is left of users, queues and objects."""
    return {"users", "queues", "containers", "objects"}.isdisjoint(made.counts())

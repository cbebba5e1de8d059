"""Software deployments and the servers that they go to: machines, groups under old names, and replacement."""

from __future__ import annotations

from typing import Any

import pytest

from tests.routers.conftest import Api
from tests.support.templates import hot

pytestmark = pytest.mark.asyncio(loop_scope="module")

MACHINE = {"type": "OS::Heat::DeployedServer"}


def config(**more: Any) -> dict[str, Any]:
    inputs = [{"name": "role", "replace_on_change": True, "default": "web"}, {"name": "size"}]
    return {"type": "OS::Heat::SoftwareConfig", "properties": {"config": "up", "inputs": inputs, **more}}


def deployment(server: Any, **more: Any) -> dict[str, Any]:
    fixed = {"config": {"get_resource": "config"}, "server": server, "signal_transport": "NO_SIGNAL"}
    return {"type": "OS::Heat::SoftwareDeployment", "properties": fixed | more}


async def ids(api: Api, path: str) -> dict[str, str]:
    rows = (await api.get(f"{path}/resources"))["resources"]
    return {row["resource_name"]: row["physical_resource_id"] for row in rows}


async def updated(api: Api, path: str, template: Any) -> str:
    answer = await api.call("PUT", path, {"template": template})
    assert answer.status_code == 202, answer.text
    return str((await api.settled(path))["stack_status"])


async def test_machine_gets_deployments(api: Api) -> None:
    template = hot(
        {
            "machine": MACHINE,
            "config": config(),
            "deployment": deployment({"get_resource": "machine"}, input_values={"size": 3}),
        }
    )
    path = await api.create("machine", template)
    assert (await api.get(path))["stack"]["stack_status"] == "CREATE_COMPLETE"
    shown = (await api.get(f"{path}/resources/machine"))["resource"]
    assert shown["attributes"]["os_collect_config"]["collectors"] == ["cfn", "local"]
    metadata = (await api.get(f"{path}/resources/machine/metadata"))["metadata"]
    [given] = metadata["deployments"]
    values = {each["name"]: each["value"] for each in given["inputs"]}
    assert (values["role"], values["size"]) == ("web", 3)
    assert values["deploy_server_id"] == shown["physical_resource_id"]
    assert (await api.call("DELETE", path)).status_code == 204
    await api.settled(path)


async def test_input_with_replace_on_change_replaces_the_deployment(api: Api) -> None:
    def of(group: str = "script", **values: Any) -> Any:
        given = deployment("elsewhere", input_values=values)
        return hot({"config": config(group=group), "deployment": given})

    path = await api.create("decisive", of(size=1))
    first = (await ids(api, path))["deployment"]
    for same in (of(size=2), of(size=2, role="web"), of("puppet", size=2)):
        assert await updated(api, path, same) == "UPDATE_COMPLETE"
        assert (await ids(api, path))["deployment"] == first
    body = {"template": of("puppet", size=2, role="db")}
    plan = (await api.call("POST", f"{path}/plans", body)).json()["plan"]
    [step] = [each for each in plan["steps"] if each["verb"] == "replace"]
    assert "the input role has replace_on_change" in str(step["causes"])
    assert await updated(api, path, body["template"]) == "UPDATE_COMPLETE"
    second = (await ids(api, path))["deployment"]
    assert second != first
    assert (await api.refused("GET", f"/software_deployments/{first}"))[0] == 404
    [given] = (await api.get("/software_deployments/metadata/elsewhere"))["metadata"]
    assert {"name": "deploy_action", "type": "String", "value": "CREATE"} in given["inputs"]


@pytest.mark.parametrize(("old", "structured"), [("SoftwareDeployments", ""), ("StructuredDeployments", "x")])
async def test_group_under_its_old_name_is_hidden_and_becomes_one_under_the_new_name(
    api: Api, old: str, structured: str
) -> None:
    now = f"{old.removesuffix('s')}Group"
    source = config() | ({"type": "OS::Heat::StructuredConfig"} if structured else {})
    if structured:
        source["properties"] = {"config": {"a": 1}}

    def of(kind: str, *servers: str) -> Any:
        fixed = {"config": {"get_resource": "config"}, "signal_transport": "NO_SIGNAL"}
        properties = fixed | {"servers": {each: f"{old}-{each}" for each in servers}}
        return hot({"config": source, "group": {"type": f"OS::Heat::{kind}", "properties": properties}})

    path = await api.create(f"old-{old}", of(old, "x"))
    before = await ids(api, path)
    assert await updated(api, path, of(now, "x", "y")) == "UPDATE_COMPLETE"
    assert await ids(api, path) == before
    shown = (await api.get(f"{path}/resources/group"))["resource"]
    assert shown["resource_type"] == f"OS::Heat::{now}"
    assert len((await api.get(f"/software_deployments/metadata/{old}-y"))["metadata"]) == 1
    listed = (await api.get("/resource_types"))["resource_types"]
    assert f"OS::Heat::{old}" not in listed
    assert (await api.refused("GET", f"/resource_types/OS::Heat::{old}"))[:2] == (400, "NotSupported")


@pytest.mark.parametrize("kind", ["SoftwareDeployment", "SoftwareDeploymentGroup"])
async def test_server_that_gets_no_deployments_is_refused(api: Api, kind: str) -> None:
    server: dict[str, Any] = {
        "type": "OS::Nova::Server",
        "properties": {"flavor": "m1.tiny", "image": "cirros", "networks": [{"allocate_network": "none"}]},
    }
    given = deployment({"get_resource": "server"})
    if kind.endswith("Group"):
        properties = given["properties"] | {"servers": {"one": given["properties"].pop("server")}}
        given = {"type": f"OS::Heat::{kind}", "properties": properties}
        given["properties"].pop("server", None)
    template = hot({"config": config(), "server": server, "deployment": given})
    code, _, message = await api.refused("POST", "/stacks", {"stack_name": "raw", "template": template})
    assert code == 400
    assert "The server server gets no software deployments: its user_data_format is HEAT_CFNTOOLS" in message


@pytest.mark.parametrize("kind", ["OS::Heat::DeployedServer", "OS::Nova::Server"])
async def test_template_cannot_hide_what_a_server_is_to_do(api: Api, kind: str) -> None:
    server: dict[str, Any] = {"type": kind, "metadata": {"deployments": []}}
    if kind == "OS::Nova::Server":
        fixed = {"flavor": "m1.tiny", "image": "cirros", "networks": [{"allocate_network": "none"}]}
        server["properties"] = fixed | {"user_data_format": "SOFTWARE_CONFIG"}
    body = {"stack_name": "hides", "template": hot({"server": server})}
    code, _, message = await api.refused("POST", "/stacks", body)
    assert code == 400
    assert "cannot have the key deployments" in message


async def test_machine_that_comes_to_sign_its_requests_gets_keys(api: Api) -> None:
    def of(transport: str) -> Any:
        properties = {"software_config_transport": transport}
        return hot({"machine": MACHINE | {"properties": properties}})

    path = await api.create("keys", of("POLL_SERVER_HEAT"))

    async def section() -> dict[str, Any]:
        shown = (await api.get(f"{path}/resources/machine"))["resource"]["attributes"]
        return dict(shown["os_collect_config"])

    password = (await section())["heat"]["password"]
    assert password
    assert await updated(api, path, of("POLL_SERVER_CFN")) == "UPDATE_COMPLETE"
    keys = (await section())["cfn"]
    assert keys["access_key_id"]
    assert keys["secret_access_key"]
    assert await updated(api, path, of("POLL_SERVER_HEAT")) == "UPDATE_COMPLETE"
    assert (await section())["heat"]["password"] == password

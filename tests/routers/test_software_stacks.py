"""Stacks with software configurations: what is stored, shown, and gone with the stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email import message_from_string
from typing import Any

import pytest

from tests.routers.conftest import Api
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIGS = """
heat_template_version: 2018-08-31
parameters: {text: {type: string, default: one}}
resources:
  script:
    type: OS::Heat::SoftwareConfig
    properties: {group: script, config: {get_param: text}, inputs: [{name: who}], outputs: [{name: out}]}
  map: {type: OS::Heat::StructuredConfig, properties: {config: {a: {get_input: who}}}}
  cloud: {type: OS::Heat::CloudConfig, properties: {cloud_config: {packages: [vim]}}}
  component:
    type: OS::Heat::SoftwareComponent
    properties: {configs: [{tool: script, config: up}, {tool: script, actions: [DELETE], config: down}]}
  inner:
    type: OS::Heat::MultipartMime
    properties: {parts: [{config: {get_resource: script}, filename: a.sh, subtype: x-shellscript}]}
  outer:
    type: OS::Heat::MultipartMime
    properties:
      parts: [{config: {get_resource: inner}, type: multipart}, {config: plain text, filename: notes.txt}]
outputs:
  cloud: {value: {get_attr: [cloud, config]}}
  outer: {value: {get_attr: [outer, config]}}
"""


async def test_configs_of_a_stack_are_in_the_store_until_it_changes_or_goes(api: Api) -> None:
    path = await api.create("configs", CONFIGS)
    assert (await api.get(path))["stack"]["stack_status"] == "CREATE_COMPLETE"
    resources = (await api.get(f"{path}/resources"))["resources"]
    ids = {each["resource_name"]: each["physical_resource_id"] for each in resources}
    shown = {
        name: (await api.get(f"/software_configs/{one}"))["software_config"] for name, one in ids.items()
    }
    assert (shown["script"]["group"], shown["script"]["config"]) == ("script", "one")
    assert shown["script"]["outputs"] == [{"name": "out", "type": "String", "error_output": False}]
    assert shown["map"]["config"] == {"a": {"get_input": "who"}}
    assert (shown["cloud"]["group"], shown["cloud"]["config"]) == (
        "Heat::Ungrouped",
        "#cloud-config\npackages:\n- vim\n",
    )
    assert shown["component"]["group"] == "component"
    assert [each["actions"] for each in shown["component"]["config"]["configs"]] == [
        ["CREATE", "UPDATE"],
        ["DELETE"],
    ]
    outputs = {each["output_key"]: each["output_value"] for each in (await api.get(path))["stack"]["outputs"]}
    assert outputs["cloud"] == shown["cloud"]["config"]
    parts = list(message_from_string(outputs["outer"]).walk())[1:]
    assert [(part.get_content_type(), part.get_filename()) for part in parts] == [
        ("text/x-shellscript", "a.sh"),
        ("text/notes", "notes.txt"),
    ]
    assert [part.get_payload().strip() for part in parts] == ["one", "plain text"]
    changed = {"template": CONFIGS, "parameters": {"text": "two"}}
    assert (await api.call("PUT", path, changed)).status_code == 202
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    assert (await api.refused("GET", f"/software_configs/{ids['script']}"))[0] == 404
    assert (await api.call("DELETE", path)).status_code == 204
    await api.settled(path)
    assert (await api.refused("GET", f"/software_configs/{ids['cloud']}"))[0] == 404


DEPLOYED = """
heat_template_version: 2018-08-31
parameters: {who: {type: string, default: world}, actions: {type: json, default: [CREATE, UPDATE, DELETE]}}
resources:
  script:
    type: OS::Heat::SoftwareConfig
    properties:
      group: script
      config: echo $who
      inputs: [{name: who}]
      outputs: [{name: result}, {name: absent}, {name: trouble, error_output: true}]
  server:
    type: OS::Nova::Server
    properties:
      flavor: m1.tiny
      image: cirros
      networks: [{allocate_network: none}]
      user_data_format: SOFTWARE_CONFIG
  deployment:
    type: OS::Heat::SoftwareDeployment
    properties:
      name: greet
      config: {get_resource: script}
      server: {get_resource: server}
      input_values: {who: {get_param: who}, extra: 1}
      actions: {get_param: actions}
      signal_transport: HEAT_SIGNAL
outputs:
  result: {value: {get_attr: [deployment, result]}}
  absent: {value: {get_attr: [deployment, absent]}}
  stdout: {value: {get_attr: [deployment, deploy_stdout]}}
"""


async def begun(api: Api, path: str, action: str) -> dict[str, Any]:
    """What the server has to do, once an action of the stack wants it done."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        answer = await api.call("GET", f"{path}/resources/server/metadata")
        deployments = answer.json().get("metadata", {}).get("deployments", [])
        found[:] = [each for each in deployments if inputs_of(each)["deploy_action"] == action]
        return bool(found)

    await until(is_there)
    return found[0]


def inputs_of(config: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in config["inputs"]}


async def signal(api: Api, path: str, **details: Any) -> None:
    answer = await api.call("POST", f"{path}/resources/deployment/signal", details)
    assert answer.status_code == 200, answer.text


async def test_deployment_waits_for_its_guest_in_every_action(api: Api) -> None:
    answer = await api.call("POST", "/stacks", {"stack_name": "deployed", "template": DEPLOYED})
    assert answer.status_code == 201, answer.text
    path = f"/stacks/deployed/{answer.json()['stack']['id']}"
    first = await begun(api, path, "CREATE")
    assert (first["name"], first["group"], first["config"]) == ("greet", "script", "echo $who")
    inputs = inputs_of(first)
    assert (inputs["who"], inputs["extra"]) == ("world", 1)
    assert inputs["deploy_stack_id"] == path.removeprefix("/stacks/")
    assert (inputs["deploy_resource_name"], inputs["deploy_signal_transport"]) == (
        "deployment",
        "HEAT_SIGNAL",
    )
    assert inputs["deploy_user_id"]
    assert inputs["deploy_password"]
    await signal(api, path, result="hello", deploy_stdout="out", deploy_stderr="", deploy_status_code=0)
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_COMPLETE", stack
    values = {each["output_key"]: each["output_value"] for each in stack["outputs"]}
    assert values == {"result": "hello", "absent": None, "stdout": "out"}
    resource = (await api.get(f"{path}/resources/deployment"))["resource"]
    shown = (await api.get(f"/software_deployments/{resource['physical_resource_id']}"))[
        "software_deployment"
    ]
    assert (shown["status"], shown["status_reason"]) == ("COMPLETE", "Outputs received")
    assert shown["output_values"]["deploy_stdout"] == "out"

    changed = {"template": DEPLOYED, "parameters": {"who": "you"}}
    assert (await api.call("PUT", path, changed)).status_code == 202
    second = await begun(api, path, "UPDATE")
    assert (inputs_of(second)["who"], second["id"] == first["id"]) == ("you", False)
    await signal(api, path, deploy_status_code=3)
    stack = await api.settled(path)
    assert stack["stack_status"] == "UPDATE_FAILED"
    assert (
        "Deployment to server failed: deploy_status_code : Deployment exited with non-zero status code: 3"
        in stack["stack_status_reason"]
    )
    assert (await api.call("DELETE", path)).status_code == 204
    await begun(api, path, "DELETE")
    await signal(api, path, deploy_status_code=0)
    await api.settled(path)
    assert (await api.refused("GET", f"/software_deployments/{shown['id']}"))[0] == 404
    assert (await api.refused("GET", f"/software_configs/{second['id']}"))[0] == 404


async def test_outputs_of_a_deployment_that_is_not_made_yet_are_null(api: Api) -> None:
    path = await api.create("later", DEPLOYED, parameters={"actions": ["UPDATE"]})
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_COMPLETE", stack
    shown = {each["output_key"]: each["output_value"] for each in stack["outputs"]}
    assert shown == {"result": None, "absent": None, "stdout": None}
    assert all("output_error" not in each for each in stack["outputs"])

    changed = {"template": DEPLOYED, "parameters": {"actions": ["UPDATE"], "who": "you"}}
    assert (await api.call("PUT", path, changed)).status_code == 202
    await begun(api, path, "UPDATE")
    await signal(api, path, result="done", deploy_status_code=0)
    stack = await api.settled(path)
    shown = {each["output_key"]: each["output_value"] for each in stack["outputs"]}
    assert shown == {"result": "done", "absent": None, "stdout": None}


ASLEEP = """
heat_template_version: 2018-08-31
resources:
  script:
    type: OS::Heat::SoftwareConfig
    properties: {group: script, config: echo, outputs: [{name: result}]}
  deployment:
    type: OS::Heat::SoftwareDeployment
    properties:
      config: {get_resource: script}
      server: 6d3c7e0c-35a5-4b1f-9d39-0f5f3f4c9a11
      actions: [ACTIONS]
      signal_transport: HEAT_SIGNAL
outputs:
  result: {value: {get_attr: [deployment, result]}}
  code: {value: {get_attr: [deployment, deploy_status_code]}}
"""
AROUND = """
heat_template_version: 2018-08-31
resources: {inner: {type: inner.yaml}}
outputs: {result: {value: {get_attr: [inner, result]}}}
"""


async def waits(api: Api, path: str, action: str) -> str:
    """The path of the deployment, in that stack or inside it, once it waits for its guest."""
    found: list[str] = []

    async def is_there() -> bool:
        rows = (await api.get(f"{path}/resources", params={"nested_depth": 2}))["resources"]
        found[:] = [
            link["href"].partition(api.project)[2]
            for row in rows
            if row["resource_name"] == "deployment" and row["resource_status"] == f"{action}_IN_PROGRESS"
            for link in row["links"]
            if link["rel"] == "self" and row["physical_resource_id"]
        ]
        return bool(found)

    await until(is_there)
    return found[0].removesuffix("/resources/deployment")


def outputs_of(stack: Mapping[str, Any]) -> dict[str, Any]:
    return {each["output_key"]: each.get("output_error") or each["output_value"] for each in stack["outputs"]}


async def test_failed_deployment_shows_what_its_guest_signalled(api: Api) -> None:
    body = {"stack_name": "failing", "template": ASLEEP.replace("ACTIONS", "CREATE")}
    answer = await api.call("POST", "/stacks", body)
    path = f"/stacks/failing/{answer.json()['stack']['id']}"
    await signal(api, await waits(api, path, "CREATE"), result="half", deploy_status_code=3)
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_FAILED"
    assert outputs_of(stack) == {"result": "half", "code": 3}


async def test_signal_of_a_failure_without_a_code_names_none(api: Api) -> None:
    template = ASLEEP.replace("ACTIONS", "CREATE").replace("{name: result}", "{name: w, error_output: true}")
    template = template.partition("outputs:\n  result")[0]
    answer = await api.call("POST", "/stacks", {"stack_name": "trouble", "template": template})
    path = f"/stacks/trouble/{answer.json()['stack']['id']}"
    await signal(api, await waits(api, path, "CREATE"), w="it broke", deploy_status_code=0)
    await api.settled(path)
    events = (await api.get(f"{path}/resources/deployment/events"))["events"]
    (signalled,) = [each for each in events if each["resource_status"].startswith("SIGNAL")]
    assert re.fullmatch(r"Signal: deployment \S+ failed", signalled["resource_status_reason"])


@pytest.mark.parametrize("around", [False, True], ids=["alone", "inside"])
async def test_outputs_show_what_a_suspension_and_a_resumption_deployed(api: Api, around: bool) -> None:
    inner, name = ASLEEP.replace("ACTIONS", "SUSPEND, RESUME"), f"asleep-{around}".lower()
    files = {"template": AROUND, "files": {"inner.yaml": inner}} if around else {"template": inner}
    answer = await api.call("POST", "/stacks", {"stack_name": name, **files})
    assert answer.status_code == 201, answer.text
    path = f"/stacks/{name}/{answer.json()['stack']['id']}"
    assert outputs_of(await api.settled(path))["result"] is None
    for action in ("suspend", "resume"):
        assert (await api.call("POST", f"{path}/actions", {action: None})).status_code == 200
        await signal(api, await waits(api, path, action.upper()), result=action, deploy_status_code=0)
        stack = await api.settled(path)
        assert stack["stack_status"] == f"{action.upper()}_COMPLETE", stack
        assert outputs_of(stack)["result"] == action


STRUCTURED = """
heat_template_version: 2018-08-31
resources:
  map:
    type: OS::Heat::StructuredConfig
    properties: {inputs: [{name: a, default: 1}], config: {one: {get_input: a}, two: [{get_input: b}]}}
  deployment:
    type: OS::Heat::StructuredDeployment
    properties:
      config: {get_resource: map}
      server: other
      input_values: {a: 2}
      signal_transport: NO_SIGNAL
"""


async def test_structured_deployment_has_the_values_in_place(api: Api) -> None:
    path = await api.create("structured", STRUCTURED)
    assert (await api.get(path))["stack"]["stack_status"] == "CREATE_COMPLETE"
    seen = (await api.get("/software_deployments/metadata/other"))["metadata"]
    assert [each["config"] for each in seen] == [{"one": 2, "two": [None]}]
    listed = (await api.get("/software_deployments?server_id=other"))["software_deployments"]
    assert [(each["status"], each["status_reason"]) for each in listed] == [
        ("COMPLETE", "Not waiting for outputs signal")
    ]


GROUP = """
heat_template_version: 2018-08-31
resources:
  map: {type: OS::Heat::StructuredConfig, properties: {inputs: [{name: a}], config: {one: {get_input: a}}}}
  group:
    type: OS::Heat::StructuredDeploymentGroup
    update_policy: {batch_create: {max_batch_size: 2}}
    properties:
      config: {get_resource: map}
      servers: {x: group-x, y: group-y, z: group-z}
      input_values: {a: 7}
      signal_transport: NO_SIGNAL
outputs:
  codes: {value: {get_attr: [group, deploy_status_codes]}}
"""


async def test_group_deploys_to_each_server(api: Api) -> None:
    path = await api.create("group", GROUP)
    stack = (await api.get(path))["stack"]
    assert stack["stack_status"] == "CREATE_COMPLETE", stack
    assert stack["outputs"][0]["output_value"] == {"x": None, "y": None, "z": None}
    for server in ("group-x", "group-y", "group-z"):
        seen = (await api.get(f"/software_deployments/metadata/{server}"))["metadata"]
        assert [each["config"] for each in seen] == [{"one": 7}]
    fewer = GROUP.replace(", z: group-z", "")
    assert (await api.call("PUT", path, {"template": fewer})).status_code == 202
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    assert (await api.get("/software_deployments/metadata/group-z"))["metadata"] == []

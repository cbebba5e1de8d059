"""Stacks with software configurations: what is stored, shown, and gone with the stack."""

from __future__ import annotations

from email import message_from_string

import pytest

from tests.routers.conftest import Api

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

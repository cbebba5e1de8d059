"""Stacks from their creation to their end, as clients see them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.routers.conftest import ORIGIN, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMPTY = {"heat_template_version": "2021-04-16"}
TEMPLATE: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "description": "values only",
    "parameters": {
        "length": {"type": "number", "default": 5},
        "secret": {"type": "string", "hidden": True, "default": "hush"},
        "flag": {"type": "boolean", "default": True},
        "names": {"type": "comma_delimited_list", "default": "a,b"},
        "blob": {"type": "json", "default": {"k": [1]}},
    },
    "resources": {
        "word": {"type": "OS::Heat::RandomString", "properties": {"length": {"get_param": "length"}}},
        "value": {"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["word", "value"]}}},
    },
    "outputs": {
        "word": {"description": "the word", "value": {"get_attr": ["word", "value"]}},
        "names": {"value": {"get_param": "names"}},
    },
}


async def listed(api: Api, query: str) -> list[str]:
    return [stack["stack_name"] for stack in (await api.get(f"/stacks?{query}"))["stacks"]]


async def test_created_stack_is_shown(api: Api) -> None:
    answer = await api.call(
        "POST", "/stacks", {"stack_name": "shown", "template": TEMPLATE, "tags": "x,y", "timeout_mins": "9"}
    )
    assert answer.status_code == 201
    created = answer.json()["stack"]
    href = f"{ORIGIN}/v1/{api.project}/stacks/shown/{created['id']}"
    assert answer.headers["location"] == href
    assert created == {"id": created["id"], "links": [{"href": href, "rel": "self"}]}
    stack = await api.settled(f"/stacks/shown/{created['id']}")
    assert stack["stack_status"] == "CREATE_COMPLETE"
    assert stack["tags"] == ["x", "y"]
    assert stack["timeout_mins"] == 9
    assert stack["updated_time"] is None
    assert stack["parameters"] == {
        "OS::stack_id": created["id"],
        "OS::stack_name": "shown",
        "OS::project_id": api.project,
        "length": "5",
        "secret": "******",
        "flag": "True",
        "names": "a,b",
        "blob": '{"k": [1]}',
    }
    outputs = {output["output_key"]: output for output in stack["outputs"]}
    assert len(outputs["word"]["output_value"]) == 5
    assert outputs["names"] == {
        "output_key": "names",
        "description": "No description given",
        "output_value": ["a", "b"],
    }


async def test_outputs_are_left_out_on_demand(api: Api) -> None:
    path = await api.create("quiet", TEMPLATE)
    assert "outputs" not in (await api.get(f"{path}?resolve_outputs=False"))["stack"]
    assert [each["output_key"] for each in (await api.get(f"{path}/outputs"))["outputs"]] == ["word", "names"]
    assert (await api.get(f"{path}/outputs/names"))["output"]["output_value"] == ["a", "b"]
    assert await api.refused("GET", f"{path}/outputs/none") == (
        404,
        "NotFound",
        "Specified output key none not found.",
    )


async def test_list_has_filters_pages_and_a_count(api: Api) -> None:
    for number in range(3):
        await api.create(f"page{number}", EMPTY, tags=f"all,t{number}")
    assert await listed(api, "tags=all&sort_keys=stack_name") == ["page0", "page1", "page2"]
    assert await listed(api, "tags_any=t0,t2&sort_keys=stack_name") == ["page0", "page2"]
    assert await listed(api, "tags=all&not_tags=t1&sort_keys=stack_name&sort_dir=desc") == ["page2", "page0"]
    assert await listed(api, "tags=all&name=page1&nonsense=1") == ["page1"]
    assert await listed(
        api, "tags=all&status=CREATE_COMPLETE&name=page1&name=page2&sort_keys=stack_name"
    ) == [
        "page1",
        "page2",
    ]
    assert await listed(api, "tags=all&timeout_mins=x") == []
    first = await api.get("/stacks?tags=all&sort_keys=stack_name&limit=2&with_count=true")
    assert (len(first["stacks"]), first["count"]) == (2, 3)
    assert first["links"][0]["rel"] == "next"
    rest = await api.raw("GET", first["links"][0]["href"])
    assert [stack["stack_name"] for stack in rest.json()["stacks"]] == ["page2"]
    assert "links" not in rest.json()
    item = rest.json()["stacks"][0]
    assert (item["tags"], item["description"]) == (["all", "t2"], "")


async def test_administrator_lists_all_projects_but_not_as_global_tenant(api: Api, admin: Api) -> None:
    await api.create("ours", EMPTY)
    found = {stack["stack_name"]: stack for stack in (await admin.get("/stacks"))["stacks"]}
    assert found["ours"]["project"] == api.project
    assert (await admin.refused("GET", "/stacks?global_tenant=true"))[:2] == (403, "Forbidden")
    assert all("project" not in stack for stack in (await api.get("/stacks"))["stacks"])


async def test_names_lead_to_full_paths(api: Api) -> None:
    path = await api.create("found", EMPTY)
    identity = path.rpartition("/")[2]
    arn = f"arn:openstack:heat::{api.project}:stacks/found/{identity}"
    for wanted in ("found", identity, arn, arn.replace("/", "%2F")):
        answer = await api.call("PATCH", f"/stacks/{wanted}?a=b%20c")
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{ORIGIN}/v1/{api.project}{path}?a=b+c"
    answer = await api.call("GET", "/stacks/found/resources")
    assert answer.headers["location"] == f"{ORIGIN}/v1/{api.project}{path}/resources"
    assert (await api.refused("GET", "/stacks/nobody"))[:2] == (404, "EntityNotFound")
    assert (await api.refused("GET", "/stacks/arn:aws:x"))[0] == 400
    assert (await api.refused("GET", f"/stacks/other/{identity}"))[:2] == (404, "EntityNotFound")


async def test_stacks_of_others_do_not_exist(api: Api, admin: Api) -> None:
    path = await admin.create("theirs", EMPTY)
    assert (await api.refused("GET", path))[:2] == (404, "EntityNotFound")
    assert (await api.refused("GET", "/stacks/theirs"))[:2] == (404, "EntityNotFound")
    assert (await api.refused("DELETE", path))[:2] == (404, "EntityNotFound")


async def test_put_replaces_and_patch_keeps(api: Api) -> None:
    path = await api.create("changed", TEMPLATE, tags="old", parameters={"length": 7})
    answer = await api.call("PATCH", path, {"parameters": {"names": "z", "unknown": 1}})
    assert (answer.status_code, answer.json()["code"]) == (202, "202 Accepted")
    stack = await api.settled(path)
    assert (stack["parameters"]["length"], stack["parameters"]["names"]) == ("7", "z")
    assert (stack["tags"], stack["stack_status"]) == (["old"], "UPDATE_COMPLETE")
    assert (await api.call("PUT", path, {"template": TEMPLATE})).status_code == 202
    stack = await api.settled(path)
    assert (stack["parameters"]["length"], stack["tags"]) == ("5", [])
    assert (await api.call("PATCH", path, {})).status_code == 202
    await api.settled(path)
    assert (await api.refused("PUT", path, {}))[2] == "No template specified"
    refused = await api.refused("PUT", path, {"template": TEMPLATE, "parameters": {"unknown": 1}})
    assert refused[:2] == (400, "UnknownUserParameter")


async def test_definition_is_shown_with_hidden_values_masked(api: Api) -> None:
    environment = {"parameters": {"secret": "known", "length": 6}, "parameter_defaults": {"secret": "too"}}
    files = {"file:///a.txt": "text"}
    path = await api.create("defined", TEMPLATE, environment=environment, files=files)
    assert await api.get(f"{path}/template") == TEMPLATE
    assert await api.get(f"{path}/files") == files
    shown = await api.get(f"{path}/environment")
    assert shown["parameters"] == {"secret": "******", "length": 6}
    assert shown["parameter_defaults"] == {"secret": "******"}
    assert shown["resource_registry"] == {"resources": {}}


async def test_preview_of_a_new_stack_stores_nothing(api: Api) -> None:
    answer = await api.call("POST", "/stacks/preview", {"stack_name": "maybe", "template": TEMPLATE})
    stack = answer.json()["stack"]
    assert (stack["id"], stack["parameters"]["OS::stack_id"]) == ("None", "None")
    assert "stack_status" not in stack
    assert {each["resource_name"] for each in stack["resources"]} == {"word", "value"}
    assert {each["output_key"]: each["output_value"] for each in stack["outputs"]} == {
        "word": None,
        "names": ["a", "b"],
    }
    assert (await api.refused("GET", "/stacks/maybe"))[0] == 404


async def test_preview_of_an_update_sorts_resources(api: Api) -> None:
    path = await api.create("planned", TEMPLATE)
    changed = {**TEMPLATE, "resources": {"more": {"type": "OS::Heat::None"}, **TEMPLATE["resources"]}}
    del changed["resources"]["value"]
    changed["resources"]["word"] = {"type": "OS::Heat::RandomString", "properties": {"length": 9}}
    answer = await api.call("PUT", f"{path}/preview?show_nested=true", {"template": changed})
    changes = answer.json()["resource_changes"]
    names = {kind: [each["resource_name"] for each in found] for kind, found in changes.items()}
    assert names == {
        "unchanged": [],
        "updated": [],
        "replaced": ["word"],
        "added": ["more"],
        "deleted": ["value"],
    }
    assert "5 → 9" in changes["replaced"][0]["reason"]
    assert changes["deleted"][0]["resource_action"] == "CREATE"


async def test_deleted_stack_stays_readable_by_its_full_path(api: Api) -> None:
    path = await api.create("gone", TEMPLATE)
    assert (await api.call("DELETE", path)).status_code == 204
    stack = await api.settled(path)
    assert stack["stack_status"] == "DELETE_COMPLETE"
    assert stack["deletion_time"] is not None
    assert "outputs" not in stack
    assert (await api.refused("DELETE", path))[:2] == (404, "EntityNotFound")
    assert (await api.refused("GET", "/stacks/gone"))[0] == 404
    assert (await api.refused("GET", f"{path}/outputs"))[0] == 404
    assert (await api.get(f"{path}/events?limit=1"))["events"][0]["resource_status"] == "DELETE_COMPLETE"
    assert "gone" in await listed(api, "show_deleted=true")
    assert "gone" not in await listed(api, "")


async def test_name_is_taken_once(api: Api) -> None:
    await api.create("taken", EMPTY)
    for path in ("/stacks", "/stacks/preview"):
        refused = await api.refused("POST", path, {"stack_name": "taken", "template": EMPTY})
        assert refused[:2] == (409, "StackExists")


async def test_error_in_a_template_tells_where_it_is_and_what_to_do(api: Api) -> None:
    text = "heat_template_version: rocky\nresources:\n  a:\n    type: OS::Heat::Value\n    nonsense: 1\n"
    answer = await api.call("POST", "/stacks", {"stack_name": "wrong", "template": text})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "StackValidationFailed")
    assert error["path"].startswith("resources.a")
    assert error["place"]["line"] in (4, 5)
    assert error["remedy"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "No action specified"),
        ({"suspend": None, "resume": None}, "Multiple actions specified"),
        ({"dance": None}, "Invalid action dance specified"),
    ],
)
async def test_action_is_one_of_a_few(api: Api, body: dict[str, Any], message: str) -> None:
    path = await api.create(f"acted{len(message)}", EMPTY)
    assert (await api.refused("POST", f"{path}/actions", body))[2] == message


async def test_actions_are_answered_with_null_and_change_the_stack(api: Api) -> None:
    path = await api.create("rested", TEMPLATE)
    assert (await api.get(path))["stack"]["updated_time"] is None
    for action in ("suspend", "resume", "check"):
        answer = await api.call("POST", f"{path}/actions", {action: ""})
        assert (answer.status_code, answer.text) == (200, "null")
        assert (await api.settled(path))["stack_status"] == f"{action.upper()}_COMPLETE"
    stack = (await api.get(path))["stack"]
    assert stack["updated_time"]
    assert stack["stack_status_reason"] == (
        "Stack CHECK completed successfully. 'CHECK' not fully supported (see resources)"
    )
    rows = (await api.get(f"{path}/resources"))["resources"]
    assert {each["resource_status_reason"] for each in rows} == {
        "CHECK not supported for OS::Heat::RandomString",
        "CHECK not supported for OS::Heat::Value",
    }


SLOW = {"type": "OS::Cinder::Volume", "properties": {"size": 1}}


async def test_cancelled_creation_has_failed_and_can_go_on(api: Api) -> None:
    template = {**EMPTY, "resources": {"never": SLOW}}
    answer = await api.call("POST", "/stacks", {"stack_name": "stopped", "template": template})
    path = f"/stacks/stopped/{answer.json()['stack']['id']}"
    answer = await api.call("POST", f"{path}/actions", {"cancel_without_rollback": None})
    assert (answer.status_code, answer.text) == (200, "null")
    stack = (await api.get(path))["stack"]
    assert (stack["stack_status"], stack["stack_status_reason"]) == (
        "CREATE_FAILED",
        "Stack CREATE cancelled",
    )
    refused = await api.refused("POST", f"{path}/actions", {"cancel_update": None})
    assert refused == (400, "NotSupported", "Cancelling update when stack is CREATE_FAILED is not supported.")
    assert (await api.call("PUT", path, {"template": template})).status_code == 202
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"


async def test_cancelled_update_goes_back(api: Api) -> None:
    path = await api.create("returned", TEMPLATE)
    more = {**TEMPLATE, "resources": {**TEMPLATE["resources"], "volume": SLOW}}
    assert (await api.call("PUT", path, {"template": more})).status_code == 202
    assert (await api.call("POST", f"{path}/actions", {"cancel_update": ""})).status_code == 200
    stack = await api.settled(path)
    assert stack["stack_status"] == "ROLLBACK_COMPLETE"
    names = {each["resource_name"] for each in (await api.get(f"{path}/resources"))["resources"]}
    assert names == {"word", "value"}


async def test_requests_at_the_same_moment_are_accepted_or_refused_in_order(api: Api) -> None:
    path = await api.create("busy", EMPTY)
    bodies = [{"template": {**EMPTY, "description": str(number)}} for number in range(6)]
    answers = await asyncio.gather(*(api.call("PUT", path, body) for body in bodies))
    codes = {answer.status_code for answer in answers}  # which of them is first is the database's affair
    assert 202 in codes
    assert codes <= {202, 409}
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    body = {"stack_name": "twins", "template": EMPTY}
    answers = await asyncio.gather(*(api.call("POST", "/stacks", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]

"""Validation of templates, and what the server says about types and versions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.routers.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


def template(**sections: Any) -> dict[str, Any]:
    return {"heat_template_version": "2021-04-16", **sections}


async def validated(api: Api, body: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = await api.call("POST", f"/validate{query}", body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_parameters_are_described_in_the_words_of_cloudformation(api: Api) -> None:
    constraints = [{"range": {"min": 1, "max": 9}, "description": "1 to 9"}]
    parameters = {
        "size": {"type": "number", "default": 3, "label": "Size", "constraints": constraints},
        "secret": {"type": "string", "hidden": True},
    }
    body = {"template": template(parameters=parameters), "parameters": {"size": 4, "secret": "hush"}}
    shown = await validated(api, body)
    assert shown["Parameters"]["size"] == {
        "Type": "Number",
        "Description": "",
        "NoEcho": "false",
        "Label": "Size",
        "Default": 3,
        "Value": 4,
        "MinValue": 1,
        "MaxValue": 9,
        "ConstraintDescription": "1 to 9",
    }
    assert shown["Environment"]["parameters"] == {"size": 4, "secret": "******"}
    assert "hush" not in str(shown)


async def test_missing_values_of_parameters_are_no_mistake(api: Api) -> None:
    body = template(
        parameters={"length": {"type": "number"}},
        resources={
            "a": {"type": "OS::Heat::RandomString", "properties": {"length": {"get_param": "length"}}}
        },
    )
    assert "errors" not in await validated(api, {"template": body})


async def test_mistakes_in_values_are_told_beside_a_good_answer(api: Api) -> None:
    resources = {"a": {"type": "OS::Heat::RandomString", "properties": {"length": 1000}}}
    errors = (await validated(api, {"template": template(resources=resources)}))["errors"]
    assert [error["path"] for error in errors] == ["resources.a.properties.length"]
    assert errors[0]["remedy"]


async def test_all_mistakes_are_told_at_once_with_their_places(api: Api) -> None:
    text = "\n".join(
        [
            "heat_template_version: 2021-04-16",
            "parameters:",
            "  n: {type: number, default: x}",
            "resources:",
            "  a: {type: OS::Heat::RandomString, properties: {lengthh: 3}}",
            "  b: {type: OS::Heat::Value, properties: {wrong: 3}}",
        ]
    )
    answer = await api.call("POST", "/validate", {"template": text})
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert len(error["errors"]) >= 2
    assert error["message"] == error["errors"][0]["message"]
    members = {"type", "message", "path", "file", "line", "column", "remedy"}
    assert all(members <= set(each) <= members | {"value"} for each in error["errors"])


async def test_codes_to_ignore_are_checked(api: Api) -> None:
    body = {"template": template()}
    assert await validated(api, body, "?ignore_errors=99001")
    assert (await api.refused("POST", "/validate?ignore_errors=1", body))[:2] == (400, "HTTPBadRequest")


async def test_types_are_listed_as_far_as_the_caller_may_use_them(api: Api, admin: Api) -> None:
    ours = (await api.get("/resource_types"))["resource_types"]
    theirs = (await admin.get("/resource_types"))["resource_types"]
    assert "OS::Heat::RandomString" in ours
    assert set(ours) < set(theirs)
    assert (await api.get("/resource_types?name=((("))["resource_types"] == []
    described = await api.get("/resource_types?name=OS::Heat::Val&with_description=true")
    assert [each["resource_type"] for each in described["resource_types"]] == ["OS::Heat::Value"]
    assert (await api.refused("GET", "/resource_types?support_status=GOOD"))[:2] == (400, "Invalid")


async def test_type_is_shown_and_made_into_a_template_that_is_valid(api: Api) -> None:
    shown = await api.get("/resource_types/OS::Heat::RandomString?with_description=true")
    assert shown["properties"]["length"]["constraints"] == [{"range": {"min": 1, "max": 512}}]
    assert "show" in shown["attributes"]
    assert shown["description"]
    for kind in ("hot", "cfn"):
        made = await api.get(f"/resource_types/OS::Heat::RandomString/template?template_type={kind}")
        assert "OS::stack_id" in (made.get("outputs") or made.get("Outputs"))
    refused = await api.refused("GET", "/resource_types/OS::Keystone::Project")
    assert refused[:2] == (403, "Forbidden")


async def test_services_are_for_administrators(api: Api, admin: Api) -> None:
    assert (await api.refused("GET", "/services"))[:2] == (403, "Forbidden")
    assert isinstance((await admin.get("/services"))["services"], list)
    assert set(await api.get("/build_info")) == {"api", "engine"}

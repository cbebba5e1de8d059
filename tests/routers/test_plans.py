"""Plans through the API: made, shown, stored and executed, or refused because the world moved."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.app import Parts
from stackd.db.journal import Update
from stackd.records import SavedPlan, now
from tests.routers.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEMPLATE = """
heat_template_version: 2018-08-31
parameters:
  length: {type: number, default: 8}
  password: {type: string, hidden: true, default: swordfish-one}
resources:
  word: {type: OS::Heat::RandomString, properties: {length: {get_param: length}}}
  shown: {type: OS::Heat::Value, properties: {value: {get_attr: [word, value]}}}
  kept: {type: OS::Heat::Value, properties: {value: {get_param: password}}}
  inner: {type: inner.yaml, properties: {text: constant}}
"""
INNER = """
heat_template_version: 2018-08-31
parameters: {text: {type: string}}
resources:
  value: {type: OS::Heat::Value, properties: {value: {get_param: text}}}
outputs: {value: {value: {get_attr: [value, value]}}}
"""
FILES = {"inner.yaml": INNER}
NET = """
heat_template_version: 2018-08-31
parameters: {label: {type: string, default: one}}
resources:
  net: {type: OS::Neutron::Net, properties: {name: {get_param: label}}}
"""


def body(**more: Any) -> dict[str, Any]:
    return {"template": TEMPLATE, "files": FILES} | more


async def planned(api: Api, path: str, code: int = 201, **more: Any) -> dict[str, Any]:
    answer = await api.call("POST", f"{path}/plans", more)
    assert answer.status_code == code, answer.text
    plan: dict[str, Any] = answer.json()["plan"]
    return plan


def verbs(plan: dict[str, Any]) -> dict[str, str]:
    return {".".join(step["path"]): step["verb"] for step in plan["steps"]}


async def executed(api: Api, plan: dict[str, Any]) -> Any:
    return await api.call("POST", f"/plans/{plan['id']}/execute")


async def refused(api: Api, plan: dict[str, Any]) -> str:
    code, kind, message = await api.refused("POST", f"/plans/{plan['id']}/execute")
    assert (code, kind) == (409, "PlanOutdated")
    assert message.startswith(f"The plan {plan['id']} cannot be executed any more: ")
    return message


async def test_plan_names_what_is_refused_and_counts_it_apart(api: Api) -> None:
    path = await api.create("fixed", TEMPLATE, files=FILES)
    restricted = {"resource_registry": {"resources": {"word": {"restricted_actions": "replace"}}}}
    more = body(parameters={"length": 9}, environment=restricted)
    plan = await planned(api, path, **more, save=True)
    (step,) = (each for each in plan["steps"] if each["path"] == ["word"])
    assert (
        step["refused"] == "replace is restricted for resource. The environment has it in restricted_actions."
    )
    assert (plan["summary"]["replace"], plan["summary"]["refused"]) == (0, 1)
    assert (await api.get(f"/plans/{plan['id']}"))["plan"] == plan
    free = await planned(api, path, **body(parameters={"length": 9}), save=True)
    assert "refused" not in str(free)
    assert free["summary"]["replace"] == 1


async def test_plan_of_an_unchanged_definition_is_empty(api: Api) -> None:
    path = await api.create("unchanged", TEMPLATE, files=FILES)
    plan = await planned(api, path, 200, save=False, **body())
    assert (plan["id"], plan["steps"], plan["summary"]["keep"]) == (None, [], 4)


async def test_saved_plan_that_nothing_has_overtaken_does_what_it_says(api: Api) -> None:
    path = await api.create("faithful", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    assert verbs(plan) == {"word": "replace", "shown": "update"}
    causes = {step["path"][0]: step["causes"] for step in plan["steps"]}
    assert causes["word"] == [
        {
            "path": "properties.length",
            "old": 8,
            "new": 9,
            "replaces": True,
            "rule": "cannot be changed in place",
        }
    ]
    assert causes["shown"][0]["unknown"] is True
    answer = await executed(api, plan)
    assert answer.status_code == 202, answer.text
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    shown = (await api.get(f"/plans/{plan['id']}"))["plan"]
    assert shown["state"] == "executed"
    assert "it was executed already" in await refused(api, plan)


async def test_no_secret_shows_in_any_form_of_a_plan(api: Api) -> None:
    path = await api.create("hiding", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"password": "swordfish-two"}))
    assert verbs(plan) == {"kept": "update"}
    listed = await api.call("GET", "/plans")
    shown = await api.call("GET", f"/plans/{plan['id']}")
    assert not any("swordfish" in text for text in (str(plan), listed.text, shown.text))


async def test_plan_is_refused_after_an_update_and_names_what_moved(api: Api) -> None:
    path = await api.create("updated", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    assert (await api.call("PUT", path, body(parameters={"length": 10}))).status_code == 202
    await api.settled(path)
    message = await refused(api, plan)
    assert "parameters.length is new" in message
    assert "resources.word changed" in message


async def test_plan_is_refused_after_a_changed_nested_template(api: Api) -> None:
    path = await api.create("nested", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    other = {"inner.yaml": INNER + "# changed\n"}
    assert (await api.call("PUT", path, body(files=other))).status_code == 202
    await api.settled(path)
    assert "files.inner.yaml changed" in await refused(api, plan)


async def test_plan_is_refused_when_an_object_has_gone_from_the_cloud(api: Api, parts: Parts) -> None:
    path = await api.create("bereft", NET)
    plan = await planned(api, path, template=NET, parameters={"label": "two"})
    assert verbs(plan) == {"net": "update"}
    net = (await api.get(f"{path}/resources/net"))["resource"]["physical_resource_id"]
    cloud = parts.engine.trusts.of_service()
    await cloud.service("network").delete(f"/networks/{net}")
    assert "resources.net changed" in await refused(api, plan)
    again = await planned(api, path, template=NET, parameters={"label": "two"})
    assert verbs(again) == {"net": "replace"}
    assert (await executed(api, again)).status_code == 202
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"


async def test_plan_of_a_new_stack_makes_it(api: Api) -> None:
    answer = await api.call("POST", "/stacks/plans", body(stack_name="fresh"))
    assert answer.status_code == 201, answer.text
    plan = answer.json()["plan"]
    assert set(verbs(plan).values()) == {"create"}
    assert verbs(plan).keys() == {"word", "shown", "kept", "inner", "inner.value"}
    made = await executed(api, plan)
    assert made.status_code == 202, made.text
    stack = await api.settled(f"/stacks/fresh/{made.json()['stack']['id']}")
    assert stack["stack_status"] == "CREATE_COMPLETE"


async def test_plan_of_a_deletion_shows_what_goes_inside_out(api: Api) -> None:
    path = await api.create("doomed", TEMPLATE, files=FILES)
    plan = await planned(api, path, action="delete")
    assert verbs(plan) == dict.fromkeys(("word", "shown", "kept", "inner", "inner.value"), "delete")
    assert (await executed(api, plan)).status_code == 202


async def test_plan_that_has_expired_is_refused(api: Api, parts: Parts) -> None:
    path = await api.create("late", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    await parts.engine.services.journal.write(Update(SavedPlan, plan["id"], {"expires_at": now()}))
    assert "it expired at" in await refused(api, plan)


async def test_plans_are_listed_by_stack_and_can_be_removed(api: Api) -> None:
    path = await api.create("listed", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body())
    listed = (await api.get("/plans", params={"stack_id": plan["stack_id"]}))["plans"]
    assert [each["id"] for each in listed] == [plan["id"]]
    assert "steps" not in listed[0]
    assert (await api.call("DELETE", f"/plans/{plan['id']}")).status_code == 204
    assert (await api.call("GET", f"/plans/{plan['id']}")).status_code == 404


async def test_plans_belong_to_their_project(api: Api, admin: Api) -> None:
    path = await api.create("private", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body())
    assert (await admin.call("GET", f"/plans/{plan['id']}")).status_code == 404
    assert (await admin.get("/plans"))["plans"] == []


async def test_unknown_action_is_refused(api: Api) -> None:
    path = await api.create("strange", TEMPLATE, files=FILES)
    code, _, message = await api.refused("POST", f"{path}/plans", {"action": "explode"})
    assert (code, message) == (400, "There is no plan of the action explode; use update or delete.")


RESTRICTED = {"resource_registry": {"resources": {"word": {"restricted_actions": "replace"}}}}


async def state(api: Api, plan: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """The state of a plan, shown and listed alike, and the reasons."""
    shown = (await api.get(f"/plans/{plan['id']}"))["plan"]
    (listed,) = (each for each in (await api.get("/plans"))["plans"] if each["id"] == plan["id"])
    assert shown["state"] == listed["state"]
    return shown["state"], shown["reason"], listed["reason"]


async def test_plan_with_a_refused_step_is_not_executed_and_names_the_remedy(api: Api) -> None:
    path = await api.create("forbidding", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}, environment=RESTRICTED))
    assert plan["state"] == "refused"
    assert await state(api, plan) == ("refused", *2 * ("changes in it are refused",))
    before = await api.get(path)
    code, kind, message = await api.refused("POST", f"/plans/{plan['id']}/execute")
    assert (code, kind) == (409, "PlanRefused")
    assert message == (
        f"The plan {plan['id']} cannot be executed, as changes in it are refused. word: replace is "
        "restricted for resource. The environment has it in restricted_actions. "
        "Permit these changes or leave them out, and make a new plan."
    )
    assert await api.get(path) == before
    assert (await state(api, plan))[0] == "refused"


async def test_plan_is_outdated_once_its_stack_has_changed(api: Api) -> None:
    path = await api.create("moving", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    assert await state(api, plan) == ("ready", None, None)
    assert (await api.call("PUT", path, body())).status_code == 202
    await api.settled(path)
    assert (await state(api, plan))[0] == "ready", "an update that changes nothing is not in its way"
    assert (await api.call("PUT", path, body(parameters={"length": 10}))).status_code == 202
    await api.settled(path)
    assert await state(api, plan) == (
        "outdated",
        "parameters.length is new; resources.shown changed; resources.word changed",
        "the stack moving has changed",
    )


async def test_checks_and_rests_that_are_over_outdate_no_plan(api: Api) -> None:
    path = await api.create("checked", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    for action in ("check", "suspend", "check", "resume", "check"):
        assert (await api.call("POST", f"{path}/actions", {action: None})).status_code == 200
        await api.settled(path)
        rests = (await api.get(path))["stack"]["stack_status"] == "SUSPEND_COMPLETE"
        assert not rests or (await state(api, plan))[0] == "outdated"
    assert (await state(api, plan))[0] == "ready"
    assert (await executed(api, plan)).status_code == 202
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"


async def test_field_of_the_wrong_type_is_named(api: Api) -> None:
    path = await api.create("typed", NET)
    _, _, message = await api.refused("POST", f"{path}/plans", {"action": 5, "existing": True})
    assert message == "The value of 'action' is wrong: Input should be a valid string."


async def test_plan_is_outdated_once_a_resource_was_marked_unhealthy(api: Api) -> None:
    path = await api.create("ailing", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    assert (await api.call("PATCH", f"{path}/resources/kept", {"mark_unhealthy": True})).status_code == 200
    found = await state(api, plan)
    assert found[:2] == ("outdated", "resources.kept changed")


async def test_plan_is_outdated_once_its_stack_is_deleted(api: Api) -> None:
    path = await api.create("leaving", NET)
    plan = await planned(api, path, template=NET, parameters={"label": "two"})
    assert (await api.call("DELETE", path)).status_code == 204
    await api.settled(path)
    gone = "the stack leaving is gone"
    assert await state(api, plan) == ("outdated", gone, gone)
    assert (await refused(api, plan)).endswith(f"{gone}. Make a new plan.")


async def test_plan_of_a_new_stack_is_outdated_once_its_name_is_taken(api: Api) -> None:
    plan = (await api.call("POST", "/stacks/plans", {"stack_name": "wanted", "template": NET})).json()["plan"]
    assert (await state(api, plan))[0] == "ready"
    await api.create("wanted", NET)
    taken = "a stack wanted exists meanwhile"
    assert await state(api, plan) == ("outdated", taken, taken)


async def test_plan_that_was_made_with_an_object_gone_stays_ready(api: Api, parts: Parts) -> None:
    path = await api.create("repairing", NET)
    net = (await api.get(f"{path}/resources/net"))["resource"]["physical_resource_id"]
    await parts.engine.trusts.of_service().service("network").delete(f"/networks/{net}")
    plan = await planned(api, path, template=NET)
    assert verbs(plan) == {"net": "replace"}
    assert (await state(api, plan))[0] == "ready"


async def test_plan_that_has_expired_says_so(api: Api, parts: Parts) -> None:
    path = await api.create("expiring", TEMPLATE, files=FILES)
    plan = await planned(api, path, **body(parameters={"length": 9}))
    await parts.engine.services.journal.write(Update(SavedPlan, plan["id"], {"expires_at": now()}))
    found, why, _ = await state(api, plan)
    assert found == "expired"
    assert (why or "").startswith("it expired at ")


async def test_administrators_plan_of_another_projects_stack_can_be_executed(api: Api, admin: Api) -> None:
    path = await api.create("foreign", NET)
    plan = await planned(admin, path, template=NET, parameters={"label": "two"})
    assert (await state(admin, plan))[0] == "ready"
    answer = await executed(admin, plan)
    assert answer.status_code == 202, answer.text
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"


def exporting(name: str) -> dict[str, Any]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Text": {"Type": "String", "Default": "one"}},
        "Outputs": {"Text": {"Value": {"Ref": "Text"}, "Export": {"Name": name}}},
    }


def valued(value: Any) -> dict[str, Any]:
    value_of = {"Type": "OS::Heat::Value", "Properties": {"value": value}}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Kept": value_of}}


@pytest.mark.parametrize("exists", [True, False])
async def test_plan_that_begins_to_import_a_value_is_outdated_once_that_changes(
    exists: bool, api: Api
) -> None:
    name = f"text-{exists}"
    source = await api.create(f"exporting-{exists}", exporting(name))
    importing = valued({"Fn::ImportValue": name})
    if exists:
        path = await api.create("importing", valued("none"))
        plan = await planned(api, path, template=importing)
        assert plan["steps"][0]["causes"][0]["new"] == "one"
    else:
        answer = await api.call("POST", "/stacks/plans", {"stack_name": "importer", "template": importing})
        plan = answer.json()["plan"]
    assert (await state(api, plan))[0] == "ready"
    changed = {"template": exporting(name), "parameters": {"Text": "two"}}
    assert (await api.call("PUT", source, changed)).status_code == 202
    await api.settled(source)
    moved = f"exports.{name} changed"
    assert await state(api, plan) == ("outdated", moved, moved)
    assert moved in await refused(api, plan)
    assert (await api.call("DELETE", source)).status_code == 204
    await api.settled(source)
    assert f"exports.{name} is gone" in await refused(api, plan)


async def test_plan_that_imports_a_value_that_stays_is_executed(api: Api) -> None:
    await api.create("constant", exporting("constant"))
    path = await api.create("importing-it", valued("none"))
    plan = await planned(api, path, template=valued({"Fn::ImportValue": "constant"}))
    assert (await executed(api, plan)).status_code == 202
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"


async def test_plan_of_an_older_version_says_so(api: Api, parts: Parts) -> None:
    path = await api.create("upgraded", NET)
    plan = await planned(api, path, template=NET, parameters={"label": "two"})
    older = {"options": {"summary": plan["summary"], "tags": None}}
    await parts.engine.services.journal.write(Update(SavedPlan, plan["id"], older))
    why = "it was made by an older version of the server"
    assert await state(api, plan) == ("outdated", why, why)
    assert why in await refused(api, plan)

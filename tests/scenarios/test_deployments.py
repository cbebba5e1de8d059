"""Software deployments from the template to the guest and back, on the dev cloud."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.scenarios.agent import Agent, agent
from tests.scenarios.deployed import (
    attributes,
    begin,
    change,
    config,
    deployment,
    is_clean,
    machine,
    pending,
    record_of,
    section,
    value,
)
from tests.support.templates import hot
from tests.support.waiting import until

SIGNALS = ("CFN_SIGNAL", "HEAT_SIGNAL", "TEMP_URL_SIGNAL", "ZAQAR_SIGNAL", "NO_SIGNAL")


@pytest_asyncio.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Agent]:
    async with agent(tmp_path) as made:
        yield made


async def test_every_transport_of_signals_brings_the_outputs(guest: Agent) -> None:
    api = guest.native
    template = hot({"machine": machine(), "config": config()} | {how: deployment(how) for how in SIGNALS})
    path = await begin(api, "all", template)
    for each in await pending(guest, await section(api, path), len(SIGNALS)):
        how = value(each, "deploy_resource_name")
        status = await guest.run(each, deploy_stdout=f"by {how}", deploy_status_code=0, result=how)
        assert status in (0, 200, 201)
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
    for how in SIGNALS[:-1]:
        shown = await attributes(api, path, how)
        assert (shown["deploy_stdout"], shown["deploy_status_code"]) == (f"by {how}", 0)
        record = await record_of(api, path, how)
        assert record["output_values"]["result"] == how
        assert (record["status"], record["status_reason"]) == ("COMPLETE", "Outputs received")
    assert (await api.call("DELETE", path)).status_code == 204
    await api.settled(path)
    await until(lambda: is_clean(guest.made))


@pytest.mark.parametrize("family", ["Software", "Structured"])
async def test_declared_output_is_null_and_another_an_error_until_the_guest_gives_them(
    guest: Agent, family: str
) -> None:
    api = guest.native
    single = deployment("HEAT_SIGNAL") | {"type": f"OS::Heat::{family}Deployment"}
    content: dict[str, Any] = {} if family == "Software" else {"config": {"up": True}}
    of = config(**content) | {"type": f"OS::Heat::{family}Config"}
    many = deployment("HEAT_SIGNAL", servers={"one": {"get_resource": "machine"}})
    many["properties"].pop("server")
    template = hot(
        {
            "machine": machine(),
            "config": of,
            "dep": single,
            "group": many | {"type": f"OS::Heat::{family}DeploymentGroup"},
        }
    )
    template["outputs"] = {
        "declared": {"value": {"get_attr": ["dep", "result"]}},
        "undeclared": {"value": {"get_attr": ["dep", "nothing"]}},
        "grouped": {"value": {"get_attr": ["group", "result"]}},
        "of_none": {"value": {"get_attr": ["group", "nothing"]}},
    }
    path = await begin(api, "early", template)
    waiting = await pending(guest, await section(api, path), 2)
    early = {each["output_key"]: each for each in (await api.get(path))["stack"]["outputs"]}
    assert early["declared"]["output_value"] is None
    assert "output_error" not in early["declared"]
    assert early["grouped"]["output_value"] is None
    assert "output_error" not in early["grouped"]
    incorrect = "The Referenced Attribute ({} nothing) is incorrect."
    assert early["undeclared"]["output_error"] == incorrect.format("dep")
    for each in waiting:
        assert await guest.run(each, deploy_status_code=0, result="up") == 200
    outputs = {each["output_key"]: each for each in (await api.settled(path))["outputs"]}
    assert outputs["declared"]["output_value"] == "up"
    assert outputs["grouped"]["output_value"] == {"one": "up"}
    assert "output_error" in outputs["undeclared"]


async def test_guest_signals_to_a_nested_stack_that_is_newer_than_the_project_of_its_users(
    guest: Agent,
) -> None:
    api = guest.native
    group = deployment("HEAT_SIGNAL", servers={"one": {"get_resource": "machine"}})
    group |= {"type": "OS::Heat::SoftwareDeploymentGroup", "depends_on": "first"}
    del group["properties"]["server"]
    first = {"type": "OS::Heat::WaitConditionHandle"}
    path = await begin(
        api, "newer", hot({"first": first, "machine": machine(), "config": config(), "group": group})
    )
    [each] = await pending(guest, await section(api, path))
    assert await guest.run(each, deploy_status_code=0) == 200
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]


@pytest.mark.parametrize("how", SIGNALS[:-1])
async def test_every_transport_of_signals_brings_a_failure(guest: Agent, how: str) -> None:
    api = guest.native
    path = await begin(api, "bad", hot({"machine": machine(), "config": config(), "d": deployment(how)}))
    [each] = await pending(guest, await section(api, path))
    await guest.run(each, deploy_status_code="0", trouble="no disk")
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_FAILED"
    reason = "Error: resources.d: Deployment to server failed: trouble : no disk"
    assert stack["stack_status_reason"] == f"Resource CREATE failed: {reason}"


async def test_signal_counts_whatever_status_a_client_has_set_before(guest: Agent) -> None:
    api = guest.native
    path = await begin(
        api, "odd", hot({"machine": machine(), "config": config(), "d": deployment("HEAT_SIGNAL")})
    )
    [each] = await pending(guest, await section(api, path))
    record = await record_of(api, path, "d")
    odd = await api.call("PUT", f"/software_deployments/{record['id']}", {"status": "STATUS_0"})
    assert odd.json()["software_deployment"]["status"] == "STATUS_0"
    await guest.run(each, deploy_status_code=0, result="done")
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
    assert (await record_of(api, path, "d"))["status"] == "COMPLETE"


async def test_timeout_names_the_server_and_cancels_the_deployment(guest: Agent) -> None:
    api = guest.native
    template = hot({"machine": machine(), "config": config(), "d": deployment("HEAT_SIGNAL")})
    path = await begin(api, "late", template, timeout_mins=1)
    [each] = await pending(guest, await section(api, path))
    stack = await api.settled(path)
    assert stack["stack_status"] == "CREATE_FAILED"
    assert "Timed out" in stack["stack_status_reason"]
    row = (await api.get(f"{path}/resources/d"))["resource"]
    assert row["resource_status_reason"] == "ResourceFailure: resources.d: CREATE aborted (Timed out)"
    record = await record_of(api, path, "d")
    assert (record["status"], record["status_reason"]) == ("FAILED", "Deployment cancelled.")
    assert await guest.run(each, deploy_status_code=0) == 200
    assert (await record_of(api, path, "d"))["status"] == "FAILED"


async def test_update_does_not_wait_for_what_the_one_before_had_the_guest_do(guest: Agent) -> None:
    api = guest.native

    def of(text: str) -> Any:
        waits = deployment("CFN_SIGNAL", input_values={"who": text})
        return hot({"machine": machine(), "config": config(), "d": waits})

    path = await begin(api, "hangs", of("hangs"))
    settings = await section(api, path)
    [hanging] = await pending(guest, settings)
    guest.deployed.add(hanging["id"])
    await change(api, path, of("works"))
    [fixed] = await pending(guest, settings)
    assert (value(fixed, "who"), value(fixed, "deploy_action")) == ("works", "CREATE")
    await guest.notify(hanging, {"deploy_status_code": 1})
    await guest.run(fixed, deploy_status_code=0)
    stack = await api.settled(path)
    assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]


async def test_rollback_does_not_wait_for_what_the_update_had_the_guest_do(guest: Agent) -> None:
    api = guest.native

    def of(text: str, **more: Any) -> Any:
        waits = deployment("CFN_SIGNAL", input_values={"who": text})
        return hot({"machine": machine(), "config": config(), "d": waits, **more})

    path = await begin(api, "back", of("good"))
    settings = await section(api, path)
    [good] = await pending(guest, settings)
    await guest.run(good, deploy_status_code=0)
    assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"
    failing = {"type": "OS::Heat::TestResource", "properties": {"fail": True, "wait_secs": 5}}
    await change(api, path, of("hangs", bad=failing), disable_rollback=False)
    [hanging] = await pending(guest, settings)
    guest.deployed.add(hanging["id"])
    [again] = await pending(guest, settings)
    assert (value(hanging, "who"), value(again, "who")) == ("hangs", "good")
    await guest.run(again, deploy_status_code=0)
    stack = await api.settled(path)
    assert stack["stack_status"] == "ROLLBACK_COMPLETE", stack["stack_status_reason"]


@pytest.mark.parametrize("how", ["CFN_SIGNAL", "HEAT_SIGNAL"])
async def test_replaced_deployment_and_its_successor_hear_their_own_guests(guest: Agent, how: str) -> None:
    api = guest.native
    source = config(inputs=[{"name": "who", "replace_on_change": True}])

    def of(who: str) -> Any:
        given = deployment(how, input_values={"who": who}, actions=["CREATE", "DELETE"])
        return hot({"machine": machine(), "config": source, "d": given})

    path = await begin(api, "replaced", of("one"))
    settings = await section(api, path)
    for who, action in (("one", "CREATE"), ("two", "CREATE"), ("one", "DELETE")):
        [each] = await pending(guest, settings)
        assert (value(each, "who"), value(each, "deploy_action")) == (who, action)
        await guest.run(each, deploy_status_code=0)
        if action == "CREATE" and who == "one":
            assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"
            await change(api, path, of("two"))
    stack = await api.settled(path)
    assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
    assert (await record_of(api, path, "d"))["input_values"] == {"who": "two"}


async def test_strict_validation_needs_every_input(guest: Agent) -> None:
    source = {"type": "OS::Heat::StructuredConfig", "properties": {"config": {"a": {"get_input": "x"}}}}

    def of(validate: str) -> Any:
        given = deployment("NO_SIGNAL", input_values_validate=validate)
        given["type"] = "OS::Heat::StructuredDeployment"
        return hot({"machine": machine(), "config": source, "d": given})

    api = guest.native
    path = await api.create("strict", of("STRICT"))
    stack = (await api.get(path))["stack"]
    assert stack["stack_status"] == "CREATE_FAILED"
    assert "UserParameterMissing: resources.d: " in stack["stack_status_reason"]
    assert "The Parameter (x) was not provided." in stack["stack_status_reason"]
    lax = await api.create("lax", of("LAX"))
    metadata = (await api.get(f"{lax}/resources/machine/metadata"))["metadata"]
    assert [each["config"] for each in metadata["deployments"]] == [{"a": None}]


async def test_client_sees_the_signal_that_a_guest_wrote_for_a_deployment_of_its_own(guest: Agent) -> None:
    """What the command line client does for TEMP_URL_SIGNAL: it makes the object and its URL itself."""
    api = guest.native
    handles = hot({"handle": {"type": "OS::Heat::SwiftSignalHandle"}})
    path = await api.create("object", handles)
    url = (await attributes(api, path, "handle"))["endpoint"]
    await guest.outside.put(url, content=b"")
    inputs = [
        {"name": "deploy_signal_transport", "value": "TEMP_URL_SIGNAL"},
        {"name": "deploy_signal_id", "value": url},
        {"name": "deploy_signal_verb", "value": "PUT"},
    ]
    body = {"config": "up", "inputs": inputs, "outputs": [{"name": "result"}]}
    made = (await api.call("POST", "/software_configs", body)).json()["software_config"]
    wanted = {"config_id": made["id"], "server_id": "theirs", "action": "UPDATE", "status": "IN_PROGRESS"}
    answer = await api.call("POST", "/software_deployments", wanted)
    one = f"/software_deployments/{answer.json()['software_deployment']['id']}"
    assert (await api.get(one))["software_deployment"]["status"] == "IN_PROGRESS"
    await guest.outside.put(url, content=b"{ no JSON")
    assert (await api.get(one))["software_deployment"]["status"] == "IN_PROGRESS"
    outputs = {"result": "it works", "deploy_status_code": 0, "other": "x"}
    await guest.outside.put(url, content=json.dumps(outputs).encode())
    seen = (await api.get(one))["software_deployment"]
    assert (seen["status"], seen["status_reason"]) == ("COMPLETE", "Outputs received")
    assert seen["output_values"] == {"result": "it works", "deploy_status_code": 0}

"""What servers get to do by each transport of their metadata, on the dev cloud."""

from __future__ import annotations

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
    section,
    value,
)
from tests.support.templates import hot
from tests.support.waiting import until


@pytest_asyncio.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Agent]:
    async with agent(tmp_path) as made:
        yield made


@pytest.mark.parametrize("transport", ["POLL_SERVER_HEAT", "POLL_TEMP_URL", "ZAQAR_MESSAGE"])
async def test_every_transport_of_metadata_brings_each_change(guest: Agent, transport: str) -> None:
    api = guest.native

    def of(who: str, *more: str) -> Any:
        actions = ["CREATE", "UPDATE", "DELETE"]
        given = {
            name: deployment("CFN_SIGNAL", name=name, input_values={"who": who}, actions=actions)
            for name in ("a", *more)
        }
        return hot({"machine": machine(transport), "config": config()} | given)

    path = await begin(api, "changes", of("one"))
    settings = await section(api, path)
    [first] = await pending(guest, settings)
    assert (value(first, "who"), value(first, "deploy_action")) == ("one", "CREATE")
    assert await guest.run(first, deploy_status_code=0) == 200
    assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"

    await change(api, path, of("two", "b"))
    seen = await pending(guest, settings, 2)
    actions = {each["name"]: value(each, "deploy_action") for each in seen}
    assert actions == {"a": "UPDATE", "b": "CREATE"}
    assert first["id"] not in [each["id"] for each in seen]
    for each in seen:
        await guest.run(each, deploy_status_code=0)
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"

    await change(api, path, of("two"))
    [gone] = [each for each in await pending(guest, settings) if value(each, "deploy_action") == "DELETE"]
    assert gone["name"] == "b"
    await guest.run(gone, deploy_status_code=0)
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    last = {"deployments": [{"name": "a"}]}
    while (found := await guest.collect(settings)) is not None:
        last = found
        if transport != "ZAQAR_MESSAGE":
            break
    assert [each["name"] for each in last["deployments"]] == ["a"]

    assert (await api.call("DELETE", path)).status_code == 204
    [undone] = await pending(guest, settings)
    assert (undone["name"], value(undone, "deploy_action")) == ("a", "DELETE")
    await guest.run(undone, deploy_status_code=0)
    await api.settled(path)
    await until(lambda: is_clean(guest.made))


async def test_group_reaches_its_servers_in_the_stack_around_it(guest: Agent) -> None:
    api = guest.native
    properties = {
        "config": {"get_resource": "config"},
        "servers": {"one": {"get_resource": "machine"}},
        "signal_transport": "CFN_SIGNAL",
        "actions": ["CREATE", "DELETE"],
    }
    group = {"type": "OS::Heat::SoftwareDeploymentGroup", "properties": properties}
    template = hot({"machine": machine("POLL_TEMP_URL"), "config": config(), "group": group})
    path = await begin(api, "group", template)
    settings = await section(api, path)
    [each] = await pending(guest, settings)
    await guest.run(each, deploy_stdout="done", deploy_status_code=0)
    assert (await api.settled(path))["stack_status"] == "CREATE_COMPLETE"
    assert (await attributes(api, path, "group"))["deploy_stdouts"] == {"one": "done"}
    assert (await api.call("DELETE", path)).status_code == 204
    [each] = await pending(guest, settings)
    assert value(each, "deploy_action") == "DELETE"
    await guest.run(each, deploy_status_code=0)
    await api.settled(path)
    await until(lambda: is_clean(guest.made))


@pytest.mark.parametrize("transport", ["POLL_TEMP_URL", "ZAQAR_MESSAGE"])
async def test_deployments_that_a_client_makes_reach_the_server_of_a_stack(
    guest: Agent, transport: str
) -> None:
    api = guest.native
    path = await api.create("machine", hot({"machine": machine(transport)}))
    settings = await section(api, path)
    server = (await api.get(f"{path}/resources/machine"))["resource"]["physical_resource_id"]
    configs = [
        (await api.call("POST", "/software_configs", {"name": name})).json()["software_config"]["id"]
        for name in ("first", "second")
    ]
    answer = await api.call("POST", "/software_deployments", {"config_id": configs[0], "server_id": server})
    one = f"/software_deployments/{answer.json()['software_deployment']['id']}"
    assert [each["name"] for each in await pending(guest, settings)] == ["first"]
    guest.deployed.add(configs[0])
    assert (await api.call("PUT", one, {"config_id": configs[1]})).status_code == 200
    assert [each["name"] for each in await pending(guest, settings)] == ["second"]
    assert (await api.call("DELETE", one)).status_code == 204
    assert (await guest.collect(settings) or {})["deployments"] == []


@pytest.mark.parametrize("how", ["HEAT_SIGNAL", "CFN_SIGNAL"])
async def test_guest_signals_what_it_does_before_it_rests(guest: Agent, how: str) -> None:
    api = guest.native
    given = deployment(how, actions=["SUSPEND", "RESUME"])
    path = await api.create("rests", hot({"machine": machine(), "config": config(), "d": given}))
    settings = await section(api, path)
    for action in ("suspend", "resume"):
        assert (await api.call("POST", f"{path}/actions", {action: None})).status_code == 200
        [each] = await pending(guest, settings)
        assert value(each, "deploy_action") == action.upper()
        await guest.run(each, deploy_status_code=0)
        stack = await api.settled(path)
        assert stack["stack_status"] == f"{action.upper()}_COMPLETE", stack["stack_status_reason"]


async def test_stack_goes_although_the_config_of_its_deployment_is_gone(guest: Agent) -> None:
    api = guest.native
    made = (await api.call("POST", "/software_configs", {"name": "mine"})).json()["software_config"]["id"]
    given = deployment("NO_SIGNAL", config=made, actions=["CREATE", "DELETE"])
    path = await api.create("goes", hot({"machine": machine(), "d": given}))
    assert (await api.call("DELETE", f"/software_configs/{made}")).status_code == 204
    assert (await api.call("DELETE", path)).status_code == 204
    assert (await api.settled(path))["stack_status"] == "DELETE_COMPLETE"


@pytest.mark.parametrize("transport", ["POLL_SERVER_HEAT", "POLL_TEMP_URL"])
async def test_server_gets_new_metadata_of_the_template_and_keeps_the_rest(
    guest: Agent, transport: str
) -> None:
    api = guest.native

    def of(text: str) -> Any:
        told = machine(transport) | {"metadata": {"text": text, "os-collect-config": {"command": text}}}
        return hot({"machine": told, "config": config(), "d": deployment("NO_SIGNAL")})

    path = await api.create("metadata", of("one"))
    settings = await section(api, path)
    first = await guest.collect(settings)
    assert first is not None
    assert (first["text"], len(first["deployments"])) == ("one", 1)
    await change(api, path, of("two"))
    assert (await api.settled(path))["stack_status"] == "UPDATE_COMPLETE"
    second = await guest.collect(settings)
    assert second is not None
    assert second["os-collect-config"] == settings | {"command": "two"}
    assert (second["text"], second["deployments"]) == ("two", first["deployments"])

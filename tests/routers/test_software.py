"""Software configurations and deployments through the API, as its clients and guests use it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from stackd.app import Parts
from stackd.db.journal import Insert
from stackd.engine.usecases import software
from stackd.records import Caller, SoftwareConfig, SoftwareDeployment, new_id, now
from tests.routers.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT: dict[str, Any] = {
    "name": "hello",
    "group": "script",
    "config": "#!/bin/sh\necho $who",
    "inputs": [
        {"name": "who", "default": "world"},
        {"name": "count", "type": "Number", "replace_on_change": True},
    ],
    "outputs": [{"name": "result"}, {"name": "trouble", "error_output": True}],
    "options": {"verbose": True},
}


async def made(api: Api, noun: str, **body: Any) -> dict[str, Any]:
    answer = await api.call("POST", f"/{noun}s", body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()[noun]
    return shown


async def test_config_is_created_shown_listed_and_deleted(api: Api) -> None:
    config = await made(api, "software_config", **SCRIPT)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", config.pop("creation_time"))
    path = f"/software_configs/{config.pop('id')}"
    assert config == SCRIPT | {
        "inputs": [
            {"name": "who", "type": "String", "default": "world"},
            {"name": "count", "type": "Number", "replace_on_change": True},
        ],
        "outputs": [
            {"name": "result", "type": "String", "error_output": False},
            {"name": "trouble", "type": "String", "error_output": True},
        ],
    }
    shown = (await api.get(path))["software_config"]
    assert shown["config"] == SCRIPT["config"]
    bare = await made(api, "software_config")
    assert (bare["config"], bare["inputs"], bare["outputs"], bare["options"]) == (None, [], [], {})
    listed = (await api.get("/software_configs"))["software_configs"]
    assert [each["id"] for each in listed][:2] == [bare["id"], shown["id"]]
    assert set(listed[0]) == {"id", "name", "group", "creation_time"}
    page = (await api.get(f"/software_configs?limit=1&marker={bare['id']}"))["software_configs"]
    assert [each["id"] for each in page] == [shown["id"]]
    assert (await api.call("DELETE", path)).status_code == 204
    code, kind, message = await api.refused("GET", path)
    assert (code, kind) == (404, "EntityNotFound")
    assert message == f"The Software Config ({shown['id']}) could not be found."


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"inputs": {}}, "The inputs of a software config must be a list of maps."),
        ({"outputs": ["x"]}, "outputs[0] must be a map with a name."),
        ({"inputs": [{"type": "String"}]}, "inputs[0] has no name. Give it one."),
        ({"options": []}, "The options of a software config must be a map."),
        ({"name": 3}, "The value of 'name' has the wrong type: int."),
    ],
)
async def test_malformed_config_is_refused(api: Api, body: dict[str, Any], text: str) -> None:
    code, _, message = await api.refused("POST", "/software_configs", body)
    assert (code, message) == (400, text)


async def test_deployment_lives_from_creation_to_deletion(api: Api) -> None:
    server = new_id()
    later = await made(api, "software_config", name="b", config="two")
    first = await made(api, "software_config", name="a", config="one")
    deployed = [
        await made(
            api,
            "software_deployment",
            config_id=config["id"],
            server_id=server,
            action="CREATE",
            status="IN_PROGRESS",
        )
        for config in (later, first)
    ]
    assert deployed[0]["input_values"] is None
    assert "updated_time" not in deployed[0]
    listed = (await api.get(f"/software_deployments?server_id={server}"))["software_deployments"]
    assert listed == deployed
    metadata = (await api.get(f"/software_deployments/metadata/{server}"))["metadata"]
    assert [each["config"] for each in metadata] == ["one", "two"]
    assert set(metadata[0]) == {
        "id",
        "name",
        "group",
        "creation_time",
        "config",
        "inputs",
        "outputs",
        "options",
    }
    path = f"/software_deployments/{deployed[0]['id']}"
    change = {"status": "COMPLETE", "output_values": {"result": "ok"}, "action": None, "status_reason": ""}
    answer = await api.call("PUT", path, change)
    assert answer.status_code == 200, answer.text
    shown = (await api.get(path))["software_deployment"]
    assert shown == answer.json()["software_deployment"]
    assert (shown["action"], shown["status"], shown["output_values"]) == (
        "CREATE",
        "COMPLETE",
        {"result": "ok"},
    )
    assert "updated_time" in shown
    code, _, message = await api.refused("DELETE", f"/software_configs/{later['id']}")
    assert (code, message) == (
        400,
        f"The software config {later['id']} is used by a deployment. Delete that deployment first.",
    )
    assert (await api.call("DELETE", path)).status_code == 204
    assert (await api.refused("GET", path))[
        2
    ] == f"The Software Deployment ({deployed[0]['id']}) could not be found."
    assert (await api.call("DELETE", f"/software_configs/{later['id']}")).status_code == 204
    assert len((await api.get(f"/software_deployments/metadata/{server}"))["metadata"]) == 1


async def test_deployment_without_config_or_server_is_refused(api: Api) -> None:
    config = await made(api, "software_config")
    for body in ({"server_id": "s"}, {"config_id": config["id"]}, {"config_id": "none", "server_id": "s"}):
        assert (await api.refused("POST", "/software_deployments", body))[0] == 400


async def test_other_projects_see_nothing_of_it(api: Api, parts: Parts, client: httpx.AsyncClient) -> None:
    config = await made(api, "software_config", name="mine")
    deployment = await made(api, "software_deployment", config_id=config["id"], server_id="mine")
    stranger = Caller("u2", "u2", "another-project", roles=("member", "reader"))
    engine = parts.engine
    assert await software.configs(engine, stranger, marker=None, limit=None, everywhere=False) == []
    assert await software.deployments(engine, stranger, None) == []
    assert list(await software.of_server(engine, stranger, "mine")) == []
    for call in (
        software.config(engine, stranger, config["id"]),
        software.delete_config(engine, stranger, config["id"]),
        software.deployment(engine, stranger, deployment["id"]),
        software.update_deployment(engine, stranger, deployment["id"], {"status": "FAILED"}),
        software.delete_deployment(engine, stranger, deployment["id"]),
    ):
        with pytest.raises(software.EntityNotFound):
            await call
    with pytest.raises(software.BadRequest):
        await software.create_deployment(engine, stranger, {"config_id": config["id"], "server_id": "x"})


async def test_a_change_among_200_deployments_of_a_server_is_one_write(parts: Parts, api: Api) -> None:
    engine, server = parts.engine, new_id()
    caller = Caller("u", "u", api.project, roles=("member", "reader"))
    common = {"project_id": api.project, "created_at": now()}
    configs = [
        SoftwareConfig(id=new_id(), name=f"c{n:03}", group=None, content={"config": n}, **common)
        for n in range(200)
    ]
    deployed = [
        SoftwareDeployment(
            id=new_id(),
            user_project_id="guests",
            server_id=server,
            config_id=config.id,
            action="CREATE",
            status="IN_PROGRESS",
            status_reason=None,
            **common,
        )
        for config in configs
    ]
    await engine.services.journal.write(*map(Insert, (*configs, *deployed)))
    before = engine.services.journal.commits
    await software.update_deployment(engine, caller, deployed[7].id, {"config_id": configs[9].id})
    assert engine.services.journal.commits == before + 1
    guest = Caller("g", "g", "guests", roles=("heat_stack_user",))
    seen = await software.of_server(engine, guest, server)
    assert [each.content["config"] for each in seen] == sorted([9, *range(7), *range(8, 200)])
    assert engine.services.journal.commits == before + 1


async def test_all_projects_are_listed_only_with_the_rule_for_it(api: Api) -> None:
    code, kind, _ = await api.refused("GET", "/software_configs?global_tenant=true")
    assert (code, kind) == (403, "Forbidden")

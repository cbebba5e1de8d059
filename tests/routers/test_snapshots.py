"""Snapshots over HTTP: the shapes of the answers as Heat's clients know them."""

from __future__ import annotations

import pytest

from tests.routers.conftest import Api
from tests.support.templates import hot
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEMBERS = {"id", "name", "action", "status", "status_reason", "data", "creation_time"}
DATA = {
    "name",
    "id",
    "action",
    "status",
    "template",
    "environment",
    "files",
    "resources",
    "project_id",
    "tags",
}


async def test_a_snapshot_is_taken_shown_restored_and_deleted(api: Api) -> None:
    path = await api.create("pictured", hot({"word": {"type": "OS::Heat::RandomString"}}))
    answer = await api.call("POST", f"{path}/snapshots", {"name": "first"})
    begun = answer.json()
    assert (answer.status_code, begun.keys(), begun["data"].keys()) == (
        *(200, MEMBERS),
        DATA | {"stack_user_project_id"},
    )
    assert (begun["action"], begun["status"], begun["status_reason"]) == ("CREATE", "IN_PROGRESS", None)
    assert (await api.settled(path))["stack_status"] == "SNAPSHOT_COMPLETE"

    one = f"{path}/snapshots/{begun['id']}"
    shown = (await api.get(one))["snapshot"]
    assert (await api.get(f"{path}/snapshots"))["snapshots"] == [shown]
    assert (shown["status"], shown["status_reason"]) == ("COMPLETE", "Stack SNAPSHOT completed successfully")
    assert shown["data"]["resources"]["word"]["resource_data"].keys() == {"value"}

    answer = await api.call("POST", f"{one}/restore")
    assert (answer.status_code, answer.json()["code"]) == (202, "202 Accepted")
    assert (await api.settled(path))["stack_status"] == "RESTORE_COMPLETE"
    assert (await api.call("DELETE", one)).status_code == 204

    async def is_gone() -> bool:
        return (await api.call("GET", one)).status_code == 404

    await until(is_gone)
    gone = (404, "NotFound", f"Snapshot with id {begun['id']} not found")
    assert await api.refused("GET", one) == gone
    assert (await api.call("POST", f"{path}/snapshots")).status_code == 400

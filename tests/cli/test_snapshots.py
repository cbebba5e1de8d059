"""`stackd stack snapshot` against an API made of canned answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import respx

from stackd.cli import snapshots
from stackd.cli.snapshots import _COLUMNS, _RESOURCE_COLUMNS, _with_state
from tests.cli.test_output import drawn
from tests.cli.test_stack_commands import Run, run, sent, stack, web

__all__ = ["run", "web"]

FIRST, SECOND = "60ddf012-8229-4667-a978-50c803ae1558", "7c0c7c3c-0000-4000-8000-50c803ae1559"
VOLUME = {"name": "data", "type": "OS::Cinder::Volume", "action": "SNAPSHOT", "status": "COMPLETE"}
KEPT = {"data": {**VOLUME, "resource_id": SECOND, "resource_data": {"backup_id": "b"}}}


def snapshot(id_: str = FIRST, name: str | None = "monday", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "name": name,
        "action": "CREATE",
        "status": "COMPLETE",
        "status_reason": "Stack SNAPSHOT completed successfully",
        "creation_time": "2026-01-01T00:00:00Z",
        "data": {"name": "s", "resources": KEPT},
    } | more


@pytest.fixture(autouse=True)
def _with_two(web: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots.time, "sleep", lambda seconds: None)
    web.get("/stacks/s/i").mock(return_value=stack("SNAPSHOT_COMPLETE"))
    web.get("/stacks/s/i/snapshots").respond(json={"snapshots": [snapshot(), snapshot(SECOND, "tuesday")]})
    web.get(f"/stacks/s/i/snapshots/{FIRST}").respond(json={"snapshot": snapshot()})


def test_create_gives_the_name_and_waits_for_the_end(web: respx.MockRouter, run: Run) -> None:
    begun = snapshot(status="IN_PROGRESS", status_reason=None)
    route = web.post("/stacks/s/i/snapshots").respond(json=begun)
    result = run("snapshot", "create", "s", "--name", "monday")
    assert (result.exit_code, "CREATE_IN_PROGRESS" in result.stdout) == (0, True)
    assert sent(route) == {"name": "monday"}
    result = run("snapshot", "create", "s", "--wait")
    assert (result.exit_code, "CREATE_COMPLETE" in result.stdout, FIRST in result.stdout) == (0, True, True)
    assert sent(route) == {}
    web.get("/stacks/s/i").mock(return_value=stack("SNAPSHOT_FAILED"))
    result = run("snapshot", "create", "s", "--wait")
    assert (result.exit_code, "s is SNAPSHOT_FAILED: why" in result.stderr) == (1, True)


def test_list_shows_all_and_json_the_whole_answer(run: Run) -> None:
    result = run("snapshot", "list", "s")
    assert [name in result.stdout for name in ("monday", FIRST, "tuesday", SECOND)] == [True] * 4
    rows = json.loads(run("snapshot", "list", "s", "-f", "json").stdout)
    assert [row["data"]["resources"] for row in rows] == [KEPT, KEPT]


@pytest.mark.parametrize("wanted", [FIRST, "monday"])
def test_show_finds_a_snapshot_by_id_or_name_and_lists_its_resources(run: Run, wanted: str) -> None:
    result = run("snapshot", "show", "s", wanted)
    assert result.exit_code == 0, result.output
    for shown in (FIRST, "monday", "CREATE_COMPLETE", "data", "OS::Cinder::Volume", "SNAPSHOT_COMPLETE"):
        assert shown in result.stdout
    assert "backup_id" not in result.stdout
    assert json.loads(run("snapshot", "show", "s", wanted, "-f", "json").stdout)["data"]["resources"] == KEPT


def test_name_that_is_unknown_or_not_unique_is_refused(web: respx.MockRouter, run: Run) -> None:
    result = run("snapshot", "show", "s", "sunday")
    assert (result.exit_code, "There is no snapshot sunday" in result.stderr) == (3, True)
    assert "`stackd stack snapshot list s`" in result.stderr
    web.get("/stacks/s/i/snapshots").respond(json={"snapshots": [snapshot(), snapshot(SECOND)]})
    result = run("snapshot", "restore", "s", "monday", "--yes")
    assert (result.exit_code, FIRST in result.stderr, SECOND in result.stderr) == (2, True, True)


def test_delete_asks_and_goes_on_after_an_error(web: respx.MockRouter, run: Run) -> None:
    route = web.delete(f"/stacks/s/i/snapshots/{FIRST}").respond(204)
    assert run("snapshot", "delete", "s", "monday", answer="n\n").exit_code == 1
    assert not route.called
    result = run("snapshot", "delete", "s", "sunday", "monday", "--yes")
    assert (result.exit_code, route.call_count) == (3, 1)


def test_delete_waits_until_the_snapshot_is_gone(web: respx.MockRouter, run: Run) -> None:
    web.delete(f"/stacks/s/i/snapshots/{FIRST}").respond(204)
    going = httpx.Response(200, json={"snapshot": snapshot(action="DELETE", status="IN_PROGRESS")})
    gone = httpx.Response(404, json={"error": {"message": "not found"}})
    route = web.get(f"/stacks/s/i/snapshots/{FIRST}").mock(side_effect=[going, going, gone])
    assert run("snapshot", "delete", "s", "monday", "--yes", "--wait").exit_code == 0
    assert route.call_count == 3
    failed = snapshot(action="DELETE", status="FAILED", status_reason="the backup is in use")
    web.get(f"/stacks/s/i/snapshots/{FIRST}").respond(json={"snapshot": failed})
    result = run("snapshot", "delete", "s", "monday", "--yes", "--wait")
    assert (result.exit_code, "the backup is in use" in result.stderr) == (1, True)


def test_restore_asks_and_waits_for_the_end(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("RESTORE_COMPLETE"))
    route = web.post(f"/stacks/s/i/snapshots/{FIRST}/restore").respond(202)
    assert run("snapshot", "restore", "s", "monday", answer="n\n").exit_code == 1
    assert not route.called
    result = run("snapshot", "restore", "s", "monday", "--yes", "--wait")
    assert (result.exit_code, route.called, "RESTORE_COMPLETE" in result.stdout) == (0, True, True)
    web.get("/stacks/s/i").mock(return_value=stack("RESTORE_FAILED"))
    result = run("snapshot", "restore", "s", "monday", "--yes", "--wait")
    assert (result.exit_code, "s is RESTORE_FAILED: why" in result.stderr) == (1, True)


def test_ids_and_statuses_are_whole_in_80_columns() -> None:
    text, _ = drawn([_with_state(snapshot())], _COLUMNS, 80)
    assert all(word in text for word in ("monday", FIRST, "CREATE_COMPLETE"))
    text, _ = drawn([_with_state(KEPT["data"])], _RESOURCE_COLUMNS, 80)
    assert all(word in text for word in ("data", "OS::Cinder::Volume", "SNAPSHOT_COMPLETE"))

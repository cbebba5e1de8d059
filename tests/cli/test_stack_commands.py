"""The stack commands, run as a person would, against an API made of canned answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
import yaml
from click.testing import CliRunner, Result

from stackd.cli import following
from stackd.cli.main import cli

BASE = "http://heat/v1/p"
ENVIRON = {"OS_AUTH_TYPE": "none", "OS_PROJECT_ID": "p", "OS_ORCHESTRATION_ENDPOINT": "http://heat"}
SELF = [{"rel": "self", "href": f"{BASE}/stacks/s/i"}]
LINKS = [{"rel": "stack", "href": f"{BASE}/stacks/s/i"}]

Run = Callable[..., Result]


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    with respx.mock(using="httpx", base_url=BASE, assert_all_called=False) as router:
        router.get("/stacks/s").respond(302, headers={"Location": f"{BASE}/stacks/s/i"})
        router.get("/stacks/s/i/events").respond(json={"events": []})
        router.get("/stacks/s/i/resources").respond(json={"resources": []})
        yield router


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `stackd stack ARGUMENTS` where `t.yaml` is a template."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(following.time, "sleep", lambda seconds: None)
    (tmp_path / "t.yaml").write_text("heat_template_version: rocky\n")

    def invoke(*arguments: str, answer: str | None = None) -> Result:
        return CliRunner(env=ENVIRON).invoke(cli, ["stack", *arguments], input=answer)

    return invoke


def stack(status: str, **more: Any) -> httpx.Response:
    shown = {
        "id": "i",
        "stack_name": "s",
        "stack_status": status,
        "stack_status_reason": "why",
        "links": SELF,
    }
    return httpx.Response(200, json={"stack": shown | {"disable_rollback": True} | more})


def event(name: str, status: str, reason: str = "state changed") -> dict[str, Any]:
    return {
        "id": f"{name}{status}",
        "event_time": "2026-01-01T00:00:00Z",
        "resource_name": name,
        "resource_status": status,
        "resource_status_reason": reason,
        "physical_resource_id": None,
        "links": LINKS,
    }


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


def test_create_sends_template_parameters_and_options(
    web: respx.MockRouter, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA")
    route = web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_IN_PROGRESS"))
    result = run(
        *("create", "s", "-t", "t.yaml", "-p", "a=1=2", "-p", "b=", "-F", "key=key.pub"),
        *("--timeout", "5", "--tags", "x,y", "--rollback"),
    )
    assert result.exit_code == 0, result.output
    assert "CREATE_IN_PROGRESS" in result.output
    assert sent(route) == {
        "stack_name": "s",
        "template": "heat_template_version: rocky\n",
        "files": {},
        "parameters": {"a": "1=2", "b": "", "key": "ssh-ed25519 AAAA"},
        "timeout_mins": 5,
        "tags": "x,y",
        "disable_rollback": False,
    }


def test_create_with_wait_prints_events_then_outputs(web: respx.MockRouter, run: Run) -> None:
    web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    outputs = [{"output_key": "ip", "output_value": "10.0.0.9", "description": "Where"}]
    web.get("/stacks/s/i").mock(
        side_effect=[
            stack("CREATE_IN_PROGRESS"),
            stack("CREATE_COMPLETE"),
            stack("CREATE_COMPLETE", outputs=outputs),
        ]
    )
    events = web.get("/stacks/s/i/events").mock(
        side_effect=[
            httpx.Response(200, json={"events": [event("web", "CREATE_IN_PROGRESS")]}),
            httpx.Response(200, json={"events": [event("web", "CREATE_COMPLETE")]}),
        ]
    )
    result = run("create", "s", "-t", "t.yaml", "--wait")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "2026-01-01T00:00:00Z  CREATE_IN_PROGRESS  web",
        "2026-01-01T00:00:00Z  CREATE_COMPLETE     web",
    ]
    assert "10.0.0.9" in result.stdout
    assert events.calls.last.request.url.params["marker"] == "webCREATE_IN_PROGRESS"


def test_create_that_fails_names_the_resources_that_did(web: respx.MockRouter, run: Run) -> None:
    web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_FAILED"))
    failed = {
        "resource_name": "vm",
        "resource_type": "OS::Nova::Server",
        "resource_status": "CREATE_FAILED",
        "resource_status_reason": "No quota",
        "parent_resource": "tier",
        "links": LINKS,
    }
    web.get("/stacks/s/i/resources").respond(json={"resources": [failed]})
    result = run("create", "s", "-t", "t.yaml", "--wait")
    assert result.exit_code == 1
    assert "s is CREATE_FAILED: why\n  tier/vm (OS::Nova::Server): No quota" in result.stderr


def test_failure_that_is_rolled_back_is_awaited(web: respx.MockRouter, run: Run) -> None:
    web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    statuses = ["CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    web.get("/stacks/s/i").mock(side_effect=[stack(status, disable_rollback=False) for status in statuses])
    result = run("create", "s", "-t", "t.yaml", "--rollback", "--wait")
    assert result.exit_code == 1
    assert "s is ROLLBACK_COMPLETE" in result.stderr


def test_create_of_an_existing_name_is_bad_input_with_the_servers_words(
    web: respx.MockRouter, run: Run
) -> None:
    web.post("/stacks").respond(409, json={"error": {"message": "The Stack (s) already exists."}})
    result = run("create", "s", "-t", "t.yaml")
    assert (result.exit_code, result.stderr) == (2, "Error: The Stack (s) already exists.\n")


def test_create_without_template_is_bad_input(run: Run) -> None:
    result = run("create", "s")
    assert result.exit_code == 2
    assert "Remedy: Give it with --template FILE." in result.stderr


def test_template_url_is_left_to_the_server(web: respx.MockRouter, run: Run) -> None:
    route = web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_IN_PROGRESS"))
    assert run("create", "s", "--template-url", "http://h.test/t").exit_code == 0
    assert sent(route)["template_url"] == "http://h.test/t"
    assert "template" not in sent(route)


def test_two_templates_are_bad_input(run: Run) -> None:
    result = run("create", "s", "-t", "t.yaml", "--template-url", "http://h.test/t")
    assert (result.exit_code, "There are two templates." in result.stderr) == (2, True)


def test_nothing_is_read_that_a_container_has(web: respx.MockRouter, run: Run, tmp_path: Path) -> None:
    text = "heat_template_version: rocky\nresources:\n  a: {type: nested/a.yaml}\n"
    (tmp_path / "outer.yaml").write_text(text)
    route = web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_IN_PROGRESS"))
    result = run("create", "s", "-t", "outer.yaml", "-s", "box", "-e", "env.yaml", "-e", "more.yaml")
    assert result.exit_code == 0, result.output
    body = sent(route)
    assert (body["template"], body["files"], body["files_container"]) == (text, {}, "box")
    assert body["environment_files"] == ["env.yaml", "more.yaml"]


def test_update_takes_a_template_url(web: respx.MockRouter, run: Run) -> None:
    route = web.put("/stacks/s/i").respond(202, json={})
    web.get("/stacks/s/i").mock(return_value=stack("UPDATE_IN_PROGRESS"))
    assert run("update", "s", "--template-url", "http://h.test/t").exit_code == 0
    assert sent(route)["template_url"] == "http://h.test/t"


def test_parameter_without_equals_sign_is_bad_input(run: Run) -> None:
    assert run("create", "s", "-t", "t.yaml", "-p", "oops").exit_code == 2


def test_update_follows_only_what_is_new(web: respx.MockRouter, run: Run) -> None:
    events = web.get("/stacks/s/i/events").mock(
        side_effect=[
            httpx.Response(200, json={"events": [event("old", "CREATE_COMPLETE")]}),
            httpx.Response(200, json={"events": [event("new", "UPDATE_COMPLETE")]}),
        ]
    )
    web.get("/stacks/s/i").mock(return_value=stack("UPDATE_COMPLETE"))
    route = web.put("/stacks/s/i").respond(202, json={})
    result = run("update", "s", "-t", "t.yaml", "--converge", "--wait")
    assert result.exit_code == 0, result.output
    assert events.calls.last.request.url.params["marker"] == "oldCREATE_COMPLETE"
    assert sent(route)["converge"] is True
    assert "disable_rollback" not in sent(route)


def test_update_of_the_existing_is_a_patch_without_template(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("UPDATE_IN_PROGRESS"))
    route = web.patch("/stacks/s/i").respond(202, json={})
    assert run("update", "s", "--existing", "-p", "n=2", "--clear-parameter", "m").exit_code == 0
    assert sent(route) == {"files": {}, "parameters": {"n": "2"}, "clear_parameters": ["m"]}


def test_update_needs_a_template_unless_existing(run: Run) -> None:
    assert run("update", "s").exit_code == 2


def test_dry_run_shows_changes_and_changes_nothing(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    step = {"path": ["vm"], "type": "OS::Nova::Server", "verb": "replace", "causes": []}
    plan = {"id": None, "summary": {"replace": 1}, "steps": [step]}
    route = web.post("/stacks/s/i/plans").respond(json={"plan": plan})
    put = web.put("/stacks/s/i").respond(202)
    result = run("update", "s", "-t", "t.yaml", "--dry-run")
    assert result.stdout.splitlines()[0] == "  -/+ replace  vm (OS::Nova::Server)"
    assert sent(route)["save"] is False
    assert "existing" not in sent(route)
    assert not put.called


def test_dry_run_of_the_existing_says_what_stays(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    route = web.post("/stacks/s/i/plans").respond(json={"plan": {"id": None, "summary": {}, "steps": []}})
    result = run("update", "s", "--existing", "-p", "n=2", "--dry-run", "--detailed-exitcode")
    assert (result.exit_code, result.stdout) == (0, "No changes.\n")
    assert sent(route) == {"files": {}, "parameters": {"n": "2"}, "existing": True, "save": False}


def test_delete_waits_until_the_stack_is_gone(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(
        side_effect=[stack("CREATE_COMPLETE"), stack("DELETE_IN_PROGRESS"), httpx.Response(404)]
    )
    gone = web.delete("/stacks/s/i").respond(204)
    assert run("delete", "s", "--yes", "--wait").exit_code == 0
    assert gone.called


def test_delete_asks_first(web: respx.MockRouter, run: Run) -> None:
    gone = web.delete("/stacks/s/i").respond(204)
    assert run("delete", "s", answer="n\n").exit_code == 1
    assert not gone.called


def test_failed_deletion_ends_with_1(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("DELETE_FAILED"))
    web.delete("/stacks/s/i").respond(204)
    assert run("delete", "s", "--yes", "--wait").exit_code == 1


def test_unknown_stack_ends_with_3(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/x").respond(404, json={"error": {"message": "The Stack (x) could not be found."}})
    result = run("show", "x")
    assert (result.exit_code, result.stderr) == (3, "Error: The Stack (x) could not be found.\n")


def test_list_reads_all_pages(web: respx.MockRouter, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackd.cli.reading._PAGE", 2)
    pages = [[{"id": "1"}, {"id": "2"}], [{"id": "3"}]]
    route = web.get("/stacks").mock(
        side_effect=[httpx.Response(200, json={"stacks": page}) for page in pages]
    )
    result = run("list", "--tag", "a", "--tag", "b", "--nested", "-f", "json")
    assert [row["id"] for row in json.loads(result.stdout)] == ["1", "2", "3"]
    query = dict(route.calls.last.request.url.params)
    assert query == {"limit": "2", "marker": "2", "tags": "a,b", "show_nested": "true"}


def test_list_stops_at_the_limit(web: respx.MockRouter, run: Run) -> None:
    route = web.get("/stacks").respond(json={"stacks": [{"id": "1"}]})
    assert len(json.loads(run("list", "--limit", "1", "-f", "json").stdout)) == 1
    assert route.call_count == 1


def test_show_prints_a_table_json_or_yaml(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE", parameters={"a": "ä"}))
    assert "CREATE_COMPLETE" in run("show", "s").stdout
    assert json.loads(run("show", "s", "-f", "json").stdout)["parameters"] == {"a": "ä"}
    assert yaml.safe_load(run("show", "s", "-f", "yaml").stdout)["stack_name"] == "s"


def test_resources_are_shown_below_their_owner(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    item = {"resource_name": "vm", "resource_type": "T", "resource_status": "CREATE_COMPLETE"}
    route = web.get("/stacks/s/i/resources").respond(json={"resources": [item | {"parent_resource": "tier"}]})
    assert "tier/vm" in run("resources", "s", "--nested-depth", "3").stdout
    assert dict(route.calls.last.request.url.params) == {"nested_depth": "3"}


def test_events_are_shown_oldest_first(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    newest_first = [event("b", "CREATE_COMPLETE"), event("a", "CREATE_COMPLETE")]
    web.get("/stacks/s/i/events").respond(json={"events": newest_first})
    rows = json.loads(run("events", "s", "-f", "json").stdout)
    assert [row["resource_name"] for row in rows] == ["a", "b"]


@pytest.mark.parametrize(("value", "printed"), [("10.0.0.9", "10.0.0.9\n"), ([1, 2], "[\n  1,\n  2\n]\n")])
def test_one_output_prints_its_value_alone(
    web: respx.MockRouter, run: Run, value: object, printed: str
) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    web.get("/stacks/s/i/outputs/ip").respond(json={"output": {"output_key": "ip", "output_value": value}})
    assert run("outputs", "s", "ip").stdout == printed


def test_preview_lists_resources_of_nested_stacks_too(web: respx.MockRouter, run: Run) -> None:
    leaf = {"resource_name": "leaf", "resource_type": "T", "stack_name": "s-tier"}
    root = {"resource_name": "root", "resource_type": "T", "stack_name": "s"}
    web.post("/stacks/preview").respond(json={"stack": {"resources": [root, [leaf]]}})
    output = run("preview", "s", "-t", "t.yaml").stdout
    assert "root" in output
    assert "s-tier" in output

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


def test_failure_after_the_first_listing_has_the_type_of_its_resource(
    web: respx.MockRouter, run: Run
) -> None:
    web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    web.get("/stacks/s/i").mock(side_effect=[stack("CREATE_IN_PROGRESS"), stack("CREATE_FAILED")])
    web.get("/stacks/s/i/events").mock(
        side_effect=[
            httpx.Response(200, json={"events": []}),
            httpx.Response(200, json={"events": [event("vm", "CREATE_FAILED", "No quota")]}),
        ]
    )
    failed = {
        "resource_name": "vm",
        "resource_type": "OS::Nova::Server",
        "resource_status": "CREATE_FAILED",
        "resource_status_reason": "No quota",
        "links": LINKS,
    }
    web.get("/stacks/s/i/resources").mock(
        side_effect=[httpx.Response(200, json={"resources": each}) for each in ([], [failed])]
    )
    result = run("create", "s", "-t", "t.yaml", "--wait")
    assert "vm (OS::Nova::Server): No quota" in result.stderr


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


def test_parameter_that_an_environment_overrides_is_told(
    web: respx.MockRouter, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text("heat_template_version: rocky\n")
    (tmp_path / "e.yaml").write_text("parameters: {a: 1, b: 2}\nparameter_defaults: {c: 3}\n")
    (tmp_path / "other.yaml").write_text("parameters:\n")
    web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_IN_PROGRESS"))
    result = run("create", "s", "-t", "t.yaml", "-e", "e.yaml", "-e", "other.yaml", "-p", "a=9", "-p", "c=9")
    assert result.exit_code == 0
    assert result.stderr == "Note: e.yaml sets the parameter a, too, and comes after -p and -F.\n"


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
        side_effect=[
            stack("CREATE_COMPLETE"),
            stack("DELETE_IN_PROGRESS"),
            httpx.Response(404, json={"error": {"message": "not found"}}),
        ]
    )
    gone = web.delete("/stacks/s/i").respond(204)
    assert run("delete", "s", "--yes", "--wait").exit_code == 0
    assert gone.called


def test_delete_asks_first(web: respx.MockRouter, run: Run) -> None:
    gone = web.delete("/stacks/s/i").respond(204)
    assert run("delete", "s", answer="n\n").exit_code == 1
    assert not gone.called


@pytest.mark.parametrize(
    "command",
    [["delete", "s"], ["abandon", "s"], ["snapshot", "delete", "s", "x"], ["snapshot", "restore", "s", "x"]],
)
def test_a_question_that_nobody_can_answer_names_the_option(command: list[str], run: Run) -> None:
    result = run(*command, answer="")
    assert result.exit_code == 2
    assert "Nobody has answered.\nRemedy: Use --yes" in result.output


def test_following_events_ends_with_the_stack(web: respx.MockRouter, run: Run) -> None:
    gone = event("s", "DELETE_COMPLETE") | {"physical_resource_id": "i"}
    pages = [[event("a", "DELETE_COMPLETE")], [gone]]
    answers = [httpx.Response(200, json={"events": page}) for page in pages]
    web.get("/stacks/s/i").mock(return_value=stack("DELETE_IN_PROGRESS"))
    web.get("/stacks/s/i/events").mock(side_effect=answers)
    result = run("events", "s", "--follow")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) == 2


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


def test_interrupted_wait_says_that_it_goes_on_and_what_can_be_done(
    web: respx.MockRouter, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(following.time, "sleep", interrupt)
    web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_IN_PROGRESS"))
    result = run("create", "s", "-t", "t.yaml", "--wait")
    assert result.exit_code == 130
    assert "Interrupted. The operation goes on in the server." in result.stderr
    assert "`stackd stack wait s`" in result.stderr
    assert "`stackd stack cancel s`" in result.stderr


def test_interrupted_delete_does_not_go_on_to_the_next(
    web: respx.MockRouter, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(following.time, "sleep", interrupt)
    web.get("/stacks/s/i").mock(return_value=stack("DELETE_IN_PROGRESS"))
    web.delete("/stacks/s/i").respond(204)
    result = run("delete", "s", "s", "--yes", "--wait")
    assert (result.exit_code, result.stderr.count("Interrupted")) == (130, 1)


def test_delete_of_several_goes_on_after_one_that_is_missing(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/x").respond(404, json={"error": {"message": "The Stack (x) could not be found."}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    gone = web.delete("/stacks/s/i").respond(204)
    result = run("delete", "x", "s", "--yes")
    assert (result.exit_code, result.stderr) == (3, "Error: The Stack (x) could not be found.\n")
    assert gone.called


def test_delete_of_several_goes_on_after_one_that_is_refused(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    refused = httpx.Response(409, json={"error": {"message": "Export a is in use."}})
    web.delete("/stacks/s/i").mock(side_effect=[refused, httpx.Response(204)])
    result = run("delete", "s", "s", "--yes")
    assert (result.exit_code, result.stderr) == (2, "Error: Export a is in use.\n")


def test_refused_template_shows_all_mistakes_by_the_name_of_the_file(
    web: respx.MockRouter, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text(
        "heat_template_version: rocky\nresources:\n  a: {type: A}\n  b: {type: B}\n"
    )
    errors = [
        {
            "message": "No type A.",
            "path": "resources.a.type",
            "line": 3,
            "column": 13,
            "remedy": "Did you mean C?",
        },
        {"message": "No type B.", "path": "resources.b.type", "line": 4, "column": 13},
    ]
    web.post("/stacks").respond(400, json={"error": {"message": "No type A.", "errors": errors}})
    result = run("create", "s", "-t", "bad.yaml")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0] == "bad.yaml:3:13: resources.a.type: No type A."
    assert "    3 |   a: {type: A}" in lines
    assert "      remedy: Did you mean C?" in lines
    assert "bad.yaml:4:13: resources.b.type: No type B." in lines


def test_show_has_outputs_and_why_one_cannot_be_had(web: respx.MockRouter, run: Run) -> None:
    outputs = [
        {"output_key": "ip", "output_value": "10.0.0.9", "description": "Where"},
        {"output_key": "url", "output_value": None, "output_error": "There is no port.", "description": ""},
    ]
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE", outputs=outputs))
    shown = run("show", "s").stdout
    assert "10.0.0.9" in shown
    assert "error: There is no port." in shown


@pytest.mark.parametrize(
    ("status", "options", "action"),
    [
        ("UPDATE_IN_PROGRESS", [], "cancel_update"),
        ("UPDATE_IN_PROGRESS", ["--no-rollback"], "cancel_without_rollback"),
        ("CREATE_IN_PROGRESS", [], "cancel_without_rollback"),
    ],
)
def test_cancel_asks_for_what_the_status_allows(
    web: respx.MockRouter, run: Run, status: str, options: list[str], action: str
) -> None:
    web.get("/stacks/s/i").mock(return_value=stack(status))
    route = web.post("/stacks/s/i/actions").respond(200)
    assert run("cancel", "s", *options).exit_code == 0
    assert sent(route) == {action: None}


def test_cancel_of_what_does_not_run_is_bad_input(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("DELETE_IN_PROGRESS"))
    assert run("cancel", "s").exit_code == 2


def test_action_on_several_stacks_goes_on_after_one_that_is_missing(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/x").respond(404, json={"error": {"message": "The Stack (x) could not be found."}})
    web.get("/stacks/s/i").mock(return_value=stack("SUSPEND_IN_PROGRESS"))
    route = web.post("/stacks/s/i/actions").respond(200)
    result = run("suspend", "x", "s")
    assert (result.exit_code, result.stderr) == (3, "Error: The Stack (x) could not be found.\n")
    assert sent(route) == {"suspend": None}
    assert "SUSPEND_IN_PROGRESS" in result.stdout


@pytest.mark.parametrize(("status", "code"), [("CHECK_COMPLETE", 0), ("CHECK_FAILED", 1)])
def test_check_that_is_awaited_ends_with_what_it_found(
    web: respx.MockRouter, run: Run, status: str, code: int
) -> None:
    web.get("/stacks/s/i").mock(side_effect=[stack("CREATE_COMPLETE"), *[stack(status)] * 5])
    web.post("/stacks/s/i/actions").respond(200)
    result = run("check", "s", "--wait", "-f", "json")
    assert result.exit_code == code
    assert (status in result.stdout) is (code == 0)


def test_wait_follows_to_the_end(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i").mock(
        side_effect=[stack("CREATE_IN_PROGRESS"), stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE")] * 2
    )
    assert run("wait", "s").exit_code == 0
    web.get("/stacks/s/i").mock(return_value=stack("UPDATE_FAILED"))
    assert run("wait", "s").exit_code == 1


def listed(name: str, around: str, nested: str = "", reason: str = "state changed") -> dict[str, Any]:
    links = [{"rel": "stack", "href": f"{BASE}/stacks/{around}"}]
    links += [{"rel": "nested", "href": f"{BASE}/stacks/{nested}"}] if nested else []
    status = "CREATE_COMPLETE" if reason == "state changed" else "CREATE_FAILED"
    return {
        "resource_name": name,
        "resource_type": "T",
        "resource_status": status,
        "resource_status_reason": reason,
        "physical_resource_id": "",
        "links": links,
    }


@pytest.fixture
def tree(web: respx.MockRouter) -> respx.MockRouter:
    """A stack with `group/0/vm`, which failed."""
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_FAILED"))
    rows = [
        listed("group", "s/i", "s-group/g", "X: resources.group.resources.0.resources.vm: No quota"),
        listed("0", "s-group/g", "s-group-0/m", "X: resources.0.resources.vm: No quota"),
        listed("vm", "s-group-0/m", reason="X: resources.vm: No quota"),
    ]
    web.get("/stacks/s/i/resources").respond(json={"resources": rows})
    return web


def test_failures_are_told_once_with_their_paths(tree: respx.MockRouter, run: Run) -> None:
    result = run("failures", "s")
    assert (result.exit_code, result.stdout) == (1, "s is CREATE_FAILED: why\n  group/0/vm (T): No quota\n")
    found = json.loads(run("failures", "s", "-f", "json").stdout)
    assert [(each["path"], each["message"]) for each in found] == [("group/0/vm", "No quota")]


def test_resources_of_nested_stacks_are_named_by_their_path(tree: respx.MockRouter, run: Run) -> None:
    lines = run("resources", "s", "-n", "3").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["group", "group/0", "group/0/vm"]
    assert lines[0].split() == ["Resource", "Type", "Status", "Failure"]
    assert lines[2].rstrip().endswith("in 0/vm")
    assert lines[4].rstrip().endswith("No quota")


def test_resource_in_a_nested_stack_is_shown_by_its_path(tree: respx.MockRouter, run: Run) -> None:
    shown = listed("vm", "s-group-0/m") | {"attributes": {"first_address": "10.0.0.9"}}
    tree.get("/stacks/s-group-0/m/resources/vm").respond(json={"resource": shown})
    output = run("resource", "show", "s", "group/0/vm").stdout
    assert "group/0/vm" in output
    assert "10.0.0.9" in output
    missing = run("resource", "show", "s", "group/1/vm")
    assert (missing.exit_code, "`stackd stack resources s -n 5` lists them." in missing.stderr) == (3, True)


def test_metadata_of_a_resource_is_printed(tree: respx.MockRouter, run: Run) -> None:
    tree.get("/stacks/s/i/resources/vm/metadata").respond(json={"metadata": {"a": [1]}})
    assert json.loads(run("resource", "metadata", "s", "vm").stdout) == {"a": [1]}


def test_signal_sends_its_data(tree: respx.MockRouter, run: Run, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"status": "FAILURE"}')
    route = tree.post("/stacks/s/i/resources/vm/signal").respond(200)
    assert run("resource", "signal", "s", "vm", "--data", '{"status": "SUCCESS"}').exit_code == 0
    assert sent(route) == {"status": "SUCCESS"}
    assert run("resource", "signal", "s", "vm", "--data-file", "d.json").exit_code == 0
    assert sent(route) == {"status": "FAILURE"}
    assert run("resource", "signal", "s", "vm").exit_code == 0
    assert route.calls.last.request.content == b""
    assert run("resource", "signal", "s", "vm", "--data", "[1]").exit_code == 2


def test_resource_is_marked_as_broken_and_as_sound(tree: respx.MockRouter, run: Run) -> None:
    route = tree.patch("/stacks/s/i/resources/vm").respond(200)
    assert run("resource", "mark-unhealthy", "s", "vm", "Its disk is gone").exit_code == 0
    assert sent(route) == {"mark_unhealthy": True, "resource_status_reason": "Its disk is gone"}
    assert run("resource", "mark-unhealthy", "s", "vm", "--reset").exit_code == 0
    assert sent(route)["mark_unhealthy"] is False


@pytest.mark.parametrize("what", ["template", "environment"])
def test_what_a_stack_was_made_from_is_shown_as_yaml_or_json(
    web: respx.MockRouter, run: Run, what: str
) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    web.get(f"/stacks/s/i/{what}").respond(json={"a": {"b": "no"}})
    assert yaml.safe_load(run(what, "show", "s").stdout) == {"a": {"b": "no"}}
    assert json.loads(run(what, "show", "s", "-f", "json").stdout) == {"a": {"b": "no"}}


def test_wrong_name_of_a_stack_is_not_blamed_on_a_file(web: respx.MockRouter, run: Run) -> None:
    error = {"message": "Invalid stack name ü", "path": "stack_name", "remedy": "Choose a name like web-1."}
    web.post("/stacks").respond(400, json={"error": error | {"errors": [error]}})
    result = run("create", "ü", "-t", "t.yaml")
    assert result.exit_code == 2
    assert result.stderr == "Error: Invalid stack name ü\nRemedy: Choose a name like web-1.\n"


def test_empty_name_of_a_stack_is_said_to_be_empty(web: respx.MockRouter, run: Run) -> None:
    result = run("show", "")
    assert result.exit_code == 2
    assert "The name of the stack is empty." in result.stderr


@pytest.mark.parametrize("name", ["..", ".", ""])
@pytest.mark.parametrize(
    "command",
    [
        ("show", "{}"),
        ("delete", "{}", "--yes"),
        ("outputs", "s", "{}"),
        ("resource", "show", "s", "{}"),
        ("resource", "signal", "s", "{}"),
        ("resource", "mark-unhealthy", "s", "{}"),
        ("apply", "{}"),
        ("plan", "delete", "{}"),
    ],
)
def test_what_is_no_name_is_asked_of_nobody(
    command: tuple[str, ...], name: str, web: respx.MockRouter, run: Run
) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    written = [web.route(method=method) for method in ("PATCH", "POST", "DELETE", "PUT")]
    result = run(*(part.format(name) for part in command))
    assert result.exit_code == 2
    assert ("`" + name + "` is no name" if name else " is empty.") in result.stderr
    assert not any(route.called for route in written)


@pytest.mark.parametrize("status", ["BOGUS", "CREATE", "BOGUS_FAILED", "CREATE_BOGUS", "", "failed"])
def test_list_refuses_a_status_that_does_not_exist(web: respx.MockRouter, run: Run, status: str) -> None:
    result = run("list", "--status", status)
    assert result.exit_code == 2
    for known in ("IN_PROGRESS", "COMPLETE", "FAILED", "CREATE", "RESTORE"):
        assert known in result.stderr


@pytest.mark.parametrize("status", ["FAILED", "IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_IN_PROGRESS"])
def test_list_passes_a_status_on(web: respx.MockRouter, run: Run, status: str) -> None:
    route = web.get("/stacks").respond(json={"stacks": []})
    assert run("list", "--status", status).exit_code == 0
    assert route.calls.last.request.url.params["status"] == status


@pytest.mark.parametrize(
    "arguments", [("create", "s", "-t", "t.yaml", "-F", "p=gone"), ("adopt", "s", "--adopt-file", "gone")]
)
def test_missing_file_is_told_without_its_number(
    web: respx.MockRouter, run: Run, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr == "Error: gone cannot be read: No such file or directory.\n"

"""`stackd stack plan` and `apply`, and every dry run, against an API made of canned answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import respx

from tests.cli.test_stack_commands import Run, run, sent, stack, web

__all__ = ["run", "web"]

STEP = {
    "path": ["vm"],
    "type": "OS::Nova::Server",
    "verb": "replace",
    "causes": [{"path": "properties.flavor", "old": "m1.small", "new": "m1.large", "replaces": True}],
}
TEXT = """\
  -/+ replace  vm (OS::Nova::Server)
               flavor: m1.small → m1.large  # forces replacement

0 to create, 0 to update, 1 to replace, 0 to delete
"""


def plan(**more: Any) -> dict[str, Any]:
    """A plan of the API."""
    made = {
        "id": "p1",
        "format": 1,
        "action": "UPDATE",
        "state": "ready",
        "stack_name": "s",
        "stack_id": "i",
        "created_at": "2026-01-01T00:00:00Z",
        "created_by": "ann",
        "expires_at": "2026-01-02T00:00:00Z",
        "fingerprint": "f",
        "summary": {"create": 0, "update": 0, "replace": 1, "delete": 0, "keep": 2},
        "steps": [STEP],
    }
    return made | more


DRY = plan(id=None, expires_at=None)
NOTHING = plan(id=None, expires_at=None, summary={"keep": 3}, steps=[])


@pytest.fixture
def existing(web: respx.MockRouter) -> respx.MockRouter:
    """An API that has the stack `s`."""
    web.get("/stacks/s/i").mock(return_value=stack("UPDATE_COMPLETE"))
    return web


def test_plan_of_a_stack_shows_what_would_be_done(existing: respx.MockRouter, run: Run) -> None:
    route = existing.post("/stacks/s/i/plans").respond(json={"plan": DRY})
    result = run("plan", "s", "-t", "t.yaml", "-p", "n=1")
    assert (result.exit_code, result.stdout) == (0, TEXT)
    assert sent(route)["parameters"] == {"n": "1"}
    assert sent(route)["save"] is False


def test_options_may_stand_before_the_name(existing: respx.MockRouter, run: Run) -> None:
    existing.post("/stacks/s/i/plans").respond(json={"plan": NOTHING})
    assert run("plan", "-t", "t.yaml", "s").stdout == "No changes.\n"


def test_plan_of_a_stack_that_does_not_exist_is_of_a_new_one(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/new").respond(404, json={"error": {"message": "not found"}})
    route = web.post("/stacks/plans").respond(json={"plan": DRY})
    assert run("plan", "new", "-t", "t.yaml").exit_code == 0
    assert sent(route)["stack_name"] == "new"
    assert sent(route)["disable_rollback"] is True


def test_plan_needs_a_template_unless_existing(existing: respx.MockRouter, run: Run) -> None:
    assert run("plan", "s").exit_code == 2
    route = existing.post("/stacks/s/i/plans").respond(json={"plan": NOTHING})
    assert run("plan", "s", "--existing").exit_code == 0
    assert sent(route) == {"files": {}, "parameters": {}, "existing": True, "save": False}


def test_plan_of_a_delete(existing: respx.MockRouter, run: Run) -> None:
    route = existing.post("/stacks/s/i/plans").respond(json={"plan": DRY})
    assert run("plan", "s", "--delete").exit_code == 0
    assert sent(route) == {"action": "delete", "save": False}
    assert run("plan", "s", "--delete", "-t", "t.yaml").exit_code == 2


def test_saved_plan_says_how_to_apply_it(existing: respx.MockRouter, run: Run) -> None:
    route = existing.post("/stacks/s/i/plans").respond(201, json={"plan": plan()})
    result = run("plan", "s", "-t", "t.yaml", "--save")
    assert sent(route)["save"] is True
    assert result.stdout == (
        f"{TEXT}\nKept as plan p1 until 2026-01-02T00:00:00Z.\nTo do exactly this: stackd stack apply p1\n"
    )


def test_plan_written_to_a_file_is_applied_by_it(
    existing: respx.MockRouter, run: Run, tmp_path: Path
) -> None:
    existing.post("/stacks/s/i/plans").respond(201, json={"plan": plan()})
    assert "stackd stack apply plan.json" in run("plan", "s", "-t", "t.yaml", "--out", "plan.json").stdout
    assert json.loads((tmp_path / "plan.json").read_text()) == plan()
    existing.get("/plans/p1").respond(json={"plan": plan()})
    route = existing.post("/plans/p1/execute").respond(202, json={"stack": {"id": "i"}})
    assert run("apply", "plan.json").exit_code == 0
    assert route.called


def test_plan_whose_file_cannot_be_written_is_named(existing: respx.MockRouter, run: Run) -> None:
    existing.post("/stacks/s/i/plans").respond(201, json={"plan": plan()})
    result = run("plan", "s", "-t", "t.yaml", "--out", "no-such-directory/plan.json")
    assert result.exit_code == 2
    assert "The plan is kept: stackd stack apply p1" in result.stderr


@pytest.mark.parametrize("made", [None, 5, {"a": 1}])
def test_plan_that_was_not_kept_cannot_be_applied(
    made: object, existing: respx.MockRouter, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "shown.json").write_text(json.dumps(plan(id=made)))
    result = run("apply", "shown.json")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        2,
        "Error: shown.json is no plan that was kept.",
    )


def test_file_that_is_no_plan_is_wrong_usage(existing: respx.MockRouter, run: Run) -> None:
    result = run("apply", "t.yaml")
    assert result.exit_code == 2
    assert "t.yaml is no plan." in result.stderr


@pytest.mark.parametrize(("answer", "code"), [(DRY, 2), (NOTHING, 0)])
def test_detailed_exit_code_tells_changes_from_none(
    existing: respx.MockRouter, run: Run, answer: Any, code: int
) -> None:
    existing.post("/stacks/s/i/plans").respond(json={"plan": answer})
    for command in (["plan", "s"], ["update", "s", "--dry-run"]):
        assert run(*command, "-t", "t.yaml").exit_code == 0
        assert run(*command, "-t", "t.yaml", "--detailed-exitcode").exit_code == code


def test_exit_code_of_a_plan_that_cannot_succeed_is_that_of_what_is_refused(
    existing: respx.MockRouter, run: Run
) -> None:
    refused = "replace is restricted for resource."
    answer = DRY | {"steps": [STEP | {"refused": refused}], "summary": {"replace": 0, "refused": 1}}
    existing.post("/stacks/s/i/plans").respond(json={"plan": answer})
    existing.get("/plans/p1").respond(json={"plan": plan(steps=answer["steps"])})
    changes = ["plan", "s", "-t", "t.yaml"], ["update", "s", "--dry-run", "-t", "t.yaml"]
    for command in (*changes, ["plan", "show", "p1"]):
        result = run(*command)
        assert result.exit_code == 2
        assert f"! replace  vm (OS::Nova::Server)  # refused: {refused}" in result.stdout
        assert result.stderr == f"Error: This will fail. vm: {refused}\n"
        assert run(*command, "--detailed-exitcode").exit_code == 1
    assert "0 to replace, 0 to delete, 1 refused" in run(*changes[0]).stdout
    existing.post("/stacks/s/i/plans").respond(json={"plan": answer | {"id": "p1"}})
    kept = run(*changes[0], "--save").stdout
    assert "Kept as plan p1" in kept
    assert "apply" not in kept
    existing.post("/stacks/s/i/plans").respond(json={"plan": answer})
    result = run(*changes[0], "-f", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (2, answer)


def test_detailed_exit_code_of_an_error_is_1(existing: respx.MockRouter, run: Run) -> None:
    existing.post("/stacks/s/i/plans").respond(400, json={"error": {"message": "no"}})
    assert run("plan", "s", "-t", "t.yaml").exit_code == 2
    assert run("plan", "s", "-t", "t.yaml", "--detailed-exitcode").exit_code == 1
    assert run("plan", "s", "-t", "gone.yaml", "--detailed-exitcode").exit_code == 1


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_plan_for_programs_is_the_plan(existing: respx.MockRouter, run: Run, form: str) -> None:
    import yaml

    existing.post("/stacks/s/i/plans").respond(201, json={"plan": plan()})
    assert yaml.safe_load(run("plan", "s", "-t", "t.yaml", "--save", "-f", form).stdout) == plan()


def test_saved_plan_is_shown_with_who_made_it(existing: respx.MockRouter, run: Run) -> None:
    existing.get("/plans/p1").respond(json={"plan": plan()})
    head = "UPDATE s: made 2026-01-01T00:00:00Z by ann, expires 2026-01-02T00:00:00Z"
    assert run("plan", "show", "p1").stdout == f"{head}\n\n{TEXT}"
    existing.get("/plans/p1").respond(json={"plan": plan(state="executed")})
    assert "by ann, executed\n" in run("plan", "show", "p1").stdout


def test_saved_plan_that_cannot_be_executed_says_why(existing: respx.MockRouter, run: Run) -> None:
    outdated = plan(state="outdated", reason="resources.vm changed")
    existing.get("/plans/p1").respond(json={"plan": outdated})
    assert "by ann, outdated: resources.vm changed\n" in run("plan", "show", "p1").stdout
    existing.get("/plans").respond(json={"plans": [outdated]})
    assert "resources.vm changed" in run("plan", "list").stdout


def test_plans_are_listed_with_their_changes(existing: respx.MockRouter, run: Run) -> None:
    route = existing.get("/plans").respond(json={"plans": [plan()]})
    lines = run("plan", "list", "--stack", "s").stdout.splitlines()
    assert "1 to replace" in next(line for line in lines if "p1" in line)
    assert route.calls.last.request.url.params["stack_id"] == "i"
    assert json.loads(run("plan", "list", "-f", "json").stdout) == [plan()]


def test_plans_are_listed_without_their_changes_if_there_is_no_summary(
    existing: respx.MockRouter, run: Run
) -> None:
    listed = {key: value for key, value in plan().items() if key not in ("summary", "steps")}
    existing.get("/plans").respond(json={"plans": [listed]})
    result = run("plan", "list")
    assert result.exit_code == 0
    assert "p1" in result.stdout


def test_plans_are_deleted(existing: respx.MockRouter, run: Run) -> None:
    routes = [existing.delete(f"/plans/{each}").respond(204) for each in ("p1", "p2")]
    assert run("plan", "delete", "p1", "p2").exit_code == 0
    assert all(route.called for route in routes)


def test_apply_waits_for_the_end(existing: respx.MockRouter, run: Run) -> None:
    existing.get("/plans/p1").respond(json={"plan": plan()})
    existing.post("/plans/p1/execute").respond(202, json={"stack": {"id": "i"}})
    existing.get("/stacks/s/i").mock(
        side_effect=[stack("UPDATE_IN_PROGRESS"), *[stack("UPDATE_COMPLETE")] * 3]
    )
    result = run("apply", "p1", "--wait")
    assert result.exit_code == 0
    assert "UPDATE_COMPLETE" in result.stdout


def test_apply_of_a_new_stack_follows_what_was_made(web: respx.MockRouter, run: Run) -> None:
    web.get("/plans/p1").respond(json={"plan": plan(action="CREATE", stack_id=None)})
    web.post("/plans/p1/execute").respond(202, json={"stack": {"id": "i"}})
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_FAILED"))
    result = run("apply", "p1", "--wait")
    assert result.exit_code == 1
    assert "s is CREATE_FAILED: why" in result.stderr


def test_apply_of_a_delete_ends_when_the_stack_is_gone(web: respx.MockRouter, run: Run) -> None:
    web.get("/plans/p1").respond(json={"plan": plan(action="DELETE")})
    web.post("/plans/p1/execute").respond(202, json={"stack": {"id": "i"}})
    web.get("/stacks/s/i").respond(404, json={"error": {"message": "not found"}})
    result = run("apply", "p1", "--wait")
    assert (result.exit_code, result.stderr) == (0, "")


def test_apply_is_refused_when_something_moved(existing: respx.MockRouter, run: Run) -> None:
    existing.get("/plans/p1").respond(json={"plan": plan()})
    moved = "The plan p1 cannot be executed any more: resources.vm changed."
    existing.post("/plans/p1/execute").respond(409, json={"error": {"message": moved}})
    result = run("apply", "p1")
    assert result.exit_code == 2
    assert moved in result.stderr


def test_dry_run_of_create_makes_nothing(web: respx.MockRouter, run: Run) -> None:
    made = web.post("/stacks").respond(201)
    route = web.post("/stacks/plans").respond(json={"plan": DRY})
    result = run("create", "s", "-t", "t.yaml", "--dry-run", "--detailed-exitcode")
    assert (result.exit_code, result.stdout) == (2, TEXT)
    assert sent(route)["stack_name"] == "s"
    assert not made.called


def test_dry_run_of_delete_asks_nobody_and_deletes_nothing(existing: respx.MockRouter, run: Run) -> None:
    gone = existing.delete("/stacks/s/i").respond(204)
    route = existing.post("/stacks/s/i/plans").respond(json={"plan": DRY})
    assert run("delete", "s", "--dry-run").stdout == TEXT
    assert sent(route) == {"action": "delete", "save": False}
    assert run("delete", "s", "s", "--dry-run").stdout == f"s:\n{TEXT}s:\n{TEXT}"
    assert not gone.called


def test_plan_without_arguments_explains_itself(run: Run) -> None:
    assert "stackd stack plan create NAME -t FILE\n" in run("plan", "--help").output
    assert "Usage" in run("plan", "show", "--help").output

"""`stackd stack export`, `abandon` and `adopt` against an API made of canned answers."""

from __future__ import annotations

import json
from pathlib import Path

import respx

from tests.cli.test_stack_commands import SELF, Run, run, sent, stack, web

__all__ = ["run", "web"]

DATA = {"name": "s", "template": {}, "resources": {"a": {"resource_id": "x"}}}


def test_what_abandon_writes_adopt_sends(web: respx.MockRouter, run: Run, tmp_path: Path) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("ADOPT_COMPLETE"))
    web.delete("/stacks/s/i/abandon").respond(json=DATA)
    assert run("abandon", "s", answer="n\n").exit_code == 1
    result = run("abandon", "s", "--yes", "--output-file", "left.json")
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "left.json").stat().st_mode & 0o777 == 0o600

    route = web.post("/stacks").respond(201, json={"stack": {"id": "i", "links": SELF}})
    result = run("adopt", "s", "--adopt-file", "left.json", "--wait")
    assert result.exit_code == 0, result.output
    body = sent(route)
    assert json.loads(body.pop("adopt_stack_data")) == DATA
    assert body == {"stack_name": "s", "disable_rollback": True}


def test_export_prints_json_and_data_that_cannot_be_written_are_not_lost(
    web: respx.MockRouter, run: Run
) -> None:
    web.get("/stacks/s/i").mock(return_value=stack("CREATE_COMPLETE"))
    web.get("/stacks/s/i/export").respond(json=DATA)
    assert json.loads(run("export", "s").stdout) == DATA
    result = run("export", "s", "--output-file", "no/such/place")
    assert json.loads(result.stdout) == DATA
    assert "cannot be written" in result.stderr
    assert run("adopt", "s", "--adopt-file", "nothing").exit_code == result.exit_code == 2

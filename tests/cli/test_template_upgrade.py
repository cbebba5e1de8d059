"""`stackd template upgrade`: what is written and reported, and how the command ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stackd.cli.main import cli

OLD = """\
heat_template_version: 2013-05-23
resources:
  # The port.
  port:
    type: OS::Neutron::Port
    properties: {network_id: {Ref: "OS::stack_name"}}
"""
NEW = """\
heat_template_version: 2021-04-16
resources:
  # The port.
  port:
    type: OS::Neutron::Port
    properties: {network: {get_param: "OS::stack_name"}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stackd.toml").write_text("")
    path = tmp_path / "a.yaml"
    path.write_text(OLD)
    return path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["template", "upgrade", *arguments], input=stdin)


def test_file_is_rewritten_and_each_change_has_its_line(file: Path) -> None:
    result = run("a.yaml")
    assert result.exit_code == 0
    network = "a.yaml:6:18: change: resources.port.properties.network_id"
    assert result.output.splitlines() == [
        "a.yaml:1:1: change: heat_template_version: 2013-05-23 → 2021-04-16",
        f"{network}: Ref → get_param: 2021-04-16 has no Ref any more",
        f"{network}: the property network_id is called network now",
    ]
    assert file.read_text() == NEW


def test_what_is_new_already_says_nothing(file: Path) -> None:
    file.write_text(NEW)
    result = run("a.yaml", "--check")
    assert (result.exit_code, result.output) == (0, "")


def test_version_asked_for_is_not_passed(file: Path) -> None:
    assert run("a.yaml", "--to", "newton").exit_code == 0
    assert file.read_text().startswith("heat_template_version: 2016-10-14\n")


def test_version_that_cannot_be_reached_ends_with_1(file: Path) -> None:
    file.write_text("heat_template_version: 2013-05-23\noutputs: {o: {value: {filter: [a]}}}\n")
    result = run("a.yaml")
    assert result.exit_code == 1
    assert "this keeps the template from 2021-04-16" in result.output
    assert file.read_text().startswith("heat_template_version: 2016-10-14\n")
    assert run("a.yaml", "--to", "newton").exit_code == 0


def test_unknown_version_is_wrong_usage(file: Path) -> None:
    result = run("a.yaml", "--to", "2017-01-01")
    assert result.exit_code == 2
    assert "There is no version 2017-01-01 of HOT." in result.output


def test_check_writes_nothing_and_ends_with_1(file: Path) -> None:
    result = run("a.yaml", "--check")
    assert result.exit_code == 1
    assert "a.yaml: would change" in result.output
    assert file.read_text() == OLD


def test_diff_goes_to_the_output_and_notes_beside_it(file: Path) -> None:
    result = run("a.yaml", "--diff")
    assert "+heat_template_version: 2021-04-16\n" in result.stdout
    assert "change:" not in result.stdout
    assert "change:" in result.stderr


def test_input_is_written_to_the_output(file: Path) -> None:
    result = run("-", stdin=OLD)
    assert result.stdout == NEW
    assert "-:1:1: change" in result.stderr


def test_report_for_programs(file: Path) -> None:
    listed = json.loads(run("a.yaml", "-f", "json").output)
    assert listed[0]["from"] == "2013-05-23"
    assert listed[0]["to"] == "2021-04-16"
    assert listed[0]["notes"][0] == {
        "kind": "change",
        "path": "heat_template_version",
        "message": "2013-05-23 → 2021-04-16",
        "place": {"line": 1, "column": 1},
    }


def test_text_that_is_no_template_is_refused(file: Path) -> None:
    file.write_text("a: 1\n")
    result = run("a.yaml")
    assert result.exit_code == 1
    assert "Template format version not found." in result.output

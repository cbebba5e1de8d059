"""`stackd template format`: what becomes of files, and how the command ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stackd.cli.main import cli

UNTIDY = "heat_template_version:   2018-08-31\nresources:   # all\n    a:\n        type: OS::Heat::None\n"
TIDY = "heat_template_version: 2018-08-31\nresources:   # all\n  a:\n    type: OS::Heat::None\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.yaml"
    path.write_text(UNTIDY)
    return path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["template", "format", *arguments], input=stdin)


def test_file_is_written_in_place(file: Path) -> None:
    result = run("a.yaml")
    assert (result.exit_code, result.output) == (0, "")
    assert file.read_text() == TIDY


def test_check_names_what_would_change_and_writes_nothing(file: Path) -> None:
    (file.parent / "b.yaml").write_text(TIDY)
    result = run("--check", "b.yaml", "a.yaml")
    assert (result.exit_code, result.output) == (1, "a.yaml: would change\n")
    assert file.read_text() == UNTIDY
    assert run("--check", "b.yaml").exit_code == 0


def test_diff_shows_lines_and_writes_nothing(file: Path) -> None:
    result = run("--diff", "a.yaml")
    assert result.exit_code == 0
    assert "-    a:\n" in result.output
    assert "+  a:\n" in result.output
    assert file.read_text() == UNTIDY


def test_check_with_diff_shows_it_and_ends_with_1(file: Path) -> None:
    result = run("--check", "--diff", "a.yaml")
    assert result.exit_code == 1
    assert "+  a:\n" in result.output


def test_input_is_written_to_the_output() -> None:
    result = run("-", stdin=UNTIDY)
    assert (result.exit_code, result.output) == (0, TIDY)


def test_text_that_is_not_yaml_is_refused_with_its_line(file: Path) -> None:
    file.write_text("a: 1\n b: 2\n")
    result = run("a.yaml")
    assert result.exit_code == 1
    assert result.output.startswith("a.yaml:2:3: ")
    assert file.read_text() == "a: 1\n b: 2\n"


def test_missing_file_is_wrong_usage() -> None:
    result = run("gone.yaml")
    assert result.exit_code == 2
    assert "gone.yaml cannot be read" in result.output


def test_file_that_is_not_text_is_wrong_usage(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    result = run("a.yaml")
    assert result.exit_code == 2
    assert "is not UTF-8 text" in result.output


def test_windows_line_ends_stay(file: Path) -> None:
    file.write_bytes(UNTIDY.replace("\n", "\r\n").encode())
    assert run("a.yaml").exit_code == 0
    assert file.read_bytes() == TIDY.replace("\n", "\r\n").encode()
    assert run("--check", "a.yaml").exit_code == 0

"""`stackd db`, on a SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stackd.cli.main import cli


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STACKD_DATABASE__URL", f"sqlite:///{tmp_path}/s.db")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["db", *arguments])


def test_upgrade_makes_the_tables_and_can_be_repeated() -> None:
    assert run("upgrade").exit_code == 0
    assert run("upgrade").exit_code == 0
    assert run("check").exit_code == 0


def test_check_of_an_empty_database_names_the_remedy() -> None:
    result = run("check")
    assert result.exit_code == 1
    assert "Remedy: Run `stackd db upgrade`." in result.stderr


def test_purge_of_a_fresh_database_removes_nothing() -> None:
    run("upgrade")
    result = run("purge", "--older-than", "0")
    assert (result.exit_code, result.stdout) == (0, "Removed 0 stacks and 0 documents.\n")

"""`stackd db`, on a SQLite file."""

from __future__ import annotations

import sqlite3
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


@pytest.mark.parametrize("command", ["check", "purge"])
def test_database_that_does_not_exist_is_named_and_not_made(command: str, tmp_path: Path) -> None:
    result = run(command)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Error: There is no database {tmp_path}/s.db.",
        "Remedy: Correct [database] url, or make the database with `stackd db upgrade`.",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["check", "purge"])
def test_database_without_tables_names_the_remedy(command: str, tmp_path: Path) -> None:
    (tmp_path / "s.db").touch()
    result = run(command)
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first == "Error: The database has no tables of stackd."
    assert second.startswith("Remedy: Run `stackd db upgrade`")


def test_changed_tables_are_told_in_a_few_words(tmp_path: Path) -> None:
    run("upgrade")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("CREATE TABLE besides (id INTEGER)")
        connection.execute("ALTER TABLE events DROP COLUMN reason")
    result = run("check")
    assert result.exit_code == 1
    assert "  the database has besides the table besides" in result.stderr
    assert "  events lacks the column reason" in result.stderr
    assert len(result.stderr.splitlines()) <= 8


@pytest.mark.parametrize("command", ["check", "purge", "upgrade"])
def test_file_that_is_no_database_is_an_error_without_traceback(command: str, tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("This is no database, but it is long enough to be read as one.\n" * 20)
    result = run(command)
    assert (result.exit_code, "file is not a database" in result.stderr) == (1, True)


def test_purge_of_a_fresh_database_removes_nothing() -> None:
    run("upgrade")
    result = run("purge", "--older-than", "0")
    assert (result.exit_code, result.stdout) == (0, "Removed 0 stacks and 0 documents.\n")


def test_database_in_a_directory_that_does_not_exist_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKD_DATABASE__URL", f"sqlite:///{tmp_path}/no/s.db")
    result = run("upgrade")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: database.url = 'sqlite:///{tmp_path}/no/s.db': there is no dir")


def test_purge_makes_no_key_beside_a_database_that_needs_another(tmp_path: Path) -> None:
    run("upgrade")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("INSERT INTO documents VALUES ('p', 'd', ?, 0)", (b"0123abcd:gAAAA",))
    result = run("purge")
    assert result.exit_code == 1
    assert f"{tmp_path}/s.db.key: the file is missing." in result.stderr
    assert "key 0123abcd." in result.stderr
    assert not (tmp_path / "s.db.key").exists()

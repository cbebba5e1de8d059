"""Files and directories that settings name: which are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackd.configuration import load
from stackd.places import require_certificates, require_place
from stackd.settings import Database, Egress, Keystone, Settings, SettingsError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine takes part."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACKD_CONFIG", raising=False)


def in_file(location: str) -> Settings:
    return load(database=Database(url=f"sqlite:///{location}"))


def test_database_in_a_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"database\.url = .*there is no directory {tmp_path}/no\. Make"):
        require_place(in_file(f"{tmp_path}/no/where.db"))


def test_database_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"database\.url = .*{tmp_path} is a directory\. Name"):
        require_place(in_file(f"{tmp_path}"))


def test_database_that_is_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("No database.")
    with pytest.raises(SettingsError, match=rf"database\.url = .*not a database of .*{tmp_path}/notes\."):
        require_place(in_file(f"{tmp_path}/notes"))


def test_database_that_is_new_or_empty_is_good(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    require_place(in_file(f"{tmp_path}/empty.db"))
    require_place(in_file(f"{tmp_path}/new.db"))
    require_place(in_file("relative.db"))
    require_place(load(database=Database(url="postgresql://h/d")))
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+aiosqlite:///"])
def test_database_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=rf"database\.url = '{re.escape(url)}' names no file"):
        require_place(load(database=Database(url=url)))


def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    require_certificates(load())
    missing = str(tmp_path / "ca.pem")
    with pytest.raises(SettingsError, match=rf"keystone\.cafile: {missing} cannot be read: No such file"):
        require_certificates(load(keystone=Keystone(cafile=missing)))
    Path(missing).write_text("no certificate")
    with pytest.raises(SettingsError, match=rf"egress\.cafile: {missing} has no certificates"):
        require_certificates(load(egress=Egress(cafile=missing)))

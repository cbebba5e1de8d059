"""Keys for secrets at rest: which are made, which are refused, and that they are those of the database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import insert

from stackd.app import wired
from stackd.configuration import load
from stackd.db.codec import pack
from stackd.db.migrations import upgrade
from stackd.db.tables import documents
from stackd.keyring import encryption_keys
from stackd.settings import Database, Keystone, Security, Settings, SettingsError, new_encryption_key


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine takes part."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACKD_CONFIG", raising=False)


def beside(tmp_path: Path, *given: str) -> Settings:
    """Settings with a database in the directory, and with these keys or a file for one."""
    return load(
        database=Database(url=f"sqlite:///{tmp_path}/s.db"),
        keystone=Keystone(auth_url="http://127.0.0.1:9/v3"),
        security=Security.model_validate({"encryption_keys": given}),
    )


def files(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir() if not each.name.endswith(("-wal", "-shm")))


async def start(configured: Settings) -> None:
    async with wired(configured):
        pass


def test_first_encryption_key_comes_first(tmp_path: Path) -> None:
    one, two = new_encryption_key(), new_encryption_key()
    assert [key.get_secret_value() for key in encryption_keys(beside(tmp_path, one, two))] == [one, two]


def test_key_file_is_made_once_beside_sqlite_and_is_private(tmp_path: Path) -> None:
    settings = beside(tmp_path)
    first = encryption_keys(settings)
    assert encryption_keys(settings) == first
    file = tmp_path / "s.db.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert files(tmp_path) == ["s.db.key"]


def test_key_file_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="key file cannot be made"):
        encryption_keys(load(database=Database(url=f"sqlite:///{tmp_path}/no/where.db")))


def test_memory_database_gets_a_key_without_a_file(tmp_path: Path) -> None:
    assert len(encryption_keys(load(database=Database(url="sqlite://")))) == 1
    assert files(tmp_path) == []


def test_postgresql_without_keys_names_the_remedy() -> None:
    with pytest.raises(SettingsError, match="stackd config --new-key"):
        encryption_keys(load(database=Database(url="postgresql://h/d")))


def test_key_file_that_was_damaged_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "s.db.key").write_text("tooshort\n")
    with pytest.raises(SettingsError, match=r"s\.db\.key: .*bring back the file") as caught:
        encryption_keys(beside(tmp_path))
    assert "tooshort" not in str(caught.value)


async def sealed_database(configured: Settings) -> str:
    """Make the database, with an encrypted document in it; the id of the key."""
    async with wired(configured) as parts:
        db = parts.engine.services.db
        body = pack(b"heat_template_version: 2021-04-16", db.sealer)
        row = {"project_id": "p", "id": "d", "body": body, "created_at": 0}
        await db.modify_once(insert(documents).values(row).returning(documents.c.id))
        return body.decode().partition(":")[0]


async def test_database_without_its_key_file_keeps_the_server_from_starting(tmp_path: Path) -> None:
    configured = beside(tmp_path)
    key_id = await sealed_database(configured)
    key = tmp_path / "s.db.key"
    kept = key.read_text()
    key.unlink()
    with pytest.raises(SettingsError) as caught:
        await start(configured)
    assert str(caught.value) == (
        f"{key}: the file is missing. What is in the database sqlite:///{tmp_path}/s.db was encrypted "
        f"with key {key_id}. Bring back the file as it was, or set security.encryption_keys."
    )
    assert not key.exists()
    key.write_text(kept)
    await start(configured)


async def test_key_file_with_another_key_keeps_the_server_from_starting(tmp_path: Path) -> None:
    configured = beside(tmp_path)
    key_id = await sealed_database(configured)
    (tmp_path / "s.db.key").write_text(new_encryption_key())
    with pytest.raises(SettingsError, match=rf"s\.db\.key: the key in it is another.* key {key_id}\."):
        await start(configured)


async def test_keys_that_lack_the_one_of_the_database_keep_the_server_from_starting(tmp_path: Path) -> None:
    old, new = new_encryption_key(), new_encryption_key()
    key_id = await sealed_database(beside(tmp_path, old))
    with pytest.raises(SettingsError, match=rf"security\.encryption_keys: .* key {key_id}, .* Add that key"):
        await start(beside(tmp_path, new))
    await start(beside(tmp_path, new, old))


async def test_database_with_nothing_encrypted_gets_a_key_file(tmp_path: Path) -> None:
    configured = beside(tmp_path)
    await upgrade(configured.database.url)
    await start(configured)
    assert files(tmp_path) == ["s.db", "s.db.key"]

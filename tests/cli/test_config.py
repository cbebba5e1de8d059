"""`stackd config`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackd.cli.config import as_toml, reference_page
from stackd.cli.main import cli
from stackd.settings import Settings, keys, load

PAGE = Path(__file__).parents[2] / "docs/reference/configuration.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_printed_configuration_gives_the_same_settings_when_read(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "limits": {"hidden_stack_tags": ("a", 'b"')},
            "api": {"native": {"port": 1}},
            "log": {"level": "debug"},
        }
    )
    file = tmp_path / "printed.toml"
    file.write_text(as_toml(settings))
    assert load(file) == settings


def test_secrets_are_masked() -> None:
    secret = {
        "keystone": {"password": "hush"},
        "security": {"encryption_keys": ["hush"]},
        "database": {"url": "postgresql://u:hush@h/d"},
    }
    text = as_toml(Settings.model_validate(secret))
    assert "hush" not in text
    assert tomllib.loads(text)["database"]["url"] == "postgresql://u:***@h/d"


def test_reference_names_every_setting_and_its_variable() -> None:
    page = reference_page()
    assert [key.name for key in keys() if f"`{key.variable}`" not in page] == []


def test_committed_reference_is_up_to_date() -> None:
    assert PAGE.read_text() == reference_page() + "\n"


def test_mistake_ends_the_command_with_2(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[databse]\nurl = 'x'\n")
    result = CliRunner().invoke(cli, ["--config", "c.toml", "config"])
    assert result.exit_code == 2
    assert "c.toml: databse is not a setting. Did you mean database.url?" in result.stderr


def test_new_key_is_accepted_as_a_key() -> None:
    key = CliRunner().invoke(cli, ["config", "--new-key"]).stdout.strip()
    assert len(key) == 44

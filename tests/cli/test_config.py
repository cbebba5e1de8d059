"""`stackd config`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stackd.cli.config import as_toml, reference_page
from stackd.cli.main import cli
from stackd.configuration import load
from stackd.settings import Settings, keys

KEY = "hush" * 10 + "huA="
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
        "security": {"encryption_keys": [KEY]},
        "database": {"url": "postgresql://u:hush@h/d"},
    }
    text = as_toml(Settings.model_validate(secret))
    assert "hush" not in text
    assert KEY not in text
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


def config(tmp_path: Path, text: str) -> Result:
    (tmp_path / "c.toml").write_text(text)
    return CliRunner().invoke(cli, ["--config", "c.toml", "config"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[security]\nencryption_keys = ["abc"]', "c.toml: security.encryption_keys: "),
        ('[security]\nencryption_keys = "abc"', "c.toml: security.encryption_keys: "),
        ('[keystone]\nauth_url = "foo"', "c.toml: keystone.auth_url = 'foo': "),
        ("[engine]\nlease_seconds = inf", "c.toml: engine.lease_seconds = inf: "),
        ('[database]\nurl = "postgresql://h/d"', "security.encryption_keys is empty"),
        (
            '[database]\nurl = "sqlite:///no/s.db"',
            "database.url = 'sqlite:///no/s.db': there is no directory",
        ),
        ('[plugins]\ndirectories = ["/nonexist"]', "plugins.directories: there is no directory /nonexist."),
        ('[policy]\nfile = "no.yaml"', "policy.file: There is no policy file"),
        ('[environment]\ndirectory = "no"', "no: cannot be read"),
        ('[notifications]\ndriver = "amqp"', "notifications."),
    ],
)
def test_what_the_server_would_refuse_is_reported(text: str, expected: str, tmp_path: Path) -> None:
    result = config(tmp_path, text)
    assert result.exit_code == 2
    assert f"Error: {expected}" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["c.toml"]


def test_configuration_is_shown_although_the_server_would_refuse_it(tmp_path: Path) -> None:
    result = config(tmp_path, '[plugins]\ndirectories = ["/nonexist"]')
    assert tomllib.loads(result.stdout)["plugins"]["directories"] == ["/nonexist"]


def test_keystone_that_is_not_set_yet_is_a_note(tmp_path: Path) -> None:
    result = config(tmp_path, "")
    assert result.exit_code == 0
    assert result.stderr == "Note: `stackd serve` does not start until keystone.auth_url is set.\n"
    assert config(tmp_path, '[keystone]\nauth_url = "http://k/v3"').stderr == ""


def test_warnings_are_not_among_the_settings(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text('"stacks:deleet": "role:admin"\n')
    result = config(tmp_path, '[policy]\nfile = "p.yaml"')
    assert tomllib.loads(result.stdout)["policy"]["file"] == "p.yaml"
    assert "policy_rule_unknown" in result.stderr


def test_new_key_is_accepted_as_a_key() -> None:
    key = CliRunner().invoke(cli, ["config", "--new-key"]).stdout.strip()
    assert len(key) == 44

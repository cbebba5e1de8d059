"""What can be set: defaults, bounds, and that each setting is described and read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

import stackd
from stackd.cli.config import type_name
from stackd.configuration import load
from stackd.settings import Database, Settings, SettingsError, is_secret, keys


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine takes part."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACKD_CONFIG", raising=False)


def write(directory: Path, text: str) -> Path:
    file = directory / "conf.toml"
    file.write_text(text)
    return file


def test_defaults_serve_on_loopback_with_sqlite() -> None:
    settings = load()
    assert (settings.api.native.host, settings.api.native.port) == ("127.0.0.1", 8004)
    assert settings.api.cfn.port == 8000
    assert settings.api.cloudwatch.port == 8003
    assert settings.database.url == "sqlite:///stackd.db"
    assert settings.limits.max_template_size == 524288


def test_repr_does_not_show_secrets() -> None:
    settings = load(database=Database(url="postgresql://u:hush@h/d"))
    assert "hush" not in repr(settings)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load().limits.max_template_size = 1


def test_every_setting_is_described() -> None:
    undescribed = [key.name for key in keys() if not key.section.model_fields[key.field].description]
    assert undescribed == []


def test_secret_settings_are_known_as_such() -> None:
    secret = {key.name for key in keys() if is_secret(key)}
    assert secret == {
        "keystone.password",
        "keystone.stack_domain_admin_password",
        "notifications.transport_url",
        "security.encryption_keys",
    }


def test_every_setting_is_read_somewhere() -> None:
    package = Path(stackd.__file__).parent
    own = package / "settings.py"
    others = [path for path in package.rglob("*.py") if path != own and "devcloud" not in path.parts]
    text = "\n".join(path.read_text() for path in others)
    unread = [key.name for key in keys() if not re.search(rf"""[."']{key.field}\b""", text)]
    assert unread == []


@pytest.mark.parametrize("given", ['["tooshort"]', '"tooshort"', '["\u00e9tooshort"]'])
def test_malformed_encryption_key_is_refused_without_showing_it(given: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--new-key") as caught:
        load(write(tmp_path, f"[security]\nencryption_keys = {given}\n"))
    assert "conf.toml: security.encryption_keys: " in str(caught.value)
    assert "tooshort" not in str(caught.value)
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({"security": {"encryption_keys": ["tooshort"]}})
    assert "tooshort" not in str(raised.value)


def numbers() -> list[str]:
    shown = {key.name: type_name(key) for key in keys()}
    return [name for name, kind in shown.items() if kind.startswith(("number", "integer"))]


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize("name", numbers())
def test_number_without_end_is_refused(name: str, value: str, tmp_path: Path) -> None:
    section, _, field = name.rpartition(".")
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, f"[{section}]\n{field} = {value}\n"))
    assert f"conf.toml: {name} = {value}: Input should be a finite number." in str(caught.value)


@pytest.mark.parametrize("name", ["engine.lease_seconds", "metrics.history_days", "metrics.retention_hours"])
def test_duration_with_which_times_cannot_be_computed_is_refused(name: str, tmp_path: Path) -> None:
    section, _, field = name.rpartition(".")
    with pytest.raises(SettingsError, match=rf"conf\.toml: {name} = .* more than a century"):
        load(write(tmp_path, f"[{section}]\n{field} = 1e10\n"))


def test_address_of_keystone_that_is_no_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"conf\.toml: keystone\.auth_url = 'foo': .*http://controller"):
        load(write(tmp_path, '[keystone]\nauth_url = "foo"\n'))


@pytest.mark.parametrize("name", ["api.native.public_url", "api.cfn.public_url", "guests.watch_url"])
@pytest.mark.parametrize("url", ["foo", "stackd:8000", "http://", "http:///v1", "http://a/?b", "http://a b"])
def test_public_address_that_is_no_url_is_refused(name: str, url: str, tmp_path: Path) -> None:
    section, _, field = name.rpartition(".")
    with pytest.raises(SettingsError, match=rf"conf\.toml: {name} = .*not a URL of HTTP"):
        load(write(tmp_path, f"[{section}]\n{field} = {url!r}\n"))


@pytest.mark.parametrize("url", ["", "http://h", "https://h:1/v1/", "http://[::1]:8000/a/b"])
def test_public_address_may_have_a_port_and_a_path(url: str, tmp_path: Path) -> None:
    settings = load(write(tmp_path, f"[guests]\nmetadata_url = {url!r}\n"))
    assert settings.guests.metadata_url == url

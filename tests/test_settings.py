"""Where settings come from, and what a mistake in them says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

import stackd
from stackd.cli.config import type_name
from stackd.places import encryption_keys
from stackd.settings import (
    Database,
    Settings,
    SettingsError,
    is_secret,
    keys,
    load,
    mask_url,
    new_encryption_key,
)


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


def test_file_gives_values_and_environment_beats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, '[api.native]\nport = 1\nhost = "::1"\n[limits]\nmax_stacks_per_tenant = -1\n')
    monkeypatch.setenv("STACKD_API__NATIVE__PORT", "2")
    settings = load(file)
    assert (settings.api.native.port, settings.api.native.host) == (2, "::1")
    assert settings.limits.max_stacks_per_tenant == -1


def test_overrides_beat_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKD_DATABASE__URL", "sqlite:///env.db")
    assert load(database=Database(url="sqlite:///arg.db")).database.url == "sqlite:///arg.db"


def test_file_named_by_environment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKD_CONFIG", str(write(tmp_path, '[log]\nlevel = "debug"\n')))
    assert load().log.level == "debug"


def test_stackd_toml_in_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "stackd.toml").write_text('[log]\nformat = "json"\n')
    assert load().log.format == "json"


@pytest.mark.parametrize("text", ["a,b", " a , b ", '["a", "b"]'])
def test_list_in_the_environment_is_json_or_commas(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKD_LIMITS__HIDDEN_STACK_TAGS", text)
    assert load().limits.hidden_stack_tags == ("a", "b")


def test_missing_file_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: there is no such file"):
        load("nowhere.toml")


def test_broken_toml_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"conf\.toml: not valid TOML"):
        load(write(tmp_path, "[api\n"))


def test_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    file.write_bytes("# gr\u00fcn".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"conf\.toml: it is not UTF-8 text\. Save it as UTF-8\.$"):
        load(file)


def test_unknown_key_names_the_file_and_suggests_the_closest(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"conf\.toml: api\.native\.prot is not a setting.*api\.native\.port"
    ):
        load(write(tmp_path, "[api.native]\nprot = 1\n"))


def test_unknown_variable_suggests_the_closest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKD_DATABSE__URL", "x")
    with pytest.raises(SettingsError, match="STACKD_DATABASE__URL"):
        load()


def test_wrong_value_names_key_value_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, '[api.native]\nport = "many"\n'))
    assert "conf.toml: api.native.port = 'many'" in str(caught.value)
    assert "TCP port to listen on." in str(caught.value)


def test_wrong_value_of_a_variable_names_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKD_ENGINE__POLL_MIN", "-1")
    with pytest.raises(SettingsError, match=r"^environment: engine\.poll_min = '-1'"):
        load()


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, '[api.native]\nport = 0\n[log]\nlevel = "loud"\n'))
    assert len(str(caught.value).splitlines()) == 2


def test_errors_do_not_show_secrets(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, '[keystone]\npassword = 4711\n[database]\nurl = "mysql://u:hush@h/d"\n'))
    assert "4711" not in str(caught.value)
    assert "hush" not in str(caught.value)


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


def test_mask_url_hides_only_the_password() -> None:
    assert mask_url("postgresql://me:p%40ss@host/db") == "postgresql://me:***@host/db"
    assert mask_url("sqlite:///a.db") == "sqlite:///a.db"


@pytest.mark.parametrize("password", ["hu@sh", "@hush", "hush/hush", "hu:sh@", "hu sh", "hu?sh#", "h//u@s/h"])
def test_mask_url_hides_the_whole_password_whatever_is_in_it(password: str) -> None:
    assert mask_url(f"is postgresql://u:{password}@h/n now") == "is postgresql://u:***@h/n now"


def test_mask_url_hides_passwords_in_queries() -> None:
    text = "postgresql://h/n?user=u&password=hush&sslpassword=hush&port=1"
    assert mask_url(text) == "postgresql://h/n?user=u&password=***&sslpassword=***&port=1"


def with_keys(*given: str) -> Settings:
    return Settings.model_validate({"security": {"encryption_keys": given}})


def test_first_encryption_key_comes_first() -> None:
    one, two = new_encryption_key(), new_encryption_key()
    assert [key.get_secret_value() for key in encryption_keys(with_keys(one, two))] == [one, two]


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
        with_keys("tooshort")
    assert "tooshort" not in str(raised.value)


def test_key_file_that_was_damaged_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "s.db.key").write_text("tooshort\n")
    with pytest.raises(SettingsError, match=r"s\.db\.key: .*bring back the file") as caught:
        encryption_keys(load(database=Database(url=f"sqlite:///{tmp_path}/s.db")))
    assert "tooshort" not in str(caught.value)


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

"""Where settings come from, and what a mistake in them says."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackd.configuration import load
from stackd.settings import Database, SettingsError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine takes part."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACKD_CONFIG", raising=False)


def write(directory: Path, text: str) -> Path:
    file = directory / "conf.toml"
    file.write_text(text)
    return file


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

"""Credentials from clouds.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackd.cli.clouds import with_cloud
from stackd.cli.failures import Failure

CLOUDS = """
clouds:
  lab:
    auth: {auth_url: "http://k/v3", username: me, password: weak, project_id: p}
    region_name: R1
    interface: internal
    verify: false
    orchestration_endpoint_override: http://heat
"""


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    return {"OS_CLOUD": "lab", "HOME": str(tmp_path)}


def test_without_os_cloud_nothing_is_read(environ: dict[str, str]) -> None:
    assert with_cloud({"OS_USERNAME": "me"}) == {"OS_USERNAME": "me"}


def test_entries_become_the_variables_that_mean_the_same(environ: dict[str, str]) -> None:
    found = with_cloud(environ)
    assert found["OS_AUTH_URL"] == "http://k/v3"
    assert (found["OS_USERNAME"], found["OS_PROJECT_ID"], found["OS_REGION_NAME"]) == ("me", "p", "R1")
    assert (found["OS_INTERFACE"], found["OS_INSECURE"]) == ("internal", "true")
    assert found["OS_ORCHESTRATION_ENDPOINT"] == "http://heat"


def test_secure_file_beats_it_and_variables_beat_both(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "secure.yaml").write_text("clouds: {lab: {auth: {password: strong, username: you}}}")
    found = with_cloud(environ | {"OS_USERNAME": "she"})
    assert (found["OS_PASSWORD"], found["OS_USERNAME"]) == ("strong", "she")


def test_file_in_the_home_directory_is_found(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".config/openstack").mkdir(parents=True)
    (tmp_path / "clouds.yaml").rename(tmp_path / ".config/openstack/clouds.yaml")
    assert with_cloud(environ)["OS_USERNAME"] == "me"


def test_unknown_cloud_names_those_that_are_known(environ: dict[str, str]) -> None:
    with pytest.raises(Failure, match="no cloud 'x'") as caught:
        with_cloud(environ | {"OS_CLOUD": "x"})
    assert caught.value.remedy == "There are: lab."


def test_broken_file_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text("a: [")
    with pytest.raises(Failure, match=r"clouds\.yaml cannot be read"):
        with_cloud(environ)

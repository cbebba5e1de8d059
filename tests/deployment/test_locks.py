"""The lock files pin everything with hashes, name no index, and cover what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.deployment.dockerfile import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINNED = re.compile(r"^([a-z0-9][a-z0-9-]*)(?:\[[\w,-]+\])?==\S+", re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9_.-]+")


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def wanted(requirements: list[str]) -> set[str]:
    """Normalised names of requirements as they stand in pyproject.toml."""
    names = (NAME.match(requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


@pytest.mark.parametrize("name", ["ci", "run", "build"])
def test_every_pin_has_a_hash_and_nothing_names_an_index(name: str) -> None:
    entries = re.split(r"\n(?=\S)", lock(name).strip())
    pins = [entry for entry in entries if not entry.startswith("#")]
    assert pins
    assert [entry.splitlines()[0] for entry in pins if not PINNED.match(entry)] == []
    assert [entry.splitlines()[0] for entry in pins if "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?://\S+|--(?:extra-)?index\S*|--find-links\S*", lock(name)) == []


def test_locks_hold_what_pyproject_asks_for() -> None:
    project = PYPROJECT["project"]
    assert wanted(project["dependencies"]) <= set(PINNED.findall(lock("run")))
    everything = project["dependencies"] + project["optional-dependencies"]["test"]
    assert wanted(everything) <= set(PINNED.findall(lock("ci")))
    assert wanted(PYPROJECT["build-system"]["requires"]) <= set(PINNED.findall(lock("build")))


def test_locks_agree_on_versions() -> None:
    ours = set(re.findall(r"^\S+==\S+", lock("ci"), re.MULTILINE))
    for name in ("run", "build"):
        assert set(re.findall(r"^\S+==\S+", lock(name), re.MULTILINE)) <= ours

"""The distribution: built as images get it, and installed where nothing else is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cfntools.conftest import SOURCE
from tests.cfntools.guests.guest import oldest_python

pytestmark = pytest.mark.docs

TOOLS = ("cfn-create-aws-symlinks", "cfn-get-metadata", "cfn-hup", "cfn-init", "cfn-push-stats", "cfn-signal")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The distribution, built from a copy of its directory."""
    copy = tmp_path / "cfntools"
    shutil.copytree(SOURCE.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    subprocess.run(build, cwd=copy, check=True, capture_output=True)
    [made] = tmp_path.glob("stackd_cfntools-*-py3-none-any.whl")
    return made


def test_distribution_has_every_module_and_no_requirement(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modules = {name for name in archive.namelist() if name.endswith(".py")}
        [metadata] = [
            archive.read(each).decode() for each in archive.namelist() if each.endswith("/METADATA")
        ]
    assert modules == {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")}
    assert "Requires-Python: >=3.6" in metadata
    assert "Requires-Dist" not in metadata


def has_pip(python: str) -> bool:
    done = subprocess.run((python, "-m", "pip", "--version"), capture_output=True, check=False)
    return done.returncode == 0


def test_distribution_is_installed_on_the_oldest_python_without_anything_else(
    wheel: Path, tmp_path: Path
) -> None:
    python, place = oldest_python(), tmp_path / "place"
    pip = (python if has_pip(python) else sys.executable, "-m", "pip", "install", "--no-index", "--no-deps")
    subprocess.run((*pip, "--target", str(place), str(wheel)), check=True, capture_output=True)
    for name in TOOLS:
        done = subprocess.run(
            (str(place / "bin" / name), "--help"),
            env={"PYTHONPATH": str(place), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout.split()[:2]) == (0, ["usage:", name]), done.stderr

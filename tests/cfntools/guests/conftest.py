"""One service for all guests of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cfntools.guests.cloud import Cloud, running


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("service")) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a guest has its files."""
    return tmp_path / "guest"

"""One service for all guests, on the port that the released tools expect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cfntools.guests.cloud import Cloud, running
from tests.cloud.guests.released import PORTS, place_for_credentials


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with place_for_credentials(), running(tmp_path_factory.mktemp("service"), **PORTS) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a guest has its files."""
    return tmp_path / "guest"

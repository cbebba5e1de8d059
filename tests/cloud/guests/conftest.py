"""One service for all guests, on the port that the released tools expect: they run one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cfntools.guests.cloud import Cloud, running
from tests.cloud.guests.mounted import PORTS, places_to_mount


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with places_to_mount(), running(tmp_path_factory.mktemp("service"), **PORTS) as made:
        yield made


@pytest.fixture(autouse=True, scope="module")
def cleared(cloud: Cloud) -> Iterator[None]:
    """No stacks of another module: an instance without a network takes the only one that there is."""
    yield
    cloud.clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a guest has its files."""
    return tmp_path / "guest"

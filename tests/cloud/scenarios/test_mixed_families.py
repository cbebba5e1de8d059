"""Stacks that mix services, on the real ones: the families whose services do all of it there.

Each is created, changed in place, changed with replacements and deleted; what all services have of the
project is listed before and after.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.scenarios.case import Case
from tests.cloud.scenarios.session import Session, fresh_project
from tests.support.cases import read
from tests.support.families import PATHS

pytestmark = [pytest.mark.cloud, pytest.mark.long]

REAL = [pytest.param(path, id=path.stem) for path in PATHS if read(path).header.get("real")]
"""Some services have no driver here, or none that brings an object to its end."""


@pytest.fixture(scope="module")
def project() -> Iterator[dict[str, Session]]:
    """The users of a project for families alone."""
    with fresh_project(f"families-{secrets.token_hex(4)}") as made:
        yield made


@pytest.mark.parametrize("path", REAL)
def test_a_family_lives_on_real_services_and_leaves_nothing(
    path: Path, stackd_log: Path, project: dict[str, Session], image_url: str
) -> None:
    assert stackd_log.exists()
    session, stamp = project[read(path).header.get("user", "plain")], secrets.token_hex(3)
    given = {"stamp": stamp, "project": session.project_id, "image_url": image_url}
    before = session.belongings()

    Case(path, session, given).run()

    assert session.belongings() == before
    assert project["admin"].traces(stamp) == set()

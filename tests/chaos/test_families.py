"""Stacks that mix all services, killed at random moments of their lives."""

from __future__ import annotations

import os

import pytest

from tests.chaos.actions import families
from tests.chaos.chaos import chaos, table

STRIKES = int(os.environ.get("STACKD_STRIKES", "20"))
SEED = int(os.environ.get("STACKD_SEED", "1"))
FAMILIES = max(2, STRIKES // 5)
"""With a hundred strikes all are there."""


@pytest.mark.chaos
def test_a_family_comes_through_every_death(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():  # the log of what went wrong is to be seen, too
        result = chaos("kill", STRIKES, SEED, script=families(SEED, FAMILIES))
        print(f"\n{table(result)}")  # noqa: T201
    assert result.strikes >= STRIKES
    assert result.good, result.report()

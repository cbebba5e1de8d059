"""Generated stacks of all types of the cloud's services, killed at random moments of their lives."""

from __future__ import annotations

import os

import pytest

from tests.chaos.actions import mixed
from tests.chaos.chaos import chaos, table

STRIKES = int(os.environ.get("STACKD_STRIKES", "20"))
SEED = int(os.environ.get("STACKD_SEED", "1"))
MIXES = max(2, STRIKES // 25)
"""With 200 strikes there are as many stacks as have all types."""


@pytest.mark.chaos
def test_a_mix_of_types_comes_through_every_death(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():  # the log of what went wrong is to be seen, too
        result = chaos("kill", STRIKES, SEED, script=mixed(SEED, MIXES))
        print(f"\n{table(result)}")  # noqa: T201
    assert result.strikes >= STRIKES
    assert result.good, result.report()

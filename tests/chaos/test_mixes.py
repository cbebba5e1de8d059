"""Generated stacks of all types of the cloud's services, killed at random moments of their lives."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.chaos.actions import mixed
from tests.chaos.chaos import Result, chaos

STRIKES = int(os.environ.get("STACKD_STRIKES", "20"))
SEED = int(os.environ.get("STACKD_SEED", "1"))
MIXES = max(2, STRIKES // 25)
"""With 200 strikes there are as many stacks as have all types."""


@pytest.mark.chaos
def test_a_mix_of_types_comes_through_every_death(show: Callable[[Result], None]) -> None:
    result = chaos("kill", STRIKES, SEED, script=mixed(SEED, MIXES))
    show(result)
    assert result.strikes >= STRIKES
    assert result.good, result.report()

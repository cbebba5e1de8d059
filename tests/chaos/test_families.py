"""Stacks that mix all services, killed at random moments of their lives."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.chaos.actions import families
from tests.chaos.chaos import Result, chaos

STRIKES = int(os.environ.get("STACKD_STRIKES", "20"))
SEED = int(os.environ.get("STACKD_SEED", "1"))
FAMILIES = max(2, STRIKES // 5)
"""With a hundred strikes all are there."""


@pytest.mark.chaos
def test_a_family_comes_through_every_death(show: Callable[[Result], None]) -> None:
    result = chaos("kill", STRIKES, SEED, script=families(SEED, FAMILIES))
    show(result)
    assert result.strikes >= STRIKES
    assert result.good, result.report()

"""Faults at random moments, and nothing is lost, left over, doubled or stuck."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.chaos.chaos import Result, chaos
from tests.support.database import POSTGRES_URL

STRIKES = int(os.environ.get("STACKD_STRIKES", "20"))
SEED = int(os.environ.get("STACKD_SEED", "1"))
# Only PostgreSQL can be shared by processes, and be away while they are not.
FAULTS = ["kill", "pause", "cut"] if POSTGRES_URL else ["kill"]


@pytest.mark.chaos
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_or_doubled(fault: str, show: Callable[[Result], None]) -> None:
    times = -(-STRIKES // len(FAULTS))
    result = chaos(fault, times, SEED)
    show(result)
    assert result.strikes >= times
    assert result.good, result.report()

"""kill -9 at random moments, and nothing is lost, left over, doubled or stuck."""

from __future__ import annotations

import os

import pytest

from tests.chaos.kill_nine import chaos, table

KILLS = int(os.environ.get("STACKD_KILLS", "20"))
SEED = int(os.environ.get("STACKD_SEED", "1"))


@pytest.mark.chaos
def test_nothing_is_lost_or_doubled_by_kill_nine(capsys: pytest.CaptureFixture[str]) -> None:
    result = chaos(KILLS, SEED)
    with capsys.disabled():
        print(f"\n{table(result)}")  # noqa: T201
    assert result.kills >= KILLS
    assert result.good, result.report()

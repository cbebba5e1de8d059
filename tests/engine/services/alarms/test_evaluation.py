"""From points to a state: the published examples, and laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.engine.services.alarms.evaluation import ALARM, INSUFFICIENT, OK, Criteria, Gaps, state_of

KEEP = None
EVERY = (Gaps.MISSING, Gaps.IGNORE, Gaps.BREACHING, Gaps.NOT_BREACHING)


def points(text: str) -> list[bool | None]:
    return [{"0": False, "X": True, "-": None}[each] for each in text.split()]


@pytest.mark.parametrize(
    ("needed", "text", "expected"),
    [
        (3, "0 - X - X", (OK, OK, OK, OK)),
        (3, "- - - - 0", (OK, OK, OK, OK)),
        (3, "- - - - -", (INSUFFICIENT, KEEP, ALARM, OK)),
        (3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "- - X - -", (ALARM, KEEP, ALARM, OK)),
        (2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 - X - -", (OK, OK, ALARM, OK)),
        (2, "- - - - 0", (OK, OK, ALARM, OK)),
        (2, "- - - X -", (ALARM, KEEP, ALARM, OK)),
        (3, "- - - - X", (KEEP, KEEP, ALARM, OK)),
    ],
)
def test_published_examples(needed: int, text: str, expected: tuple[str | None, ...]) -> None:
    found = tuple(state_of(points(text), Criteria(3, needed, gaps)) for gaps in EVERY)
    assert found == expected


SERIES = st.lists(st.sampled_from([True, False, None]), min_size=3, max_size=8)


@given(SERIES, st.integers(1, 3), st.sampled_from(EVERY))
def test_enough_points_make_what_gaps_count_as_irrelevant(
    series: list[bool | None], needed: int, gaps: Gaps
) -> None:
    real = [each for each in series if each is not None]
    if len(real) >= 3:
        expected = ALARM if sum(real[-3:]) >= needed else OK
        assert state_of(series, Criteria(3, needed, gaps)) == expected


@given(SERIES, st.integers(1, 3))
def test_gaps_that_breach_never_make_an_alarm_less_likely(series: list[bool | None], needed: int) -> None:
    if state_of(series, Criteria(3, needed, Gaps.NOT_BREACHING)) == ALARM:
        assert {state_of(series, Criteria(3, needed, gaps)) for gaps in EVERY} == {ALARM}


@given(SERIES, st.integers(1, 3), st.sampled_from(EVERY))
def test_without_a_breach_there_is_no_alarm_unless_gaps_breach(
    series: list[bool | None], needed: int, gaps: Gaps
) -> None:
    if True not in series and gaps is not Gaps.BREACHING:
        assert state_of(series, Criteria(3, needed, gaps)) != ALARM

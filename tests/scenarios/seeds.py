"""Stories that are told by seeds: which to tell, and how a failing one is told again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.scenarios.story import Story


def seeds(default: str) -> list[int]:
    """The numbers in ``STACKD_SEEDS``, or the default: single ones and ranges, with commas between."""
    found: list[int] = []
    for part in os.environ.get("STACKD_SEEDS", default).split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@contextmanager
def reproducible(story: Story, seed: int) -> Iterator[None]:
    """An error inside says which story it was, and what has happened in it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"STACKD_SEEDS={seed}: {'; '.join(story.told)}")
        raise

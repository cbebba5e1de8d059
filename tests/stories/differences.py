"""Where stackd goes on differently on purpose: rows of the documentation, and what they mean for stories.

A row of ``differences.yaml`` has ``what``, ``heat`` and ``stackd`` as a row of docs/compatibility.md has
them, and ``stories``: for each the steps, counted from one, to which stackd answers something else, with
what it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.stories.stories import HERE


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of the table."""

    what: str
    heat: str
    stackd: str
    stories: Mapping[str, Mapping[int, Any]] = field(repr=False)

    @property
    def row(self) -> str:
        """The line of the documentation."""
        return f"| {self.what} | {self.heat} | {self.stackd} |"


def load_differences() -> list[Difference]:
    """All rows."""
    return [Difference(**row) for row in yaml.load((HERE / "differences.yaml").read_text(), yaml.CSafeLoader)]


def differing(story: str, rows: list[Difference]) -> dict[int, Any]:
    """What stackd answers to those steps of a story that differ."""
    return {number: answer for row in rows for number, answer in row.stories.get(story, {}).items()}

"""What was measured, and the bars it is held against."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Result:
    """One number. `bar` is the most it may be, or the least if `more_is_better`; None if there is none."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    more_is_better: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Whether the bar is kept."""
        if self.bar is None:
            return ""
        kept = self.value >= self.bar if self.more_is_better else self.value <= self.bar
        return "ok" if kept else "MISSED"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def table(results: Sequence[Result]) -> str:
    """The results for a terminal."""
    rows = [("measure", "value", "unit", "bar", "")]
    for result in results:
        sign = "≥" if result.more_is_better else "≤"
        bar = f"{sign} {result.bar:g}" if result.bar is not None else ""
        rows.append((result.name, f"{result.value:.4g}", result.unit, bar, result.verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def save(results: Sequence[Result], *, quick: bool, seconds: float) -> Path:
    """Write a JSON file that says where and what was measured; return its path."""
    now = datetime.now(UTC)
    report = {
        "at": now.isoformat(timespec="seconds"),
        "commit": _commit(),
        "quick": quick,
        "seconds": round(seconds, 1),
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "results": [asdict(result) | {"verdict": result.verdict} for result in results],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    return path


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        cwd=RESULTS.parent,
        check=False,
    )
    return done.stdout.strip() or "unknown"

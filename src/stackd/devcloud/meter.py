"""Counts of calls, for benchmarks and for tests that assert how few there were."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Meter:
    """Counts the calls of each route, and the most concurrent calls."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.by_service: Counter[str] = Counter()
        self.in_flight = 0
        self.max_in_flight = 0

    def enter(self, service: str) -> None:
        """A call has arrived."""
        self.by_service[service] += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def leave(self) -> None:
        """A call has been answered or dropped."""
        self.in_flight -= 1

    def reset(self) -> None:
        """Start counting anew."""
        self.calls.clear()
        self.by_service.clear()
        self.max_in_flight = self.in_flight

    def report(self) -> dict[str, Any]:
        """The counts as JSON: `compute POST /servers` and the like."""
        return {
            "calls": {" ".join(key): number for key, number in sorted(self.calls.items())},
            "services": dict(self.by_service),
            "total": sum(self.by_service.values()),
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
        }

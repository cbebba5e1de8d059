"""What a run found is shown at the end, whichever process it was in and however it went."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chaos.chaos import Result, table

_FOUND = "found"


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Callable[[Result], None]:
    """Have what was found shown."""

    def note(result: Result) -> None:
        record_property(_FOUND, table(result))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show it."""
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, text in report.user_properties:
            if name == _FOUND and report.when == "call":
                terminalreporter.section(report.nodeid)
                terminalreporter.line(text)

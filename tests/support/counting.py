"""Counts what code does instead of how long it takes, so that a loaded machine changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any


class Steps:
    """Lines of Python that were executed; work inside of one C function is a single step."""

    count = 0

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Count an event of ``sys.settrace``."""
        if event == "line":
            self.count += 1
        return self.trace


@contextlib.contextmanager
def counted() -> Iterator[Steps]:
    """Count the steps of this thread and of threads that are started meanwhile."""
    steps = Steps()
    before = sys.gettrace(), threading.gettrace()
    threading.settrace(steps.trace)
    sys.settrace(steps.trace)
    try:
        yield steps
    finally:
        sys.settrace(before[0])
        threading.settrace(before[1])  # None is what it is without


@contextlib.contextmanager
def counted_with_threads() -> Iterator[Steps]:
    """Count the steps of the running loop and of the threads that work for it, which are new ones."""
    loop = asyncio.get_running_loop()
    with counted() as steps, ThreadPoolExecutor() as fresh:
        usual = getattr(loop, "_default_executor", None)
        loop.set_default_executor(fresh)
        try:
            yield steps
        finally:
            loop._default_executor = usual  # type: ignore[attr-defined]  # no public way back

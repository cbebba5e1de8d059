"""Child processes for work that cannot be interrupted: yaql expressions and doubtful regular expressions.

Each is started when it is first needed, answers one request at a time, and is killed when an answer is late;
the next request starts a new one. What it is sent and answers is JSON, one line each. Several owners share
the processes in turn; what one computation may use of them is part of its budget.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from stackd.offload import OWNER, Exhausted, Turns, current_budget

START_TIMEOUT: Final = 20.0
MAX_ANSWER: Final = 8_000_000
PROGRAM: Final = Path(__file__).with_name("worker_main.py")
PROCESSES: Final = 3


class WorkerError(ValueError):
    """The worker could not perform the operation; the message has the reason."""


class Workers:
    """Processes that do one thing at a time each, within a time limit."""

    def __init__(self, processes: int = PROCESSES) -> None:
        self._turns = Turns(processes, share=max(1, processes - 1))
        self._idle: list[_Worker] = []

    def call(self, operation: str, arguments: list[Any], timeout: float) -> Any:
        """The operation's result; raises WorkerError, or TimeoutError after ``timeout`` seconds.

        What takes this long is never waited for on the event loop: there it raises ``Exhausted``.
        """
        budget, owner = current_budget(), OWNER.get()
        if budget.is_trial:
            raise Exhausted
        budget.is_lasting = False  # it may take too long, and expressions may ask for the time
        if budget.seconds <= 0:
            raise WorkerError("the expressions before this one have used up the time for all of them")
        request = json.dumps([operation, arguments]).encode() + b"\n"
        mine = threading.Event()
        self._turns.enter(owner, mine.set)
        mine.wait()
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = _Worker()
        try:
            worker.start()
            began = time.monotonic()
            try:
                line = worker.exchange(request, min(timeout, budget.seconds))
            finally:
                budget.seconds -= time.monotonic() - began
        finally:
            self._idle.append(worker)
            self._turns.leave(owner)
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End the processes."""
        while self._idle:
            self._idle.pop().stop()


class _Worker:
    """One process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process unless it runs; raises WorkerError."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        path = os.pathsep.join(part for part in sys.path if part)
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": path, "PATH": os.environ.get("PATH", ""), "PYTHONUTF8": "1"},
            start_new_session=True,
        )
        try:
            ready = _exchange(self._process, b"", START_TIMEOUT)
        except TimeoutError:
            ready = b""
        if not ready:
            self.stop()
            raise WorkerError("the process that evaluates expressions could not be started")

    def exchange(self, request: bytes, timeout: float) -> bytes:
        """The answer to a request; without one the process is ended."""
        assert self._process is not None
        try:
            line = _exchange(self._process, request, timeout)
        except TimeoutError:
            self.stop()
            raise
        if not line:
            self.stop()
            raise WorkerError("the evaluation ended without a result: it needed too much memory or depth")
        return line

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # it was broken before this request and is stopped now
        process.wait()


def _exchange(process: subprocess.Popen[bytes], request: bytes, timeout: float) -> bytes:
    """Send a request and read one line; empty when the process ended, TimeoutError when it is late."""
    if process.stdin is None or process.stdout is None:
        return b""
    deadline = time.monotonic() + timeout
    incoming, outgoing = process.stdout.fileno(), process.stdin.fileno()
    os.set_blocking(outgoing, False)
    received = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(incoming, selectors.EVENT_READ)
        if request:
            selector.register(outgoing, selectors.EVENT_WRITE)
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"no answer within {timeout} seconds")
            for key, _ in selector.select(remaining):
                if key.fd == outgoing:
                    try:
                        request = request[os.write(outgoing, request) :]
                    except BrokenPipeError:
                        return b""
                    if not request:
                        selector.unregister(outgoing)
                    continue
                chunk = os.read(incoming, 65536)
                received += chunk
                if not chunk or len(received) > MAX_ANSWER:
                    return b""
                if received.endswith(b"\n"):
                    return bytes(received)


WORKERS: Final = Workers()
atexit.register(WORKERS.close)

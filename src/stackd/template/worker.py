"""A child process for work that cannot be interrupted: yaql expressions and doubtful regular expressions.

It is started when it is first needed, answers one request at a time, and is killed when an answer is late;
the next request starts a new one. What it is sent and answers is JSON, one line each.
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

START_TIMEOUT: Final = 20.0
MAX_ANSWER: Final = 8_000_000
PROGRAM: Final = Path(__file__).with_name("worker_main.py")


class WorkerError(ValueError):
    """The worker could not perform the operation; the message has the reason."""


class Worker:
    """A process that does one thing at a time, within a time limit."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def call(self, operation: str, arguments: list[Any], timeout: float) -> Any:
        """The operation's result; raises WorkerError, or TimeoutError after ``timeout`` seconds."""
        request = json.dumps([operation, arguments]).encode() + b"\n"
        with self._lock:
            process = self._running()
            try:
                line = _exchange(process, request, timeout)
            except TimeoutError:
                self._stop()
                raise
            if not line:
                self._stop()
                raise WorkerError("the evaluation ended without a result: it needed too much memory or depth")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
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
            self._stop()
            raise WorkerError("the process that evaluates expressions could not be started")
        return self._process

    def _stop(self) -> None:
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


WORKER: Final = Worker()
atexit.register(WORKER.close)

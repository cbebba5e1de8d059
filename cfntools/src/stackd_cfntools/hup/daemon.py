"""Passes at an interval, in the background."""

import fcntl
import logging
import os
import signal
import sys
from types import FrameType
from typing import IO, Callable, Optional

from stackd_cfntools import places
from stackd_cfntools.errors import ToolError
from stackd_cfntools.system import System

log = logging.getLogger(__name__)


class Stopped(BaseException):
    """A signal ended the daemon."""


def exclusively(system: System) -> IO[str]:
    """A lock that lasts as long as the file is open; raises ToolError if another cfn-hup has it."""
    system.make_directory(os.path.dirname(places.HUP_LOCK))
    handle = open(system.path(places.HUP_LOCK), "w", encoding="ascii")  # noqa: SIM115  # the caller closes it
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise ToolError("another cfn-hup is at work") from None
    return handle


def detach(system: System) -> None:
    """Go on in a process of its own that no terminal ends, and leave its number in a file."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    sys.stdout.flush()
    with open(os.devnull, "r+b") as nothing:
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    system.write(places.HUP_PID, "{}\n".format(os.getpid()).encode(), 0o644)


def repeat(system: System, act: Callable[[], bool], interval: float) -> None:
    """Act, pause, and so on until a signal comes; what goes wrong in one pass is tried again in the next."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        while True:
            _attempt(act)
            system.sleep(interval)
    except Stopped:
        log.info("stopped by a signal")


def _attempt(act: Callable[[], bool]) -> None:
    try:
        act()
    except ToolError as error:
        log.error("%s", error)
    except Exception:
        log.exception("a pass broke; this is a mistake of the tool")


def _stop(number: int, frame: Optional[FrameType]) -> None:
    raise Stopped

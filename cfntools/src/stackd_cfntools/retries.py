"""Repeats what failed for now, after pauses that grow and that chance spreads over many guests."""

import logging
from typing import Callable, NamedTuple, TypeVar

from stackd_cfntools.errors import RequestFailed, RequestRefused, ToolError
from stackd_cfntools.system import System

log = logging.getLogger(__name__)
T = TypeVar("T")

_PASSING_STATUS = frozenset([429, 500, 502, 503, 504])
_PASSING_CODES = frozenset(["Throttling", "ThrottlingException", "RequestLimitExceeded"])
_NOT_DONE_STATUS = frozenset([429, 503])


class Pace(NamedTuple):
    """How often to try, and the bounds of the pauses in seconds."""

    attempts: int
    first: float
    longest: float


PATIENT = Pace(attempts=9, first=0.5, longest=30.0)
"""Two minutes at most: a server that is restarted or moved is back by then."""

BRIEF = Pace(attempts=2, first=0.5, longest=0.5)


def passing(error: ToolError) -> bool:
    """Whether the same request may go well later."""
    if isinstance(error, RequestRefused):
        return error.status in _PASSING_STATUS or error.code in _PASSING_CODES
    return isinstance(error, RequestFailed)


def surely_not_done(error: ToolError) -> bool:
    """Whether it is sure that the server did nothing, so that a repetition does nothing twice."""
    if isinstance(error, RequestRefused):
        return error.status in _NOT_DONE_STATUS or error.code in _PASSING_CODES
    return isinstance(error, RequestFailed) and not error.connected


def repeated(
    system: System, act: Callable[[], T], pace: Pace, again: Callable[[ToolError], bool] = passing
) -> T:
    """What ``act`` returns; what it raises last."""
    for attempt in range(1, pace.attempts):
        try:
            return act()
        except ToolError as error:  # noqa: PERF203  # what is repeated takes much longer
            if not again(error):
                raise
            pause = pause_after(attempt, pace, system.random.random())
            log.info("attempt %d failed, the next is in %.1f s: %s", attempt, pause, error)
            system.sleep(pause)
    return act()


def pause_after(attempt: int, pace: Pace, chance: float) -> float:
    """The seconds after that many attempts: at least half of a length that doubles each time."""
    most: float = min(pace.longest, pace.first * 2 ** (attempt - 1))
    return most * (0.5 + chance / 2)

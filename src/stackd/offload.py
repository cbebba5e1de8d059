"""Computations on what callers sent: off the event loop, in threads shared fairly, each on a budget.

The loop serves everybody, so it computes for nobody longer than some milliseconds. How long a computation
takes is not seen from the size of its input. So it runs in a thread (`in_thread`), or on the loop for as long
as a very small budget lasts and from the beginning again in a thread if that was not enough (`offloaded`).

An owner is a project: whoever sends much waits behind itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

LARGE: Final = 8_000
"""Weight from which a document is parsed in a thread: a byte of JSON weighs 1, one of YAML more."""

YAML_WEIGHT: Final = 4

OWNER: Final[ContextVar[str]] = ContextVar("owner", default="")
"""The project for which the running task computes."""


# --- budgets --------------------------------------------------------------------------------------


class Exhausted(Exception):
    """The small budget of a computation on the event loop is spent; it has to be repeated in a thread."""


@dataclass(slots=True)
class Budget:
    """What is left of the bounds of one computation, whatever it consists of.

    ``nodes`` and ``text`` are values and characters that functions build, ``work`` their elementary steps,
    ``seconds`` the time in worker processes, ``compared`` characters of names that are compared for
    suggestions, ``inner`` values in the definitions of nested stacks. ``cache`` is for what would else be
    computed again within the same computation. ``is_lasting`` is whether its result would be the same at any
    other time.
    """

    nodes: int = 2_000_000
    text: int = 500_000_000
    work: int = 2_000_000_000
    seconds: float = 4.0
    compared: int = 200_000
    inner: int = 1_000_000
    is_trial: bool = False
    cache: dict[Any, Any] = field(default_factory=dict)
    is_lasting: bool = True

    def spend(self, nodes: int = 0, text: int = 0, work: int = 0) -> bool:
        """Whether there was as much; raises ``Exhausted`` if there was not on the event loop."""
        self.nodes -= nodes
        self.text -= text
        self.work -= work
        if self.nodes >= 0 and self.text >= 0 and self.work >= 0:
            return True
        if self.is_trial:
            raise Exhausted
        return False


_current: ContextVar[Budget | None] = ContextVar("budget", default=None)


def trial_budget() -> Budget:
    """The very small budget of a computation on the event loop."""
    return Budget(nodes=5_000, text=200_000, work=1_000_000, seconds=0, compared=2_000, is_trial=True)


def running_trial() -> Budget | None:
    """The budget of the running computation if that is tried on the event loop."""
    budget = _current.get()
    return budget if budget is not None and budget.is_trial else None


def charge_trial(work: int) -> None:
    """Count what only needs to be bounded on the event loop; raises ``Exhausted`` there if it is too much."""
    if (budget := running_trial()) is not None:
        budget.spend(work=work)


def current_budget() -> Budget:
    """The budget of the running computation; a new one outside of any."""
    return _current.get() or Budget()


@contextlib.contextmanager
def budgeted(budget: Budget) -> Iterator[Budget]:
    """Have what is computed in the block use this budget."""
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)


# --- turns ----------------------------------------------------------------------------------------


class Turns:
    """A number of places, of which one owner gets at most ``share``; owners that wait are served in turn."""

    def __init__(self, places: int, share: int) -> None:
        self._free = places
        self._share = share
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()

    def enter(self, owner: str, start: Callable[[], None]) -> None:
        """Have ``start`` called, from any thread, once the owner has a place, which it has to ``leave``."""
        with self._lock:
            self._waiting.setdefault(owner, deque()).append(start)
        self._admit()

    def leave(self, owner: str) -> None:
        """Give a place back."""
        with self._lock:
            self._free += 1
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
        self._admit()

    def _admit(self) -> None:
        while (start := self._next()) is not None:
            start()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            owner = next((name for name in self._waiting if self._taken[name] < self._share), None)
            if owner is None or not self._free:
                return None
            queue = self._waiting.pop(owner)
            start = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # behind all others
            self._free -= 1
            self._taken[owner] += 1
            return start


_THREADS = 4

THREADS: Final = Turns(places=_THREADS, share=2)
"""The threads that compute. More would not compute more, and keep the event loop waiting longer."""

_POOL: Final = ThreadPoolExecutor(_THREADS, thread_name_prefix="compute")


# --- computing ------------------------------------------------------------------------------------


async def in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a pure function in a thread, on a budget of its own."""
    owner = OWNER.get()
    await turn(THREADS, owner)
    context = copy_context()

    try:
        work = _POOL.submit(context.run, _on_budget, Budget(), partial(function, *args, **kwargs))
    except BaseException:
        THREADS.leave(owner)
        raise
    # Called however it ends, also when it was cancelled before a thread began with it.
    work.add_done_callback(lambda _: THREADS.leave(owner))
    return await asyncio.wrap_future(work)


async def offloaded(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a pure function, in a thread if it takes longer than the event loop can be without attention.

    It is then called a second time. What it computes on has to be charged: values that it builds (``spend``),
    documents, mistakes and names to compare (``charge_trial``).
    """
    try:
        return _on_budget(trial_budget(), partial(function, *args, **kwargs))
    except Exhausted:
        return await in_thread(function, *args, **kwargs)


async def parsed(weight: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function whose time depends on the weight of its input alone, in a thread if that is large."""
    if weight < LARGE:
        return function(*args, **kwargs)
    return await in_thread(function, *args, **kwargs)


async def in_turns(function: Callable[[T], R], items: Sequence[T], at_once: int) -> list[R]:
    """The results of a short function for many items.

    Whatever else waits has the event loop after every ``at_once`` of them.
    """
    results: list[R] = []
    for start in range(0, len(items), at_once):
        if start:
            await asyncio.sleep(0)
        results += [function(each) for each in items[start : start + at_once]]
    return results


def _on_budget(budget: Budget, function: Callable[[], Any]) -> Any:
    token = _current.set(budget)  # `budgeted` costs more, and this is done for each resource
    try:
        return function()
    finally:
        _current.reset(token)


async def turn(turns: Turns, owner: str) -> None:
    """Return when the owner has a place, which it has to ``leave``."""
    loop = asyncio.get_running_loop()
    place: asyncio.Future[None] = loop.create_future()

    def grant() -> None:
        if place.done():  # who waited was cancelled
            turns.leave(owner)
        else:
            place.set_result(None)

    def start() -> None:
        try:
            loop.call_soon_threadsafe(grant)
        except RuntimeError:  # the loop is closed
            turns.leave(owner)

    turns.enter(owner, start)
    try:
        await place
    except asyncio.CancelledError:
        if place.done() and not place.cancelled():
            turns.leave(owner)
        raise

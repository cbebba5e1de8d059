"""Group commit of a batch of writes: grouping, fencing, and splitting when a write is refused.

Steps with the same text share one ``executemany``. When the database refuses anything in a batch, the batch
is split in halves until the refused write is alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stackd.db.statements import Row, Statement
from stackd.errors import Fenced, StackdError, StackExists
from stackd.records import Fence

SETTLED_AT_ONCE = 16
"""Number of waiters woken in one turn of the event loop, so that they do not stall it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a write.

    Steps with the same ``key`` keep their order. ``conditional`` steps must find their row.
    ``stack_name`` is what a clash of live names is reported with.
    """

    statement: Statement
    args: tuple[Any, ...]
    key: tuple[str, str]
    conditional: bool = False
    stack_name: str = ""


@dataclass(slots=True, eq=False)
class Write:
    """Steps that are committed atomically, and the future of their waiter."""

    steps: Sequence[Step]
    fence: Fence | None
    waiter: asyncio.Future[None]
    settled: bool = field(default=False)

    def settle(self, error: Exception | None) -> None:
        """Set the outcome, unless the waiter was cancelled."""
        self.settled = True
        if self.waiter.done():
            return
        if error is None:
            self.waiter.set_result(None)
        else:
            self.waiter.set_exception(error)

    def name_taken(self) -> StackExists:
        """The error for a stack name that is in use."""
        return StackExists(next((step.stack_name for step in self.steps if step.stack_name), ""))


Outcomes = list[tuple[Write, Exception | None]]


@dataclass(slots=True)
class Group:
    """Steps with the same statement, which one call of the driver runs."""

    statement: Statement
    conditional: bool
    steps: list[Step]

    @property
    def args(self) -> list[tuple[Any, ...]]:
        """The arguments of all steps."""
        return [step.args for step in self.steps]


class Refused(Exception):
    """A transaction that the database refused; ``reason`` is accurate if it had one write."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def fenced() -> Fenced:
    """The error for a write whose epoch or condition no longer matches, or that lost a race."""
    return Fenced()


def refused(error: BaseException) -> StackdError:
    """The error for a change that the database refuses; names the rule, never the values."""
    return StackdError(f"The database refused a change: {str(error).splitlines()[0]}")


def grouped(writes: Iterable[Write]) -> list[Group]:
    """The steps of ``writes`` grouped by statement; steps of one key keep their order."""
    groups: list[Group] = []
    open_groups: dict[tuple[str, bool], int] = {}
    touched: dict[tuple[str, str], int] = {}
    for write in writes:
        for step in write.steps:
            kind = (step.statement.text, step.conditional)
            place = open_groups.get(kind, -1)
            if place < touched.get(step.key, 0):
                place = open_groups[kind] = len(groups)
                groups.append(Group(step.statement, step.conditional, []))
            groups[place].steps.append(step)
            touched[step.key] = place
    return groups


def roots_of(writes: Iterable[Write]) -> list[str]:
    """Ids of the root stacks whose epochs fence ``writes``, sorted."""
    return sorted({write.fence.root_id for write in writes if write.fence})


def judged(writes: Iterable[Write], epochs: Iterable[Row]) -> Outcomes:
    """The outcome of each write on commit; ``epochs`` are the ids and epochs of the root stacks."""
    held = {None, *(Fence(root_id, epoch) for root_id, epoch in epochs)}
    return [(write, None if write.fence in held else fenced()) for write in writes]


def kept(outcomes: Outcomes) -> Iterator[Write]:
    """The writes whose fence matches the current epoch: those to run."""
    return (write for write, error in outcomes if error is None)


async def commit_in_halves(
    writes: Sequence[Write], transact: Callable[[Sequence[Write]], Awaitable[Outcomes]]
) -> None:
    """Commit ``writes`` in one transaction and set their outcomes; if refused, each half by itself."""
    if not writes:
        return
    try:
        outcomes = await transact(writes)
    except Refused as refusal:
        if len(writes) == 1:
            writes[0].settle(refusal.reason)
            return
        middle = len(writes) // 2
        await commit_in_halves(writes[:middle], transact)
        await commit_in_halves(writes[middle:], transact)
    else:
        await _settle(outcomes)


async def _settle(outcomes: Outcomes) -> None:
    """Wake all waiters, a few in each turn of the loop."""
    for count, (write, outcome) in enumerate(outcomes, 1):
        write.settle(outcome)
        if count % SETTLED_AT_ONCE == 0:
            await asyncio.sleep(0)

"""Collects mistakes instead of raising them, so that all are reported at once.

Whatever reads or checks a template hands each mistake to a `Report`. One that raises, `refuse`, stops at the
first; `Problems` keeps them with the stage of checking that each belongs to, and hands them out in the order
in which Heat would find them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum
from functools import partial
from itertools import islice
from typing import Final

from stackd.errors import InvalidTemplateReference, TemplateError, TemplateErrors
from stackd.offload import Exhausted, charge_trial, current_budget
from stackd.template.unknown import Unknown

Report = Callable[[TemplateError], None]

_MOST_COMPARED: Final = 1000
_MOST_KEPT: Final = 5000
_MISTAKE: Final = 40_000
"""Elementary steps for each mistake that is found."""

_LONGEST_COMPARED: Final = 64
"""Characters of a name for which, or with which, suggestions are made."""
BROKEN: Final = Unknown("", ("broken",))
"""Placeholder for a wrong value: what depends on it is not checked."""


class Stage(IntEnum):
    """The stages of checking, in the order in which their mistakes are reported."""

    STRUCTURE = 0
    PARAMETERS = 1
    GROUPS = 2
    CONDITIONS = 3
    DEFINITIONS = 4
    NAMES = 5
    GRAPH = 6
    RESOURCES = 7
    OUTPUTS = 8


def refuse(error: TemplateError) -> None:
    """The report that raises."""
    raise error


@dataclass(frozen=True, slots=True)
class Mistake:
    """An error, the stage that found it, and the resource it is about."""

    stage: Stage
    error: TemplateError
    resource: str = ""


class Problems:
    """The mistakes found so far."""

    __slots__ = ("_count", "_mistakes", "_paths")

    def __init__(self) -> None:
        self._count = 0
        self._mistakes: list[Mistake] = []
        self._paths: list[str] = []

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self._mistakes)

    def add(self, stage: Stage, resource: str, error: TemplateError) -> None:
        """Keep a mistake, unless there are thousands."""
        charge_trial(_MISTAKE)
        self._count += 1
        if self._count > _MOST_KEPT:
            return
        self._mistakes.append(Mistake(stage, error, resource))
        insort(self._paths, error.path)

    def at(self, stage: Stage, resource: str = "") -> Report:
        """Where a check of that stage reports to."""
        return partial(self.add, stage, resource)

    def about(self, path: str) -> bool:
        """Whether something at or below a dotted path is known to be wrong."""
        at = bisect_left(self._paths, path)
        if self._paths[at : at + 1] == [path]:
            return True
        return any(
            self._paths[at].startswith(below)
            for below in (f"{path}.", f"{path}[")
            if (at := bisect_left(self._paths, below)) < len(self._paths)
        )

    def ordered(self, ranks: Mapping[str, int] | None = None) -> list[TemplateError]:
        """Each mistake once, by stage, then by the rank of its resource, then as it was found."""
        ranks = ranks or {}
        mistakes = sorted(
            self._mistakes,
            key=lambda each: (
                each.stage,
                ranks.get(each.resource, 0) if each.stage is Stage.RESOURCES else 0,
            ),
        )
        return distinct([each.error for each in mistakes])


def raise_all(errors: Sequence[TemplateError]) -> None:
    """Raise the errors, if any: a single one as it is, several as a group rendered as the first."""
    if errors:
        raise errors[0] if len(errors) == 1 else TemplateErrors(errors[0], errors)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A remedy with the known name most similar to a wrong one; empty if none is similar.

    Where there are thousands of mistakes only the first ones get a suggestion.
    """
    budget = current_budget()
    if len(name) > _LONGEST_COMPARED or budget.compared <= 0:
        return ""
    compared = []
    for each in islice(known, _MOST_COMPARED):
        if len(each) <= _LONGEST_COMPARED:
            budget.compared -= len(each) + len(name)
            compared.append(each)
        if budget.compared <= 0:
            if budget.is_trial:
                raise Exhausted
            break
    close = get_close_matches(name, compared, n=1, cutoff=cutoff)
    return f"Did you mean {close[0]}?" if close else ""


def distinct(errors: list[TemplateError]) -> list[TemplateError]:
    """The errors without those that report the same mistake as an earlier one."""
    seen: set[tuple[object, ...]] = set()
    kept: list[TemplateError] = []
    for error in errors:
        keys = set(_identities(error))
        if not keys & seen:
            kept.append(error)
        seen |= keys
    return kept


def _identities(error: TemplateError) -> Iterator[tuple[object, ...]]:
    """The key of an error: equal for errors about the same mistake."""
    yield error.message, error.path
    if isinstance(error, InvalidTemplateReference):
        yield InvalidTemplateReference, error.path
    if error.place.line:
        yield error.place, error.gist

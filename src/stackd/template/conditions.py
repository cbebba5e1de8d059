"""The conditions of a template under one set of parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from stackd.errors import TemplateError
from stackd.template.functions.base import Call, dotted, invalid_condition
from stackd.template.parameters import masked
from stackd.template.problems import BROKEN, Report, nearest, refuse
from stackd.template.unknown import Unknown

if TYPE_CHECKING:
    from stackd.template.template import Template


class _Running(threading.local):
    """The conditions that a thread is evaluating, each with the definition that it belongs to.

    Several threads may use one definition.
    """

    def __init__(self) -> None:
        self.conditions: list[tuple[Conditions, str]] = []


_RUNNING: Final = _Running()


class Conditions(Mapping[str, Any]):
    """Truth values of conditions by name, evaluated on first use and cached.

    A truth value is a bool, or `Unknown` if it depends on a parameter whose value is not known yet. A mistake
    in one is raised at each use, or only at the first if it is ``raises_once``.
    """

    def __init__(
        self, template: Template, parameters: Mapping[str, Any], evaluate: Callable[[Conditions, Call], Any]
    ) -> None:
        self.template = template
        self.parameters = parameters
        self._evaluate = evaluate
        self.raises_once = False
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            if name not in self.template.conditions:
                raise KeyError(name)
            try:
                self._known[name] = self._resolve(name)
            except TemplateError:
                if self.raises_once:
                    self._known[name] = BROKEN
                raise
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.template.conditions)

    def __len__(self) -> int:
        return len(self.template.conditions)

    def resolve_all(self, report: Report = refuse) -> None:
        """Evaluate every condition; a wrong one is unknown."""
        for name in self:
            try:
                self[name]
            except TemplateError as error:
                report(error)
                self._known[name] = BROKEN

    def holds(self, condition: Any) -> Any:
        """The truth of a name, a boolean or an inline function; raises TemplateError for an unknown name."""
        if isinstance(condition, bool | Unknown):
            return condition
        if isinstance(condition, Call):
            return self._truth(condition, self._evaluate(self, condition), dotted(condition.path))
        if not isinstance(condition, str) or condition not in self.template.conditions:
            remedy = nearest(str(condition), self.template.conditions) or "Define it under conditions."
            raise TemplateError(invalid_condition(condition), remedy=remedy)
        return self[condition]

    def quietly(self, condition: Any) -> Any:
        """The truth value; Unknown for a mistake, which is reported elsewhere."""
        before, self.raises_once = self.raises_once, False
        try:
            return None if condition is None else self.holds(condition)
        except TemplateError:
            return BROKEN
        finally:
            self.raises_once = before

    def _resolve(self, name: str) -> Any:
        definition = self.template.conditions[name]
        if isinstance(definition, bool | Unknown):
            return definition
        running = [each for owner, each in _RUNNING.conditions if owner is self]
        if name in running:
            chain = " -> ".join((*running[running.index(name) :], name))
            raise self._wrong(
                name, f'Circular definition for condition "{name}"', f"Break the circle {chain}."
            )
        _RUNNING.conditions.append((self, name))
        try:
            return self._truth(definition, self._evaluate(self, definition), name)
        finally:
            _RUNNING.conditions.pop()

    def _truth(self, definition: Any, value: Any, name: str) -> Any:
        if isinstance(value, bool | Unknown):
            return value
        raise self._wrong(
            name,
            f'The definition of condition "{name}" is invalid: {masked(str(value), self.parameters)}'[:300],
            "It must be a boolean: compare with equals.",
        )

    def _wrong(self, name: str, problem: str, remedy: str) -> TemplateError:
        path = (self.template.version.sections["conditions"], name)
        return TemplateError(
            problem,
            lead=("Condition validation error",),
            path=dotted(path),
            place=self.template.place(path),
            remedy=remedy,
            value=self.template.value(path),
        )

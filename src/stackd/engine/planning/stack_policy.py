"""Stack policies: which updates of which resources a stack's owner allows (pure).

A policy is a JSON document of statements in the form that AWS has: ``Effect``, ``Action`` (``Update:Modify``,
``Update:Replace``, ``Update:Delete``, ``Update:*``), ``Principal`` (``*``), ``Resource`` or ``NotResource``
(``LogicalResourceId/NAME``, with wildcards) and ``Condition`` on ``ResourceType``. Where there is one, what
no statement allows is denied, and a denial outweighs every permission.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stackd.engine.planning.plan import Step
from stackd.engine.planning.verbs import Verb
from stackd.errors import BadRequest, UpdateDenied

MAX_BYTES: Final = 16 * 1024
MOST_STATEMENTS: Final = 100
MOST_MARKS: Final = 100
"""Wildcards ``?`` of a policy: what has one takes longer to read."""

CHANGES: Final[Mapping[Verb, str]] = {
    Verb.UPDATE: "Modify",
    Verb.REPLACE: "Replace",
    Verb.DELETE: "Delete",
    Verb.ABANDON: "Delete",
}
"""What a policy calls the verbs that it is about; all others are free."""

_ACTIONS: Final = frozenset({"Update:*", *(f"Update:{change}" for change in CHANGES.values())})
_PREFIX: Final = "LogicalResourceId/"
_REMEDY: Final = "See the documentation of stack policies."


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: whether it ``allows`` or denies ``changes``, and of which resources."""

    allows: bool
    changes: frozenset[str]
    named: Callable[[str], bool]
    typed: Callable[[str], bool]

    def covers(self, change: str, name: str, kind: str) -> bool:
        """Whether it is about this change of this resource."""
        return change in self.changes and self.named(name) and self.typed(kind)


@dataclass(frozen=True, slots=True)
class StackPolicy:
    """The statements of a policy, in their order."""

    statements: tuple[Statement, ...]

    def require(self, name: str, kind: str, verb: Verb) -> None:
        """Raise ``UpdateDenied`` unless the policy allows this verb on this resource of the stack."""
        change = CHANGES.get(verb)
        if change is None:
            return
        about = [
            (number, each)
            for number, each in enumerate(self.statements, 1)
            if each.covers(change, name, kind)
        ]
        denying = next((number for number, each in about if not each.allows), None)
        if denying is not None:
            raise UpdateDenied(name, change, f"Statement [#{denying}] does not allow")
        if not about:
            raise UpdateDenied(name, change, "no statement allows")

    def refusal(self, step: Step) -> str:
        """Why a step on one of the stack's own resources is not allowed; empty if it is, or is inside one."""
        try:
            self.require_all((step,))
        except UpdateDenied as denied:
            return str(denied)
        return ""

    def require_all(self, steps: Iterable[Step]) -> None:
        """Raise ``UpdateDenied`` for the first step on the stack's own resources that is not allowed."""
        for step in steps:
            if len(step.path) == 1:
                self.require(step.name, step.type, step.verb)


def read_policy(text: str) -> StackPolicy:
    """The policy of a JSON text; raises ``BadRequest`` for any other text, naming what is wrong."""
    if len(text.encode()) > MAX_BYTES:
        raise _invalid(f"it is longer than {MAX_BYTES} bytes")
    if text.count("?") > MOST_MARKS:
        raise _invalid(f"it has more than {MOST_MARKS} wildcards ?")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid("it is no JSON") from None
    statements = data.get("Statement") if isinstance(data, Mapping) else None
    statements = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(statements, list) or not 0 < len(statements) <= MOST_STATEMENTS:
        raise _invalid(f"Statement must be a list of 1 to {MOST_STATEMENTS} statements")
    return StackPolicy(tuple(_statement(number, each) for number, each in enumerate(statements, 1)))


def _invalid(why: str) -> BadRequest:
    return BadRequest(f"Error validating stack policy: {why}. {_REMEDY}")


def _statement(number: int, data: Any) -> Statement:
    at = f"Statement [#{number}]"
    if not isinstance(data, Mapping):
        raise _invalid(f"{at} must be an object")
    if data.get("Effect") not in ("Allow", "Deny"):
        raise _invalid(f"Effect of {at} must be Allow or Deny")
    if data.get("Principal") != "*":
        raise _invalid(f'Principal of {at} must be "*"')
    if ("Resource" in data) == ("NotResource" in data):
        raise _invalid(f"{at} must have either Resource or NotResource")
    return Statement(data["Effect"] == "Allow", _changes(at, data), _named(at, data), _typed(at, data))


def _changes(at: str, data: Mapping[str, Any]) -> frozenset[str]:
    actions = _texts(data.get("Action"), f"Action of {at}")
    if unknown := sorted(set(actions) - _ACTIONS):
        raise _invalid(f"Action {unknown[0]} of {at} is not one of {', '.join(sorted(_ACTIONS))}")
    if "Update:*" in actions:
        return frozenset(CHANGES.values())
    return frozenset(action.removeprefix("Update:") for action in actions)


def _named(at: str, data: Mapping[str, Any]) -> Callable[[str], bool]:
    key = "Resource" if "Resource" in data else "NotResource"
    patterns = _texts(data[key], f"{key} of {at}")
    for each in patterns:
        if each != "*" and not each.startswith(_PREFIX):
            raise _invalid(f'{key} {each} of {at} must be "*" or begin with {_PREFIX}')
    matches = _any_of(patterns)
    if key == "Resource":
        return lambda name: matches(_PREFIX + name)
    return lambda name: not matches(_PREFIX + name)


def _typed(at: str, data: Mapping[str, Any]) -> Callable[[str], bool]:
    condition = data.get("Condition")
    if condition is None:
        return lambda kind: True
    if not isinstance(condition, Mapping) or len(condition) != 1:
        raise _invalid(f"Condition of {at} must have StringEquals or StringLike")
    ((operator, operand),) = condition.items()
    if operator not in ("StringEquals", "StringLike") or not isinstance(operand, Mapping):
        raise _invalid(f"Condition of {at} must have StringEquals or StringLike")
    if set(operand) != {"ResourceType"}:
        raise _invalid(f"{operator} of {at} must be about ResourceType")
    kinds = _texts(operand["ResourceType"], f"ResourceType of {at}")
    return _any_of(kinds) if operator == "StringLike" else frozenset(kinds).__contains__


def _texts(value: Any, where: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise _invalid(f"{where} must be a text or a list of texts")
    return values


def _any_of(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text matches one of some patterns, in which * is any text and ? any character."""
    parts = [[_glob(part) for part in pattern.split("*")] for pattern in patterns]
    return lambda text: any(_matches(each, text) for each in parts)


@dataclass(frozen=True, slots=True)
class _Part:
    """What is between two wildcards ``*``, with any character for each ``?``; a pattern where it has one."""

    text: str
    pattern: re.Pattern[str] | None

    def find(self, text: str, start: int) -> int:
        """Where the first match from ``start`` on begins; -1 if there is none."""
        if self.pattern is None:
            return text.find(self.text, start)
        found = self.pattern.search(text, start)
        return found.start() if found is not None else -1

    def is_at(self, text: str, start: int) -> bool:
        """Whether it matches at a place."""
        if self.pattern is None:
            return text.startswith(self.text, start)
        return self.pattern.match(text, start) is not None


def _glob(part: str) -> _Part:
    if "?" not in part:
        return _Part(part, None)
    pattern = "".join("." if char == "?" else re.escape(char) for char in part)
    return _Part(part, re.compile(pattern, re.DOTALL))


def _matches(parts: list[_Part], text: str) -> bool:
    """Whether the parts follow each other in a text, the first at its beginning and the last at its end.

    Each is looked for once, from where the one before ended: no pattern takes longer than its length
    times that of the text.
    """
    first, *others = parts
    if not first.is_at(text, 0):
        return False
    end = len(first.text)
    if not others:
        return len(text) == end
    for part in others[:-1]:
        start = part.find(text, end)
        if start < 0:
            return False
        end = start + len(part.text)
    last = len(text) - len(others[-1].text)
    return last >= end and others[-1].is_at(text, last)

"""Faults on demand: rules that make chosen calls fail, hang, or lose their answer after the work was done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

EFFECTS = ("status", "drop", "drop_after", "delay", "error_status")


@dataclass(slots=True)
class Rule:
    """A rule: the calls that it matches, and the fault to inject."""

    effect: str
    """`status`, `drop` (before any work), `drop_after` (the answer is lost), `delay`, `error_status`."""

    service: str = ""
    method: str = ""
    path: re.Pattern[str] = field(default_factory=lambda: re.compile(""))
    nth: frozenset[int] = frozenset()
    """Which of the matching calls, from 1; empty is all."""

    probability: float = 1.0
    times: int | None = None
    """How often at most."""

    status: int = 503
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    seen: int = 0
    fired: int = 0

    def report(self) -> dict[str, Any]:
        """The rule as the control API shows it."""
        return {
            "service": self.service, "method": self.method, "path": self.path.pattern,
            "nth": sorted(self.nth),
            "probability": self.probability, "times": self.times, "effect": self.effect,
            "status": self.status,
            "seconds": self.seconds, "seen": self.seen, "fired": self.fired,
        }  # fmt: skip


class FaultRules:
    """The rules in force."""

    def __init__(self, rules: Iterable[Mapping[str, Any]], seed: int | None) -> None:
        self.random = Random(seed)  # noqa: S311
        self.rules = [parse_rule(rule) for rule in rules]

    def replace(self, rules: Iterable[Mapping[str, Any]], seed: int | None = None) -> None:
        """Replace the rules; a seed restarts the random generator."""
        self.rules = [parse_rule(rule) for rule in rules]
        if seed is not None:
            self.random.seed(seed)

    def firing(self, service: str, method: str, path: str) -> list[Rule]:
        """The rules that apply to this call."""
        return [rule for rule in self.rules if self._fires(rule, service, method, path)]

    def _fires(self, rule: Rule, service: str, method: str, path: str) -> bool:
        if (rule.service and rule.service != service) or (rule.method and rule.method != method):
            return False
        if not rule.path.search(path):
            return False
        rule.seen += 1
        if rule.nth and rule.seen not in rule.nth:
            return False
        if rule.times is not None and rule.fired >= rule.times:
            return False
        if rule.probability < 1.0 and self.random.random() >= rule.probability:
            return False
        rule.fired += 1
        return True


def parse_rule(raw: Mapping[str, Any]) -> Rule:
    """A rule from JSON; raises ValueError if it is invalid."""
    known = frozenset(
        [
            "service",
            "method",
            "path",
            "nth",
            "probability",
            "times",
            "effect",
            "status",
            "body",
            "headers",
            "seconds",
        ]
    )
    if unknown := raw.keys() - known:
        raise ValueError(f"unknown keys in fault rule: {', '.join(sorted(unknown))}")
    effect = str(raw.get("effect", "status"))
    if effect not in EFFECTS:
        raise ValueError(f"unknown effect {effect!r}; one of {', '.join(EFFECTS)}")
    nth = raw.get("nth", ())
    return Rule(
        effect=effect,
        service=str(raw.get("service", "")),
        method=str(raw.get("method", "")).upper(),
        path=re.compile(str(raw.get("path", ""))),
        nth=frozenset([nth] if isinstance(nth, int) else nth),
        probability=float(raw.get("probability", 1.0)),
        times=raw.get("times"),
        status=int(raw.get("status", 503)),
        body=raw.get("body"),
        headers=dict(raw.get("headers", {})),
        seconds=float(raw.get("seconds", 0.0)),
    )

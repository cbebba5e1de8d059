"""Lint rules: the rule, its input (the subject), and the problems that it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from stackd.errors import Place, TemplateError
from stackd.resources.base import ResourceType
from stackd.resources.registry import Registry
from stackd.template.environment import Environment
from stackd.template.functions.aws import placeholders
from stackd.template.functions.base import TemplatePath
from stackd.template.template import Template


class Severity(IntEnum):
    """How grave a problem is."""

    INFO = 1
    WARNING = 2
    ERROR = 3


class Problem(NamedTuple):
    """What a rule has found: where, what, and what to do about it."""

    path: TemplatePath
    message: str
    remedy: str = ""
    place: Place | None = None


class Use(NamedTuple):
    """A mapping with one key as the text has it: perhaps a call of a function of this name."""

    name: str
    args: Any
    path: TemplatePath

    @property
    def target(self) -> str | None:
        """The name that the first argument is; None when it is computed."""
        first = self.args[0] if isinstance(self.args, list) and self.args else self.args
        return first if isinstance(first, str) else None


PARAMETER_USES = frozenset({"get_param", "Ref"})
RESOURCE_USES = frozenset({"get_resource", "get_attr", "Ref", "Fn::GetAtt"})


def _substituted(use: Use) -> Iterator[Use]:
    """What the placeholders in the text of ``Fn::Sub`` stand for; none for a text that is not sound."""
    given = use.args[1] if isinstance(use.args, list) and len(use.args) > 1 else {}
    with suppress(ValueError):
        for name, is_name in placeholders(use.target or ""):
            if is_name and not (isinstance(given, dict) and name in given):
                resource, dot, attribute = name.partition(".")
                attribute_use = Use("Fn::GetAtt", [resource, attribute], use.path)
                yield attribute_use if dot else Use("Ref", name, use.path)


def single_keys(raw: Any, path: TemplatePath = ()) -> Iterator[Use]:
    """Every mapping with one key inside raw data, including branches that are not chosen."""
    if isinstance(raw, dict):
        for name, value in raw.items():
            if len(raw) == 1:
                use = Use(name, value, path)
                yield use
                if name == "Fn::Sub":
                    yield from _substituted(use)
            yield from single_keys(value, (*path, name))
    elif isinstance(raw, list):
        for index, value in enumerate(raw):
            yield from single_keys(value, (*path, index))


@dataclass(frozen=True)
class Subject:
    """A template, and what is known about the types of its resources."""

    template: Template
    registry: Registry
    environment: Environment

    @property
    def data(self) -> Mapping[str, Any]:
        """The template as it is written."""
        return self.template.data

    @property
    def names(self) -> Mapping[str, str]:
        """How this dialect writes the sections."""
        return self.template.version.sections

    @property
    def keys(self) -> Mapping[str, str]:
        """How this dialect writes the keys of a resource."""
        return self.template.version.resource_keys

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """Everything in the resources, conditions and outputs that may be a call."""
        sections = (self.names.get(key, "") for key in ("conditions", "rules", "resources", "outputs"))
        return tuple(use for section in sections for use in single_keys(self.data.get(section), (section,)))

    @cached_property
    def calls(self) -> tuple[Use, ...]:
        """Those of them that this version takes for calls."""
        known = self.template.version
        return tuple(u for u in self.uses if u.name in known.functions or u.name in known.condition_functions)

    def inside(self, *path: str | int) -> Iterator[Use]:
        """The calls below a path."""
        return (use for use in self.calls if use.path[: len(path)] == path)

    @cached_property
    def kinds(self) -> Mapping[str, ResourceType[Any]]:
        """The types of the resources that are of a known one, by the resources' names."""
        found = {}
        for name, definition in self.template.resources.items():
            target = self.environment.resolve_type(definition.type, name) or definition.type
            if target in self.registry:
                found[name] = self.registry.get(target)
        return found

    def of_type(self, *types: str) -> Iterator[str]:
        """The names of the resources of these types."""
        return (name for name, kind in self.kinds.items() if kind.type_name in types)

    def resource_path(self, name: str, *below: str | int) -> TemplatePath:
        """Where a resource, or something in it, stands; the first of ``below`` is a key as HOT writes it."""
        keys = [self.keys.get(str(below[0]), below[0]), *below[1:]] if below else []
        return (self.names["resources"], name, *keys)

    def properties(self, name: str) -> Mapping[str, Any]:
        """The properties of a resource as they are written; empty when they are computed as a whole."""
        raw = self.template.resources[name].raw.get(self.keys["properties"])
        if not isinstance(raw, dict) or (
            len(raw) == 1 and next(iter(raw)) in self.template.version.functions
        ):
            return {}
        return raw

    @cached_property
    def needs(self) -> Mapping[str, frozenset[str]]:
        """The resources that each refers to, whatever the conditions."""
        found: dict[str, set[str]] = {name: set() for name in self.template.resources}
        for use in self.calls:
            if use.name in RESOURCE_USES and use.path[0] == self.names["resources"] and len(use.path) > 1:
                user = str(use.path[1])
                if user in found and use.target in found:
                    found[user].add(use.target)
        return {name: frozenset(needed - {name}) for name, needed in found.items()}

    def all_needed(self, name: str) -> frozenset[str]:
        """All direct and indirect requirements of a resource that the template declares."""
        needed: set[str] = set()
        waiting = [name]
        while waiting:
            current = waiting.pop()
            direct = self.needs[current] | {
                other for other in self.template.resources[current].depends_on if other in self.needs
            }
            waiting.extend(direct - needed)
            needed |= direct
        return frozenset(needed)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; the docstring of ``find`` is its documentation."""

    id: str
    severity: Severity
    find: Callable[[Subject], Iterator[Problem]]

    @property
    def summary(self) -> str:
        """One line that describes the problem."""
        return (self.find.__doc__ or "").split("\n")[0].replace("``", "")


@dataclass(frozen=True, slots=True)
class Issue:
    """A problem that a rule found in a template."""

    rule: Rule
    error: TemplateError

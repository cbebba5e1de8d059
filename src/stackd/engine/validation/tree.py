"""Evaluates a definition with all nested stacks, as far as they are known before anything exists (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from stackd.engine.definition.desired import (
    ACCEPTED,
    Desired,
    Source,
    build,
    load_source,
    loaded_properties,
    property_path,
)
from stackd.engine.definition.nested_definitions import child_environment, first_child, placeholder_row
from stackd.engine.definition.scope import StackScope
from stackd.engine.definition.types import cached_template, inner_label
from stackd.engine.validation.resource_rules import check_resources, open_properties, ranks
from stackd.errors import RequestLimitExceeded, TemplateError
from stackd.offload import current_budget
from stackd.resources.base import Child, NestedType
from stackd.resources.heat.template_resource import TemplateResource
from stackd.resources.registry import Registry
from stackd.resources.schema import Properties
from stackd.template.environment import load_environment
from stackd.template.functions.lists import size_of
from stackd.template.masking import Secrets, queries_in, secrets_of
from stackd.template.parameters import StackIdentity
from stackd.template.problems import Problems, Report, Stage, raise_all, refuse
from stackd.template.unknown import has_unknown
from stackd.urls import shown_name
from stackd.wording import Reason

PLACEHOLDER = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Expanded:
    """An evaluated stack, with its nested stacks by the name of the resource that contains each."""

    name: str
    desired: Desired
    children: dict[str, Expanded] = field(default_factory=dict)

    def walk(self) -> Iterator[Expanded]:
        """This stack and all nested stacks below it."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def count(self) -> int:
        """Number of resources in the whole tree."""
        return sum(len(each.desired.resources) for each in self.walk())

    def secrets(self) -> Secrets:
        """The values of hidden parameters in the whole tree, and the queries of the URLs in it."""
        return queries_in(self.desired.source.files).union(
            *(secrets_of(each.desired.source.template, each.desired.parameters) for each in self.walk())
        )


class _Limits(NamedTuple):
    """Limits on the depth of a tree of stacks and on its number of resources; -1 for none."""

    depth: int
    resources: int


def expand(
    desired: Desired,
    registry: Registry,
    *,
    name: str,
    max_depth: int,
    max_resources: int,
    problems: Problems | None = None,
) -> Expanded:
    """Evaluate nested stacks recursively; raises the first error, with its path through the names.

    Parameters that depend on objects that do not exist yet are unknown. With
    ``problems`` all mistakes go there instead, and stacks are evaluated as far as that goes.
    """
    expansion = _Expansion(registry, _Limits(max_depth, max_resources), raising=problems is None)
    return expansion.expanded(desired, name, (), 0, problems if problems is not None else Problems())


class _Expansion:
    """Evaluates the nested stacks of a stack, recursively."""

    def __init__(self, registry: Registry, limits: _Limits, *, raising: bool) -> None:
        self._registry = registry
        self._limits = limits
        self._raising = raising

    def expanded(
        self, desired: Desired, name: str, within: tuple[str, ...], taken: int, problems: Problems
    ) -> Expanded:
        """A stack with its nested stacks.

        ``within`` has the templates of the nested stacks that it is in and its own, the outermost first;
        ``taken`` is the number of resources in the stacks around it.
        """
        taken += len(desired.resources)
        self._refuse_too_many(taken)
        nested = {
            resource: kind.handler
            for resource, kind in desired.types.items()
            if isinstance(kind.handler, NestedType) and desired.resources[resource].external_id is None
        }
        expanded = Expanded(name, desired)
        if not nested:
            return expanded
        scope = desired.scope({})
        for resource, handler in nested.items():
            report = refuse if self._raising else problems.at(Stage.RESOURCES, resource)
            try:
                declared = self._declared(desired, resource, handler, scope)
            except TemplateError as error:
                report(error)
                continue
            if declared is None:
                continue
            if len(within) + 1 > self._limits.depth:
                report(_too_deep(desired, resource, self._limits.depth, (*within, declared.source)))
                continue
            if not isinstance(declared.template, str):
                self._refuse_too_many(taken + len(declared.template.get("resources") or ()))
            _refuse_too_large(declared.template)
            inner = self._inner(desired, resource, declared, name, within, taken, report)
            if inner is not None:
                taken += inner.count()
                expanded.children[resource] = inner
        return expanded

    def _refuse_too_many(self, count: int) -> None:
        most = self._limits.resources
        if 0 <= most < count:
            raise RequestLimitExceeded(
                f"Request limit exceeded: Maximum resources per stack exceeded ({most})."
            )

    def _declared(
        self, desired: Desired, name: str, handler: NestedType[Any], scope: StackScope
    ) -> Child | None:
        """The definition of a resource's nested stack; None if it is unknown or the resource has none."""
        if self._raising:
            props = loaded_properties(desired, name, scope)
        else:
            props = open_properties(desired, name, scope)
        try:
            self._refuse_too_many(handler.count(props) or 0)
            return first_child(desired, name, handler, props, scope, PLACEHOLDER)[1]
        except (TypeError, ValueError, AttributeError, LookupError):
            if has_unknown(props.data):
                return None  # the number of members is not known before the stack exists
            raise

    def _inner(
        self,
        desired: Desired,
        resource: str,
        declared: Child,
        stack: str,
        within: tuple[str, ...],
        taken: int,
        report: Report,
    ) -> Expanded | None:
        """The nested stack of a resource; its mistakes are reported with paths from the parent stack."""
        problems = Problems()
        converter = _Inner(desired, resource, declared.source)
        try:
            child = _child(desired, resource, declared, self._registry, stack, problems)
            if self._raising and problems:
                raise_all(problems.ordered(ranks(child)))
            inner = self.expanded(child, f"{stack}-{resource}", (*within, declared.source), taken, problems)
        except TemplateError as error:
            report(converter.error(error))
            return None
        for mistake in problems.ordered(ranks(child)) if problems else ():
            if (seen := converter.once(mistake)) is not None:
                report(seen)
        return inner


def _refuse_too_large(template: Mapping[str, Any] | str) -> None:
    """Refuse a tree whose definitions have too many values together, as one template may occur often."""
    budget = current_budget()
    budget.inner -= len(template) // _BYTES_PER_VALUE if isinstance(template, str) else size_of(template)[0]
    if budget.inner < 0:
        raise RequestLimitExceeded(
            "Request limit exceeded: The definitions of all nested stacks together are too large."
        )


_BYTES_PER_VALUE: Final = 8


def _too_deep(desired: Desired, resource: str, most: int, sources: tuple[str, ...]) -> TemplateError:
    template = desired.source.template
    return TemplateError(
        Reason.NESTED_TOO_DEEP(most=most),
        path=f"resources.{resource}",
        place=template.place((template.version.sections["resources"], resource)),
        remedy=_way_out(sources) or "Nest less deeply, or ask the operator to raise max_nested_stack_depth.",
    )


def _way_out(sources: tuple[str, ...]) -> str:
    """What to do about templates that include themselves, by ways of others or not; empty if none does."""
    names = [shown_name(each) for each in sources if each != _MADE]
    for at, name in enumerate(names, 1):
        if name in names[at:]:
            others = ", ".join(names[at : names.index(name, at)])
            by_way = f" by way of {others}" if others else ""
            return f"{name} includes itself{by_way}: remove that, or end it by a condition."
    return ""


class _Inner:
    """Converts mistakes in a nested stack into mistakes of the parent stack."""

    def __init__(self, around: Desired, resource: str, source: str) -> None:
        self._around = around
        self._resource = resource
        self._label = inner_label(resource, source)
        self._is_made = source == _MADE
        self._seen: set[tuple[str, str]] = set()

    def once(self, error: TemplateError) -> TemplateError | None:
        """The converted mistake; None if an earlier member of the same group has it too."""
        if self._is_made:
            path = re.sub(r"^resources[.\[][^.<\]]*", "", error.path)
            key = (path, error.gist)
            if key in self._seen:
                return None
            self._seen.add(key)
        return self.error(error)

    def error(self, error: TemplateError) -> TemplateError:
        """The mistake with its path from the parent stack, and its place in the text."""
        if not self._is_made:
            return error.inside(self._label)
        if _is_of_member_type(error):  # report it for the group
            made = error.but(path=error.where.as_member().inside(self._label))
        else:
            made = error.as_member().inside(self._label)
        return made if error.place.line else self._placed(made, error)

    def _placed(self, made: TemplateError, error: TemplateError) -> TemplateError:
        """The mistake in a member, with its place in the parent's text."""
        template = self._around.source.template
        path = self._origin(error.path)
        is_key = error.reason is Reason.UNKNOWN_PROPERTY
        shows_value = error.value is not None and not is_key
        value = template.value(path) if shows_value else error.value
        return made.but(place=template.place(path, key=is_key), value=value)

    def _origin(self, path: str) -> tuple[str | int, ...]:
        """The place in the parent's text from which the definition of a member was generated."""
        template = self._around.source.template
        found = property_path(template, self._resource, f"resources.{self._resource}.properties")
        while match := _MEMBER.match(path):
            path = path[match.end() :]
            found = (*found, _definition_key(template.data, found))
            if match["inner"]:
                found = (*found, "properties")
        parts = re.findall(r"[^.\[\]]+", path)
        return (*found, *(int(part) if part.isdecimal() else part for part in parts))


def _definition_key(data: Any, path: tuple[str | int, ...]) -> str:
    """The property of the group at ``path`` that defines its members."""
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    keys = data if isinstance(data, dict) else {}
    return next((key for key in _DEFINITIONS if key in keys), _DEFINITIONS[0])


_DEFINITIONS: Final = ("resource_def", "resource")
"""Properties of groups that define their members."""

_MADE: Final = "nested_stack"
"""The label, in a path, of a template that was generated by a type."""

_MEMBER: Final = re.compile(rf"resources[.\[][^.<\]]*\]?(?P<inner><{_MADE}>)?(\.|$)")


def _is_of_member_type(error: TemplateError) -> bool:
    """Whether the mistake is the type of the member."""
    return not error.where.around and re.fullmatch(r"resources\.[^.]*\.type", error.where.path) is not None


def _child(
    desired: Desired, name: str, child: Child, registry: Registry, stack: str, problems: Problems
) -> Desired:
    row = placeholder_row(desired, name, PLACEHOLDER)
    environment = child_environment(desired.source.environment, row, child)
    handler = desired.types[name].handler
    files = desired.source.files
    if isinstance(handler, TemplateResource):
        # Mistakes in its text were reported when the type was resolved.
        template = handler.template
    elif isinstance(child.template, str):
        template = cached_template(child.template, child.source)
        for mistake in template.mistakes:
            problems.add(mistake.stage, mistake.resource, mistake.error)
    else:
        template = load_source(dict(child.template), None, files).template
    source = Source(template, load_environment(environment, limits=ACCEPTED), files)
    identity = StackIdentity(project_id="", stack_name=f"{stack}-{name}", stack_id=PLACEHOLDER)
    loaded: dict[str, Properties] = {}
    inner = build(source, identity, registry, strict=False, problems=problems, loaded=loaded)
    check_resources(inner, problems, registry, loaded)
    return inner

"""The dependency graph of a template's resources, computed before any of them exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from stackd.errors import (
    CircularDependency,
    InvalidExternalResourceDependency,
    InvalidTemplateReference,
    TemplateError,
)
from stackd.template.conditions import Conditions
from stackd.template.evaluation import Evaluation, ParameterScope
from stackd.template.functions.base import (
    Call,
    Reference,
    Refused,
    TemplatePath,
    Use,
    dotted,
    invalid_condition,
)
from stackd.template.guard import depth_guarded
from stackd.template.problems import BROKEN, Report, nearest, refuse
from stackd.template.template import ResourceDefinition, Template
from stackd.template.unknown import Unknown
from stackd.wording import HERE, Reason

_MOST_CIRCLES: Final = 20
_NOTHING: Final = frozenset[str]()


class Walker:
    """Collects uses from nodes; only chosen branches are visited."""

    __slots__ = ("_conditions", "_facade", "_made", "path")

    def __init__(self, conditions: Mapping[str, Any], facade: Mapping[str, Any] | None = None) -> None:
        self.path: TemplatePath = ()
        self._conditions = conditions
        self._facade = facade
        self._made: Evaluation | None = None

    @property
    def _evaluation(self) -> Evaluation | None:
        """What computes values; made when there is one to compute. None if only truth values are known."""
        if self._made is None and isinstance(self._conditions, Conditions):
            scope = ParameterScope(self._conditions.parameters, self._facade)
            self._made = Evaluation(scope, self._conditions.template, self._conditions)
        return self._made

    def references(self, node: Any) -> Iterator[Reference]:
        """The uses of resources anywhere inside a node."""
        for use in self.inside(node):
            if isinstance(use, Reference):
                yield use

    def inside(self, node: Any) -> Iterator[Use]:
        """The uses anywhere inside a node."""
        kind = type(node)
        if kind is Call:
            outer, self.path = self.path, node.path
            yield from node.function.references(node.args, self)
            self.path = outer
        elif kind is dict or kind is list:
            for value in node.values() if kind is dict else node:
                if type(value) in (Call, dict, list):
                    yield from self.inside(value)

    def value(self, node: Any) -> Any:
        """The value of a node as far as parameters alone determine it, else `Unknown`."""
        if isinstance(node, str):
            return node
        if self._evaluation is None:
            return node if not _has_call(node) else Unknown("", ("computed",))
        return self._evaluation.resolve(node)

    def condition(self, condition: Any) -> Any:
        """The truth value of a condition; its mistakes are reported by validation."""
        if isinstance(self._conditions, Conditions):
            return self._conditions.quietly(condition)
        try:
            return self.truth(condition)
        except TemplateError:
            return BROKEN

    def truth(self, condition: Any) -> Any:
        """The truth of a condition; raises TemplateError or ValueError for one that is wrong."""
        if self._evaluation is not None:
            return self._evaluation.condition(condition)
        if condition is None or isinstance(condition, bool):
            return condition
        if isinstance(condition, str) and condition in self._conditions:
            return self._conditions[condition]
        raise TemplateError(invalid_condition(condition), remedy="Define it under conditions.")

    def is_resource(self, name: str) -> bool:
        """Whether a name is that of an enabled resource."""
        return self._evaluation is None or self._evaluation.is_resource(name)

    def is_parameter(self, name: str) -> bool:
        """Whether a name is that of a parameter."""
        return self._evaluation is None or self._evaluation.is_parameter(name)


def _has_call(node: Any) -> bool:
    if isinstance(node, dict | list):
        return any(_has_call(value) for value in (node.values() if isinstance(node, dict) else node))
    return isinstance(node, Call)


@depth_guarded
def references(node: Any, *, conditions: Mapping[str, Any]) -> frozenset[Reference]:
    """The uses of resources inside a node, in chosen branches only.

    Names that functions compute, and conditions written in place, need what `resolve_conditions` returns.
    """
    return frozenset(Walker(conditions).references(node))


@depth_guarded
def uses(nodes: Iterable[Any], conditions: Mapping[str, Any]) -> frozenset[Use]:
    """The uses of resources and of other stacks' exports inside nodes, in chosen branches only."""
    walk = Walker(conditions)
    return frozenset(use for node in nodes for use in walk.inside(node))


@depth_guarded
def enabled_resources(
    template: Template,
    conditions: Mapping[str, Any],
    *,
    facade: Mapping[str, Any] | None = None,
    report: Report = refuse,
) -> dict[str, ResourceDefinition]:
    """The resources whose condition is true or unknown, with their deletion policies resolved.

    ``facade`` is ``metadata``, ``deletion_policy`` and ``update_policy`` of the resource around this stack.
    """
    walk = Walker(conditions, facade)
    enabled: dict[str, ResourceDefinition] = {}
    for name, definition in template.resources.items():
        if definition.condition is not None and not _holds(template, definition, walk, report):
            continue
        if definition.deletion_policy_node is not None:
            policy = _deletion_policy(template, definition, walk, report)
            enabled[name] = replace(definition, deletion_policy=policy)
        else:
            enabled[name] = definition
    return enabled


def _holds(template: Template, definition: ResourceDefinition, walk: Walker, report: Report) -> bool:
    """Whether a resource's condition is true or unknown; a wrong condition is unknown."""
    try:
        return walk.truth(definition.condition) is not False
    except (TemplateError, Refused) as error:
        if isinstance(error, TemplateError) and error.path and error.reason is not Reason.INVALID_CONDITION:
            report(error)  # the condition itself is wrong
            return True
        path = (
            template.version.sections["resources"],
            definition.name,
            template.version.resource_keys["condition"],
        )
        known = str(definition.condition) if isinstance(definition.condition, str) else ""
        report(
            TemplateError(
                error.complaint,
                lead=(HERE,),
                path=dotted(path),
                place=template.place(path),
                remedy=nearest(known, template.conditions) or "Name a condition of this template.",
                value=template.value(path),
            )
        )
        return True


def _deletion_policy(template: Template, definition: ResourceDefinition, walk: Walker, report: Report) -> str:
    policy = walk.value(definition.deletion_policy_node)
    if policy is None or isinstance(policy, Unknown):
        return "Delete"
    if isinstance(policy, str) and policy in template.version.deletion_policies:
        return template.version.deletion_policies[policy]
    path = (
        template.version.sections["resources"],
        definition.name,
        template.version.resource_keys["deletion_policy"],
    )
    report(
        TemplateError(
            f'Invalid deletion policy "{policy}"'[:200],
            path=dotted(path),
            place=template.place(path),
            remedy=f"Use one of {', '.join(template.version.deletion_policies)}.",
        )
    )
    return "Delete"


@depth_guarded
def dependencies(
    template: Template,
    conditions: Mapping[str, Any],
    *,
    enabled: Mapping[str, ResourceDefinition] | None = None,
    report: Report = refuse,
) -> dict[str, frozenset[str]]:
    """The requirements of each enabled resource, by name.

    Reports InvalidTemplateReference for a resource that does not exist, CircularDependency for a circle;
    where that does not raise, they are left out.
    """
    if enabled is None:
        enabled = enabled_resources(template, conditions)
    walk = Walker(conditions)
    required = {
        name: _required(template, definition, enabled, walk, report) for name, definition in enabled.items()
    }
    return without_circles(required, lambda circle: report(circle_error(template, circle)))


def without_circles(
    required: dict[str, frozenset[str]], found: Callable[[list[str]], None]
) -> dict[str, frozenset[str]]:
    """The requirements without circles, each of which goes to ``found``: the first ones if they are many."""
    for _ in range(_MOST_CIRCLES):
        if not (circle := find_circle(required)):
            return required
        found(circle)
        required = {**required, **{name: required[name].difference(circle) for name in circle}}
    rest = in_circles(required)
    return {name: needs - rest if name in rest else needs for name, needs in required.items()}


def _path_of_dependency(template: Template, definition: ResourceDefinition, name: str) -> TemplatePath:
    """The place of a name in the ``depends_on`` of a resource."""
    sections, key = template.version.sections, template.version.resource_keys["depends_on"]
    path: TemplatePath = (sections["resources"], definition.name, key)
    listed = definition.raw.get(key)
    return (*path, listed.index(name)) if isinstance(listed, list) else path


def _external_dependency(
    template: Template, definition: ResourceDefinition, name: str
) -> InvalidExternalResourceDependency:
    path = _path_of_dependency(template, definition, name)
    return InvalidExternalResourceDependency(
        Reason.EXTERNAL_DEPENDENCY(name=name),
        path=dotted(path),
        place=template.place(path),
        value=name,
        remedy="Leave it out: the object is there before the stack.",
    )


def _required(
    template: Template,
    definition: ResourceDefinition,
    enabled: Mapping[str, ResourceDefinition],
    walk: Walker,
    report: Report,
) -> frozenset[str]:
    if definition.external_id is not None:
        return _NOTHING
    if not (definition.depends_on or definition.properties or definition.metadata):
        return _NOTHING
    required: set[str] = set()
    for name in definition.depends_on:
        if name in enabled and enabled[name].external_id is None:
            required.add(name)
        elif name in enabled:
            report(_external_dependency(template, definition, name))
        elif name not in template.resources:
            path = _path_of_dependency(template, definition, name)
            report(incorrect_reference(template, name, path, definition.name))
    for section, part in (("Properties", definition.properties), ("Metadata", definition.metadata)):
        if not part:
            continue
        try:
            for reference in walk.references(part):
                if reference.resource in enabled:
                    required.add(reference.resource)
                else:
                    below = dotted(("", *reference.where[3:])).removeprefix(".")
                    where = f"{definition.name}.{section}.{below}".rstrip(".")
                    report(incorrect_reference(template, reference.resource, reference.where, where))
        except TemplateError as error:
            report(error)
    return frozenset(required)


def incorrect_reference(
    template: Template, name: str, path: TemplatePath, where: str
) -> InvalidTemplateReference:
    """The error for the name of a missing resource."""
    disabled = name in template.resources
    like = "" if disabled else nearest(name, template.resources)
    return InvalidTemplateReference(
        Reason.UNKNOWN_REFERENCE(name=name, where=where),
        path=dotted(path),
        place=template.place(path),
        remedy=like or "Name a resource of this template whose condition holds.",
        value=template.value(path),
    )


def find_circle(required: Mapping[str, frozenset[str]]) -> list[str]:
    """Names that require each other in a circle, in order; empty when there is no circle."""
    waiting = in_circles(required)
    if not waiting:
        return []
    # Each of the rest needs another of the rest: following needs must come back.
    path: dict[str, None] = {}
    name = min(waiting)
    while name not in path:
        path[name] = None
        name = min(need for need in required[name] if need in waiting)
    circle = list(path)
    return circle[circle.index(name) :]


def in_circles(required: Mapping[str, frozenset[str]]) -> set[str]:
    """The names that are in a circle or need one that is."""
    if not any(required.values()):
        return set()
    waiting = {name: len(needs) for name, needs in required.items()}
    users: dict[str, list[str]] = {name: [] for name in required}
    for name, needs in required.items():
        for need in needs:
            users[need].append(name)
    ready = [name for name, count in waiting.items() if count == 0]
    while ready:
        name = ready.pop()
        del waiting[name]
        for user in users[name]:
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    return set(waiting)


def circle_error(template: Template, circle: list[str]) -> CircularDependency:
    """The error for resources that require each other."""
    path = (template.version.sections["resources"], circle[0])
    return CircularDependency(
        Reason.CIRCULAR_DEPENDENCY(circle=" -> ".join((*circle, circle[0]))),
        path=dotted(path),
        place=template.place(path, key=True),
        remedy="Remove one of these references or depends_on.",
        value=circle,
    )


@depth_guarded
def referenced_attributes(
    template: Template,
    conditions: Mapping[str, Any],
    *,
    enabled: Mapping[str, ResourceDefinition] | None = None,
    report: Report = refuse,
) -> dict[str, frozenset[tuple[Any, ...]]]:
    """The attributes of each resource that resources or outputs use, as (name, path…); ("*",) means all."""
    if enabled is None:
        enabled = enabled_resources(template, conditions)
    walk = Walker(conditions)
    found: dict[str, set[tuple[Any, ...]]] = {}
    nodes: list[Any] = []
    for definition in enabled.values():
        nodes += [
            definition.properties,
            definition.metadata,
            definition.update_policy,
            definition.external_id,
        ]
    nodes = [node for node in nodes if node]
    for output in template.outputs.values():
        if output.condition is None or walk.condition(output.condition) is not False:
            nodes.append(output.value)
    for node in nodes:
        try:
            for reference in walk.references(node):
                if reference.attribute is not None:
                    found.setdefault(reference.resource, set()).add((reference.attribute, *reference.path))
        except TemplateError as error:
            report(error)
    return {name: frozenset(attributes) for name, attributes in found.items()}


@depth_guarded
def output_references(template: Template, conditions: Mapping[str, Any]) -> dict[str, tuple[Reference, ...]]:
    """The references in the value of each output; none if it is wrong or its condition is false."""
    walk = Walker(conditions)
    found: dict[str, tuple[Reference, ...]] = {}
    for name, output in template.outputs.items():
        try:
            if output.condition is None or walk.condition(output.condition) is not False:
                found[name] = tuple(walk.references(output.value))
        except TemplateError:
            continue
    return found

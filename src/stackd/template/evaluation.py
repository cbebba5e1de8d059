"""One evaluation: the context of functions, and the limits on their results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from stackd.errors import InvalidTemplateReference, Place, TemplateError, UserParameterMissing
from stackd.offload import current_budget
from stackd.template.conditions import Conditions
from stackd.template.functions.base import (
    ARGUMENT_ERRORS,
    OMITTED,
    Call,
    Refused,
    TemplatePath,
    call_error,
    dotted,
    invalid_condition,
)
from stackd.template.guard import depth_guarded
from stackd.template.parameters import PSEUDO_NAMES, Parameters, masked_complaint
from stackd.template.problems import Report, refuse
from stackd.template.template import Template
from stackd.template.unknown import Unknown, find_unknown
from stackd.wording import HERE, Reason

_CONTAINERS: Final = (dict, list, Call)
_CALL: Final = 10
"""What the call of a function costs, in values built."""


class Scope(Protocol):
    """The context of an evaluation: parameters, files and the state of resources.

    A scope may also have ``availability_zones() -> list[str]`` for ``Fn::GetAZs``, and ``exports``, a map of
    what other stacks export, for ``Fn::ImportValue``.
    """

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The bound parameters."""

    @property
    def files(self) -> Mapping[str, str]:
        """The files that came with the template."""

    def reference(self, resource: str) -> Any:
        """The resource's reference id, or `Unknown`."""

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """The resource's attribute, or what ``path`` leads to inside it, or `Unknown`."""

    def all_attributes(self, resource: str) -> Any:
        """All attributes of the resource but ``show``, as a map, or `Unknown`."""

    def facade(self, key: str) -> Any:
        """``metadata``, ``deletion_policy`` or ``update_policy`` of the resource around this stack."""


class Evaluation:
    """One run of `evaluate`, with its remaining limits."""

    __slots__ = ("_budget", "_bytes", "_call", "_nodes", "_work", "conditions", "scope", "template")

    def __init__(self, scope: Scope, template: Template, conditions: Conditions | None = None) -> None:
        self.scope = scope
        self.template = template
        self.conditions = conditions
        self._call: Call | None = None
        self._nodes = template.limits.max_result_nodes
        self._bytes = template.limits.max_result_bytes
        self._work = template.limits.max_work
        self._budget = current_budget()

    def resolve(self, node: Any) -> Any:
        """The value of a parsed node; may be the marker of something omitted."""
        kind = type(node)
        if kind is Call:
            return self.call(node)
        if (kind is dict or kind is list) and self._budget.is_trial:
            self._budget.spend(nodes=len(node))
        if kind is dict:
            made = {}
            for key, value in node.items():
                if type(value) in _CONTAINERS and (value := self.resolve(value)) is OMITTED:
                    continue
                made[key] = value
            return made
        if kind is list:
            items = []
            for value in node:
                if type(value) in _CONTAINERS and (value := self.resolve(value)) is OMITTED:
                    continue
                items.append(value)
            return items
        return node

    def call(self, node: Call) -> Any:
        """The value of a function."""
        function = node.function
        outer, self._call = self._call, node
        if self._budget.is_trial:
            self._budget.spend(nodes=_CALL)
        try:
            if function.raw_arguments:
                return function.evaluate(node.args, self)
            args = self._arguments(node.args)
            if type(args) is Unknown:
                return args
            function.check_values(args)
            if not function.takes_unknown and (unknown := find_unknown(args)) is not None:
                return unknown
            return function.evaluate(args, self)
        except ARGUMENT_ERRORS as error:
            made = call_error(node.name, function, node.path, error, self.template.place(node.path))
            complaint = masked_complaint(made.complaint, self.scope.parameters)
            raise made.but(complaint=complaint) from error
        finally:
            self._call = outer

    def _arguments(self, args: Any) -> Any:
        """Resolved arguments; an argument that is omitted is null, so that the others keep their places."""
        if type(args) is list:
            values = [self.resolve(item) for item in args]
            return [None if value is OMITTED else value for value in values]
        value = self.resolve(args)
        return None if value is OMITTED else value

    @property
    def _path(self) -> TemplatePath:
        return self._call.path if self._call is not None else ()

    def _place(self) -> Place:
        return self.template.place(self._path)

    def charge(self, nodes: int = 0, text: int = 0, work: int = 0) -> None:
        """Count the size of a result; raises TemplateError above the limit of this or of all evaluations."""
        self._nodes -= nodes
        self._bytes -= text
        self._work -= work
        enough = self._budget.spend(nodes, text, work)
        if not enough or self._nodes < 0 or self._bytes < 0 or self._work < 0:
            limits = self.template.limits
            path = dotted(self._path)
            raise TemplateError(
                f"the result is too large: more than {limits.max_result_nodes} values, "
                f"{limits.max_result_bytes} characters, or too much work.",
                lead=(HERE,),
                path=path,
                place=self._place(),
                remedy="Repeat or join less, or split the template.",
            )

    def parameter(self, name: str) -> Any:
        """A parameter's value, as a copy; raises UserParameterMissing."""
        try:
            value = self.scope.parameters[name]
        except KeyError:
            raise UserParameterMissing(
                Reason.MISSING_PARAMETER(name=name),
                path=dotted(self._path),
                place=self._place(),
                remedy="Declare the parameter and give it a value.",
            ) from None
        return self._copy(value)

    def _copy(self, value: Any) -> Any:
        if type(value) is dict:
            self.charge(nodes=2 * len(value))
            return {key: self._copy(item) for key, item in value.items()}
        if type(value) is list:
            self.charge(nodes=len(value))
            return [self._copy(item) for item in value]
        return value

    def is_parameter(self, name: str) -> bool:
        """Whether the template has this parameter, pseudo-parameters included."""
        template = self.template
        return name in template.parameter_schemas or name in PSEUDO_NAMES[template.version.dialect]

    def is_resource(self, name: str) -> bool:
        """Whether the template has this resource and its condition does not forbid it."""
        definition = self.template.resources.get(name)
        if definition is None:
            return False
        return definition.condition is None or self._conditions().holds(definition.condition) is not False

    def _resource(self, name: str) -> str:
        if self.is_resource(name):
            return name
        path = dotted(self._path)
        raise InvalidTemplateReference(
            Reason.UNKNOWN_REFERENCE(name=name, where="unknown"),
            path=path,
            place=self._place(),
            remedy="Name a resource of this template whose condition holds.",
        )

    def reference(self, resource: str) -> Any:
        """A resource's reference id."""
        return self.scope.reference(self._resource(resource))

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """A resource's attribute."""
        return self.scope.attribute(self._resource(resource), name, path)

    def all_attributes(self, resource: str) -> Any:
        """All attributes of a resource."""
        return self.scope.all_attributes(self._resource(resource))

    def facade(self, key: str) -> Any:
        """Something of the resource that contains this stack."""
        return self.scope.facade(key)

    def file(self, key: str) -> str:
        """The content of a file that came with the template."""
        content = self.scope.files.get(key)
        if content is None:
            raise ValueError(f'No content found in the "files" section for get_file path: {key}')
        return content

    def _conditions(self) -> Conditions:
        if self.conditions is None:
            self.conditions = conditions_for(self.template, self.scope.parameters)
        return self.conditions

    def condition(self, condition: Any) -> Any:
        """The truth of a condition inside a function."""
        if type(condition) is Call:
            return self._conditions().holds(condition)
        if condition is None or isinstance(condition, bool | Unknown):
            return condition
        if not isinstance(condition, str) or condition not in self.template.conditions:
            raise Refused(invalid_condition(condition))
        return self._conditions().holds(condition)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An entry of the Mappings section."""
        found = self.template.mappings.get(name)
        if not isinstance(found, dict):
            raise KeyError(f'The template has no mapping "{name}"')
        return found

    def imported(self, name: str) -> Any:
        """A value that another stack exports, as a copy; Unknown if exports were not loaded."""
        exports: Mapping[str, Any] | None = getattr(self.scope, "exports", None)
        if exports is None:
            return Unknown("", ("exports", name))
        if name not in exports:
            raise ValueError(f"No export named {name} found.")
        return self._copy(exports[name])

    def availability_zones(self) -> list[str]:
        """Names of the compute availability zones."""
        zones = getattr(self.scope, "availability_zones", None)
        return list(zones()) if zones is not None else ["nova"]


class ParameterScope:
    """A scope in which only parameters, and perhaps the facade, are known; everything else is `Unknown`."""

    __slots__ = ("_facade", "files", "parameters")

    def __init__(self, parameters: Mapping[str, Any], facade: Mapping[str, Any] | None = None) -> None:
        self.parameters = parameters
        self.files: Mapping[str, str] = {}
        self._facade = facade or {}

    def reference(self, resource: str) -> Any:
        """Not known."""
        return Unknown(resource)

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """Not known."""
        return Unknown(resource, (name, *path))

    def all_attributes(self, resource: str) -> Any:
        """Not known."""
        return Unknown(resource, ("*",))

    def facade(self, key: str) -> Any:
        """The given value of the containing resource."""
        return self._facade.get(key, Unknown("", ("facade", key)))


def conditions_for(template: Template, parameters: Mapping[str, Any]) -> Conditions:
    """The conditions of a template under parameters, worked out once for each set of parameters."""
    if not isinstance(parameters, Parameters):
        return _conditions(template, parameters)
    known = parameters.memo.get("conditions")
    if known is None or known.template is not template:
        known = parameters.memo["conditions"] = _conditions(template, parameters)
    return known


def _conditions(template: Template, parameters: Mapping[str, Any]) -> Conditions:
    """New conditions. They do not hold the parameters in whose memo they may be kept: such a circle, and all
    that leads to it, would be left to the garbage collector.
    """
    values = parameters.unremembering() if isinstance(parameters, Parameters) else parameters
    return Conditions(template, values, condition_value)


def condition_value(conditions: Conditions, node: Call) -> Any:
    """What a condition function gives; only parameters are known to it."""
    scope = ParameterScope(conditions.parameters)
    return Evaluation(scope, conditions.template, conditions).call(node)


@depth_guarded
def resolve_conditions(
    template: Template, parameters: Mapping[str, Any], report: Report = refuse
) -> Conditions:
    """The truth of every condition in a template; what is wrong is reported."""
    conditions = _conditions(template, parameters)
    if isinstance(parameters, Parameters):
        parameters.memo["conditions"] = conditions
    conditions.resolve_all(report)
    return conditions

"""Validates a template's names and functions without knowledge of resource types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from stackd.errors import (
    InvalidTemplateAttribute,
    InvalidTemplateReference,
    TemplateError,
    UserParameterMissing,
)
from stackd.template.conditions import Conditions
from stackd.template.evaluation import resolve_conditions
from stackd.template.exports import export_names, import_names
from stackd.template.functions.base import ARGUMENT_ERRORS, Call, Reference, call_error, dotted
from stackd.template.functions.conditions import Choice
from stackd.template.graph import Walker, dependencies, enabled_resources
from stackd.template.guard import depth_guarded
from stackd.template.parameters import PSEUDO_NAMES, check_defaults
from stackd.template.problems import Problems, Report, Stage, nearest
from stackd.template.remedies import remedy_for
from stackd.template.rules import rule_problems
from stackd.template.template import OutputDefinition, ResourceDefinition, Template
from stackd.template.unknown import Unknown
from stackd.wording import HERE, PROPERTY_ERROR, Reason

SUBSTITUTION: Final = "Fn::Sub"

AttributeProblem = Callable[[Reference], str | None]
"""The remedy for a use of an attribute that a resource does not have; None when it may have it."""


@depth_guarded
def validate_static(template: Template, parameters: Mapping[str, Any]) -> list[TemplateError]:
    """All mistakes in the template's schemas, conditions, names, functions, references and outputs."""
    problems = Problems()
    check_defaults(template, problems.at(Stage.PARAMETERS))
    conditions = resolve_conditions(template, parameters, problems.at(Stage.CONDITIONS))
    enabled = enabled_resources(template, conditions, report=problems.at(Stage.DEFINITIONS))
    check_names(template, problems.at(Stage.NAMES))
    dependencies(template, conditions, enabled=enabled, report=problems.at(Stage.GRAPH))
    check = FunctionCheck(template, conditions)
    for name, definition in enabled.items():
        check.resource(definition, problems.at(Stage.RESOURCES, name))
    for output in template.outputs.values():
        check.output(output, problems.at(Stage.OUTPUTS))
    check_sharing(template, conditions, enabled, problems)
    return problems.ordered()


def check_sharing(
    template: Template,
    conditions: Conditions,
    enabled: Mapping[str, ResourceDefinition],
    problems: Problems,
) -> None:
    """Report rules of CloudFormation that the parameters break, and wrong names of exports and imports."""
    for problem in rule_problems(template, conditions.parameters):
        problems.add(Stage.PARAMETERS, "", problem)
    export_names(template, conditions, problems.at(Stage.OUTPUTS))
    try:
        import_names(template, conditions, enabled=enabled, report=problems.at(Stage.GRAPH))
    except TemplateError as error:
        problems.add(Stage.GRAPH, "", error)


def check_names(template: Template, report: Report) -> None:
    """Report names that are both a parameter's and a resource's."""
    names = template.parameter_schemas.keys() | PSEUDO_NAMES[template.version.dialect]
    if duplicates := sorted(names & template.resources.keys()):
        path = (template.version.sections["resources"], duplicates[0])
        report(
            TemplateError(
                f"Duplicate names {{{', '.join(map(repr, duplicates))}}}",
                path=dotted(path),
                place=template.place(path, key=True),
                remedy="Give resources other names than parameters.",
            )
        )


class FunctionCheck:
    """Finds what functions refuse, in chosen branches only.

    ``attribute`` returns the mistake in the use of an attribute; without it attributes are not checked.
    """

    def __init__(
        self, template: Template, conditions: Conditions, attribute: AttributeProblem | None = None
    ) -> None:
        self._template = template
        self._conditions = conditions
        self._attribute = attribute
        self._walker = Walker(conditions)

    def resource(self, definition: ResourceDefinition, report: Report) -> None:
        """Report the mistakes in a resource's functions."""
        for part in (
            definition.properties,
            definition.metadata,
            definition.update_policy,
            definition.deletion_policy_node,
            definition.external_id,
        ):
            if part:
                for problem in self._inside(part):
                    report(problem)

    def output(self, output: OutputDefinition, report: Report) -> None:
        """Report the mistakes in an output's condition and, unless it is false, its value."""
        if output.condition is not None:
            try:
                if self._conditions.holds(output.condition) is False:
                    return
            except TemplateError as error:
                version = self._template.version
                path = (version.sections["outputs"], output.name, version.output_keys["condition"])
                report(
                    TemplateError(
                        **error.quoted(HERE),
                        path=dotted(path),
                        place=self._template.place(path),
                        remedy=error.remedy,
                        value=self._template.value(path),
                    )
                )
        for problem in self._inside(output.value):
            report(problem)

    def _inside(self, node: Any) -> Iterator[TemplateError]:
        kind = type(node)
        if kind is dict or kind is list:
            for value in node.values() if kind is dict else node:
                if type(value) in (dict, list, Call):
                    yield from self._inside(value)
        elif kind is Call:
            yield from self._call(node)

    def _call(self, node: Call) -> Iterator[TemplateError]:
        try:
            node.function.validate(node.args)
        except ARGUMENT_ERRORS as error:
            made = call_error(node.name, node.function, node.path, error, self._template.place(node.path))
            yield made.but(
                remedy=made.remedy or remedy_for(node.name, self._template.version),
                value=self._template.value(node.path),
            )
        yield from filter(None, (check(self, node) for check in _CHECKS.get(node.name, ())))
        if isinstance(node.args, Choice):
            yield from self._choice(node, node.args)
        else:
            yield from self._inside(node.args)

    def _choice(self, node: Call, choice: Choice) -> Iterator[TemplateError]:
        try:
            truth = True if choice.condition is None else self._conditions.holds(choice.condition)
        except TemplateError as error:
            if error.path:
                yield error
                return
            path = (*node.path, node.name, 0)
            yield TemplateError(
                **error.quoted(HERE),
                path=dotted(path[:-1]),
                place=self._template.place(path),
                remedy=error.remedy,
                value=self._template.value(path),
            )
            return
        branches = choice.branches
        if not isinstance(truth, Unknown):
            branches = branches[:1] if truth else branches[1:]
        for branch in branches:
            readable = branch.readable
            yield from branch.problems
            yield from self._inside(readable)

    def missing_parameter(self, node: Call) -> TemplateError | None:
        """The error for ``get_param`` of a missing parameter."""
        template = self._template
        name = node.args[0] if isinstance(node.args, list) and node.args else node.args
        known = PSEUDO_NAMES[template.version.dialect]
        if not isinstance(name, str) or name in template.parameter_schemas or name in known:
            return None
        section, key = template.version.sections["resources"], template.version.resource_keys["properties"]
        in_property = node.path[0] == section and node.path[2:3] == (key,)
        return UserParameterMissing(
            Reason.MISSING_PARAMETER(name=name),
            lead=PROPERTY_ERROR if in_property else (),
            path=dotted(node.path),
            at=dotted(node.path[:4]),
            place=template.place(node.path),
            remedy=nearest(name, template.parameter_schemas) or "Declare the parameter under parameters.",
            value=template.value(node.path),
        )

    def wrong_ref(self, node: Call) -> TemplateError | None:
        """The error for ``Ref`` of what is neither a parameter nor a resource."""
        template, name = self._template, node.args
        pseudo = PSEUDO_NAMES[template.version.dialect]
        if not isinstance(name, str) or name in template.parameter_schemas or name in pseudo:
            return None
        definition = template.resources.get(name)
        if definition is not None and (
            definition.condition is None or self._conditions.holds(definition.condition)
        ):
            return None
        known = chain(template.parameter_schemas, pseudo, template.resources)
        like = "" if definition is not None else nearest(name, known)
        where = HERE if SUBSTITUTION in node.path else "unknown"
        return InvalidTemplateReference(
            Reason.UNKNOWN_REFERENCE(name=name, where=where),
            path=dotted(node.path),
            place=template.place(node.path),
            remedy=like or f"Name a parameter, or a resource whose condition holds{_or_text(name, node)}.",
            value=template.value(node.path),
        )

    def lost_attribute(self, node: Call) -> TemplateError | None:
        """The error for an attribute, in an output, of a missing resource."""
        if node.path[:1] != (self._template.version.sections["outputs"],):
            return None
        name = node.args[0] if isinstance(node.args, list) else node.args
        if not isinstance(name, str) or self._walker.is_resource(name):
            return None
        resources = self._template.resources
        like = "" if name in resources else nearest(name, resources)
        return TemplateError(
            Reason.UNKNOWN_REFERENCE(name=name, where="unknown"),
            lead=(HERE,),
            path=dotted((*node.path, node.name)),
            place=self._template.place((*node.path, node.name, 0)),
            remedy=like or "Name a resource whose condition holds.",
            value=name,
        )

    def wrong_attribute(self, node: Call) -> TemplateError | None:
        """The error for an attribute that its resource does not have."""
        if self._attribute is None:
            return None
        try:
            uses = list(self._walker.inside(node))
        except TemplateError:
            return None  # reported where its arguments are checked
        for use in uses:
            if not isinstance(use, Reference) or use.where != node.path or use.attribute is None:
                continue
            remedy = self._attribute(use)
            if remedy is not None:
                return InvalidTemplateAttribute(
                    Reason.UNKNOWN_ATTRIBUTE(resource=use.resource, name=use.attribute),
                    lead=(HERE,),
                    path=dotted((*node.path, node.name)),
                    place=self._template.place((*node.path, node.name, 1)),
                    remedy=remedy,
                    value=use.attribute,
                )
        return None


def _or_text(name: str, node: Call) -> str:
    return f"; write ${{!{name}}} for the text ${{{name}}}" if SUBSTITUTION in node.path else ""


_CHECKS: Mapping[str, tuple[Callable[[FunctionCheck, Call], TemplateError | None], ...]] = {
    "get_param": (FunctionCheck.missing_parameter,),
    "Ref": (FunctionCheck.wrong_ref,),
    "get_attr": (FunctionCheck.lost_attribute, FunctionCheck.wrong_attribute),
    "Fn::GetAtt": (FunctionCheck.lost_attribute, FunctionCheck.wrong_attribute),
}

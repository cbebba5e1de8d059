"""Everything that can be found wrong with a template without the cloud, all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stackd.errors import InvalidTemplateReference, TemplateError, UserParameterMissing
from stackd.template.conditions import Conditions
from stackd.template.evaluation import resolve_conditions
from stackd.template.functions.base import ARGUMENT_ERRORS, Call, call_error, dotted
from stackd.template.functions.conditions import Choice
from stackd.template.graph import dependencies, enabled_resources
from stackd.template.guard import depth_guarded
from stackd.template.parameters import PSEUDO_NAMES, default_problems
from stackd.template.template import Template
from stackd.template.unknown import Unknown


@depth_guarded
def validate_static(template: Template, parameters: Mapping[str, Any]) -> list[TemplateError]:
    """All mistakes in the template's schemas, conditions, names, functions, references and outputs."""
    problems: list[TemplateError] = list(default_problems(template))
    problems.extend(_duplicate_names(template))
    try:
        conditions = resolve_conditions(template, parameters)
        enabled = enabled_resources(template, conditions)
    except TemplateError as error:
        return [*problems, error]
    for definition in enabled.values():
        parts = (
            definition.properties,
            definition.metadata,
            definition.update_policy,
            definition.deletion_policy_node,
            definition.external_id,
        )
        for part in parts:
            problems.extend(_function_problems(template, conditions, part))
    for output in template.outputs.values():
        problems.extend(_output_problems(template, conditions, output.condition, output.value, output.name))
    if not problems:
        problems.extend(_problem(lambda: dependencies(template, conditions)))
    return problems


def _problem(action: Callable[[], Any]) -> Iterator[TemplateError]:
    try:
        action()
    except TemplateError as error:
        yield error


def _duplicate_names(template: Template) -> Iterator[TemplateError]:
    names = template.parameter_schemas.keys() | PSEUDO_NAMES[template.version.dialect]
    if duplicates := sorted(names & template.resources.keys()):
        path = (template.version.sections["resources"], duplicates[0])
        yield TemplateError(
            f"Duplicate names {{{', '.join(map(repr, duplicates))}}}",
            path=dotted(path),
            place=template.place(path),
            remedy="Give resources other names than parameters.",
        )


def _output_problems(
    template: Template, conditions: Conditions, condition: Any, value: Any, name: str
) -> Iterator[TemplateError]:
    if condition is not None:
        try:
            if conditions.holds(condition) is False:
                return
        except TemplateError as error:
            path = (template.version.sections["outputs"], name, template.version.output_keys["condition"])
            where = dotted(path)
            yield TemplateError(
                f"{where}: {error.message}", path=where, place=template.place(path), remedy=error.remedy
            )
            return
    yield from _function_problems(template, conditions, value)


def _function_problems(template: Template, conditions: Conditions, node: Any) -> Iterator[TemplateError]:
    """What the functions inside a node refuse, in chosen branches only."""
    if isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from _function_problems(template, conditions, value)
        return
    if not isinstance(node, Call):
        return
    place = template.place
    try:
        node.function.validate(node.args)
    except ARGUMENT_ERRORS as error:
        yield call_error(node.name, node.function, node.path, error, place(node.path))
    if node.name == "get_param" and (missing := _missing_parameter(template, node)) is not None:
        yield missing
    if node.name == "Ref" and (wrong := _wrong_ref(template, conditions, node)) is not None:
        yield wrong
    if not isinstance(node.args, Choice):
        yield from _function_problems(template, conditions, node.args)
        return
    try:
        branches = _chosen(conditions, node.args)
        nodes = [branch.node for branch in branches]
    except TemplateError as error:
        if not error.path:
            error = call_error(
                node.name, node.function, node.path, ValueError(error.message), place(node.path)
            )
        yield error
        return
    for branch in nodes:
        yield from _function_problems(template, conditions, branch)


def _chosen(conditions: Conditions, choice: Choice) -> tuple[Any, ...]:
    truth = True if choice.condition is None else conditions.holds(choice.condition)
    if isinstance(truth, Unknown):
        return choice.branches
    return choice.branches[:1] if truth else choice.branches[1:]


def _missing_parameter(template: Template, node: Call) -> TemplateError | None:
    name = node.args[0] if isinstance(node.args, list) else node.args
    known = PSEUDO_NAMES[template.version.dialect]
    if not isinstance(name, str) or name in template.parameter_schemas or name in known:
        return None
    return UserParameterMissing(
        f"The Parameter ({name}) was not provided.",
        path=dotted(node.path),
        place=template.place(node.path),
        remedy="Declare the parameter under parameters.",
    )


def _wrong_ref(template: Template, conditions: Conditions, node: Call) -> TemplateError | None:
    name = node.args
    if not isinstance(name, str) or name in template.parameter_schemas:
        return None
    definition = template.resources.get(name)
    if definition is not None and (definition.condition is None or conditions.holds(definition.condition)):
        return None
    if name in PSEUDO_NAMES[template.version.dialect]:
        return None
    return InvalidTemplateReference(
        f'The specified reference "{name}" (in unknown) is incorrect.',
        path=dotted(node.path),
        place=template.place(node.path),
        remedy="Name a parameter, or a resource whose condition holds.",
    )

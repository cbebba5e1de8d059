"""The names of the exports and imports of a template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from stackd.errors import TemplateError
from stackd.template.conditions import Conditions
from stackd.template.evaluation import Evaluation, ParameterScope
from stackd.template.functions.base import Import, dotted
from stackd.template.graph import enabled_resources, uses
from stackd.template.guard import depth_guarded
from stackd.template.masking import concealed_text, secrets_of
from stackd.template.problems import Report, refuse
from stackd.template.template import OutputDefinition, ResourceDefinition, Template
from stackd.template.unknown import Unknown, find_unknown
from stackd.wording import HERE

IMPORT: Final = "Fn::ImportValue"
_HIDDEN: Final = "The name of {} cannot be made of a hidden parameter: it is no secret."
_OPEN: Final = "Make it of other parameters and texts."
EXPORT_NAME: Final = re.compile(r"[0-9A-Za-z:-]{1,255}")


@depth_guarded
def export_names(template: Template, conditions: Conditions, report: Report = refuse) -> dict[str, str]:
    """The export names of exported outputs, by output.

    A name that hangs on a parameter without a value is left out.
    """
    names: dict[str, str] = {}
    if "export" not in template.version.output_keys:
        return names
    scope = ParameterScope(conditions.parameters)
    taken: set[str] = set()
    for key, output in template.outputs.items():
        if output.export is None:
            continue
        try:
            if conditions.holds(_condition(output)) is False:
                continue
            name = _export_name(template, output, Evaluation(scope, template, conditions))
            if name is not None and name in taken:
                raise _wrong(template, output, f"{name} is exported twice.", "Give each export its own name.")
        except TemplateError as error:
            report(error)
            continue
        if name is not None:
            names[key] = name
            taken.add(name)
    return names


def _condition(output: OutputDefinition) -> Any:
    return True if output.condition is None else output.condition


def _export_name(template: Template, output: OutputDefinition, evaluation: Evaluation) -> str | None:
    name = evaluation.resolve(output.export)
    if (unknown := find_unknown(name)) is not None:
        if not unknown.resource:
            return None
        raise _wrong(
            template,
            output,
            "The name of an export cannot come from a resource.",
            "Make it of parameters and texts.",
        )
    if _shows_secret(name, template, evaluation.scope.parameters):
        raise _wrong(template, output, _HIDDEN.format("an export"), _OPEN)
    if not isinstance(name, str) or not EXPORT_NAME.fullmatch(name):
        raise _wrong(
            template,
            output,
            f"{name!r:.300} is not a name for an export.",
            "Use up to 255 letters, digits, colons and hyphens.",
        )
    return name


def _wrong(template: Template, output: OutputDefinition, message: str, remedy: str) -> TemplateError:
    version = template.version
    path = (version.sections["outputs"], output.name, version.output_keys["export"], "Name")
    place = template.place(path)
    return TemplateError(message, lead=(HERE,), path=dotted(path), place=place, remedy=remedy)


@depth_guarded
def import_names(
    template: Template,
    conditions: Conditions,
    *,
    enabled: Mapping[str, ResourceDefinition] | None = None,
    report: Report = refuse,
) -> frozenset[str]:
    """The exports of other stacks that a template uses, in chosen branches only.

    A name that hangs on a parameter without a value is left out.
    """
    if IMPORT not in template.version.functions:
        return frozenset()
    names: set[str] = set()
    resources = enabled_resources(template, conditions) if enabled is None else enabled
    nodes: list[Any] = []
    for definition in resources.values():
        nodes += [definition.properties, definition.metadata, definition.update_policy]
        nodes += [definition.deletion_policy_node, definition.external_id]
    nodes += [
        output.value
        for output in template.outputs.values()
        if conditions.holds(_condition(output)) is not False
    ]
    for use in uses(nodes, conditions):
        if not isinstance(use, Import):
            continue
        if _shows_secret(use.name, template, conditions.parameters):
            report(_wrong_import(template, use, _HIDDEN.format("an import"), _OPEN))
        elif isinstance(use.name, str):
            names.add(use.name)
        elif isinstance(use.name, Unknown) and use.name.resource:
            message = "The name of an import cannot come from a resource."
            report(_wrong_import(template, use, message, "Make it of parameters and texts."))
    return frozenset(names)


def _wrong_import(template: Template, use: Import, message: str, remedy: str) -> TemplateError:
    path = (*use.where, IMPORT)
    return TemplateError(message, lead=(HERE,), path=dotted(path), place=template.place(path), remedy=remedy)


def _shows_secret(name: Any, template: Template, parameters: Mapping[str, Any]) -> bool:
    """Whether there is a hidden value in a name, which everybody in the project can read."""
    return isinstance(name, str) and concealed_text(name, secrets_of(template, parameters)) != name

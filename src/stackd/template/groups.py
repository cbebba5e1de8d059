"""Parameter groups: how a form presents parameters. They mean nothing to the engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from stackd.errors import TemplateError
from stackd.template.functions.base import TemplatePath
from stackd.template.parse import ParsedDocument
from stackd.template.problems import Report, nearest, refuse
from stackd.template.schemas import ParameterSchema
from stackd.wording import HERE

INTERFACE: Final = "AWS::CloudFormation::Interface"
"""The metadata key of a CloudFormation template that describes how to present its parameters."""


def interface_groups(interface: Mapping[str, Any], names: Collection[str]) -> list[Any]:
    """The groups of an interface in the form of HOT; invalid parts are ignored, since it is metadata."""
    found = interface.get("ParameterGroups")
    groups: list[Any] = []
    for group in found if isinstance(found, list) else ():
        members = group.get("Parameters") if isinstance(group, dict) else None
        if isinstance(members, list):
            known = [name for name in members if isinstance(name, str) and name in names]
            groups.append({"label": _default(group.get("Label")), "parameters": known})
    return groups


def labelled(
    interface: Mapping[str, Any], schemas: Mapping[str, ParameterSchema]
) -> dict[str, ParameterSchema]:
    """The parameters with the labels that an interface gives to those which have none of their own."""
    given = interface.get("ParameterLabels")
    labels = given if isinstance(given, dict) else {}
    return {
        name: replace(schema, label=label)
        if schema.label == name and (label := _default(labels.get(name)))
        else schema
        for name, schema in schemas.items()
    }


def _default(label: Any) -> str:
    """The text of a label: the entry ``default`` of a map."""
    return str(label.get("default") or "") if isinstance(label, dict) else ""


def check_groups(
    groups: Any, names: Collection[str], document: ParsedDocument, report: Report = refuse
) -> list[Any]:
    """The groups as they were written; reports those of unknown or repeated parameters."""
    if groups is None:
        return []

    def wrong(problem: str, where: TemplatePath = (), label: str = "", remedy: str = "") -> None:
        report(
            TemplateError(
                problem,
                lead=("Parameter Groups error", HERE),
                path=f"parameter_groups.{label}" if label else "parameter_groups",
                place=document.place(("parameter_groups", *where)),
                remedy=remedy or "List each declared parameter in at most one group.",
                value=document.value(("parameter_groups", *where)),
            )
        )

    if not isinstance(groups, list):
        wrong("The parameter_groups should be a list.", remedy="Write a list of groups.")
        return []
    grouped: set[str] = set()
    for index, group in enumerate(groups):
        if not isinstance(group, dict):
            wrong("Each parameter group should be a map.", (index,))
            continue
        label = str(group.get("label") or "")
        parameters = group.get("parameters")
        if parameters is None:
            wrong("The parameters must be provided for each parameter group.", (index,), label)
        elif not isinstance(parameters, list):
            wrong("The parameters of parameter group should be a list.", (index, "parameters"), label)
        else:
            for position, name in enumerate(parameters):
                where = (index, "parameters", position)
                if not isinstance(name, str) or name not in names:
                    problem = f"The grouped parameter {name} does not reference a valid parameter."[:200]
                    wrong(problem, where, label, nearest(str(name), names))
                elif name in grouped:
                    wrong(f"The {name} parameter must be assigned to one parameter group only.", where, label)
                else:
                    grouped.add(name)
    return groups

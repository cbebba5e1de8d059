"""Parameter groups: how a form presents parameters. They mean nothing to the engine."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from stackd.errors import TemplateError
from stackd.template.parse import ParsedDocument


def check_groups(groups: Any, names: Collection[str], document: ParsedDocument) -> list[Any]:
    """The groups as they were written; raises TemplateError for a group of unknown or repeated parameters."""
    if groups is None:
        return []

    def fail(problem: str, label: str = "") -> TemplateError:
        path = f"parameter_groups.{label}" if label else "parameter_groups"
        return TemplateError(
            f"Parameter Groups error: {path}: {problem}",
            path=path,
            place=document.place(("parameter_groups",)),
            remedy="List each declared parameter in at most one group.",
        )

    if not isinstance(groups, list):
        raise fail("The parameter_groups should be a list.")
    grouped: set[str] = set()
    for group in groups:
        if not isinstance(group, dict):
            raise fail("Each parameter group should be a map.")
        label = str(group.get("label") or "")
        parameters = group.get("parameters")
        if parameters is None:
            raise fail("The parameters must be provided for each parameter group.", label)
        if not isinstance(parameters, list):
            raise fail("The parameters of parameter group should be a list.", label)
        for name in parameters:
            if not isinstance(name, str) or name not in names:
                raise fail(
                    f'The grouped parameter "{name}" does not reference a valid parameter.'[:200], label
                )
            if name in grouped:
                raise fail(f"The {name} parameter must be assigned to one parameter group only.", label)
            grouped.add(name)
    return groups

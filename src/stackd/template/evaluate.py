"""The queries on a template: values, conditions, requirements and mistakes."""

from __future__ import annotations

from typing import Any

from stackd.template.evaluation import Evaluation, Scope, resolve_conditions
from stackd.template.functions.base import OMITTED
from stackd.template.graph import (
    dependencies,
    enabled_resources,
    find_circle,
    output_references,
    referenced_attributes,
    references,
)
from stackd.template.guard import depth_guarded
from stackd.template.template import Template
from stackd.template.validate import validate_static

__all__ = [
    "Scope",
    "dependencies",
    "enabled_resources",
    "evaluate",
    "find_circle",
    "output_references",
    "referenced_attributes",
    "references",
    "resolve_conditions",
    "validate_static",
]


@depth_guarded
def evaluate(node: Any, scope: Scope, *, template: Template) -> Any:
    """The value of a node, with nothing omitted left in it; raises TemplateError.

    What a scope raises goes through unchanged. The result may be changed freely.
    """
    value = Evaluation(scope, template).resolve(node)
    return None if value is OMITTED else value

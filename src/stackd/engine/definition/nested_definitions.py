"""The definition of a nested stack: its template, and what its environment inherits (pure)."""

from __future__ import annotations

from typing import Any

from stackd.records import Resource
from stackd.resources.base import Child, Members
from stackd.template.environment import Environment

NO_MEMBERS = Members({}, {}, {}, lambda name, path: None)
"""The members of a stack that does not exist yet."""


def child_data(around: Environment, resource: Resource, child: Child) -> tuple[Any, dict[str, Any]]:
    """Template data (or text) and environment data of a child; ``around`` is the parent's environment."""
    template = child.template if isinstance(child.template, str) else dict(child.template)
    return template, child_environment(around, resource, child)


def child_environment(around: Environment, resource: Resource, child: Child) -> dict[str, Any]:
    """What a nested stack inherits, and the parameters that its resource gives it."""
    data = dict(around.child(resource.name, resource.type).to_data())
    data["parameters"] = dict(child.parameters)
    return data

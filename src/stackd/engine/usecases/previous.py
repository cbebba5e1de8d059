"""What an update takes over from the stack as it is: the template, and values of parameters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from stackd.engine.definition.desired import Source
from stackd.engine.definition.documents import load_definition
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import BadRequest
from stackd.records import Stack


async def with_previous(
    engine: Engine, stack: Stack, request: StackRequest, names: Collection[str], *, template: bool
) -> StackRequest:
    """The request with the stack's values of these parameters, and with its ``template`` if that is kept.

    With the template goes what surrounds it: types that the environment maps, and defaults.
    """
    if not names and not template:
        return request
    stored = await load_definition(engine.services.db, stack.project_id, stack.definition)
    kept = {name: value for name in names if (value := _value(stored, name)) is not None}
    changes: dict[str, Any] = {"parameters": {**kept, **request.parameters}}
    if template:
        around = {**stored.environment.to_data(), "parameters": {}}
        changes |= {"template": dict(stored.template.data), "environment": around, "files": stored.files}
    return request.model_copy(update=changes)


def _value(stored: Source, name: str) -> Any:
    """The value that a parameter has; None if it has none, and so stays without."""
    if name not in stored.template.parameter_schemas:
        raise BadRequest(
            f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a "
            "parameter key not in the previous template"
        )
    environment = stored.environment
    for layer in (environment.parameters, environment.parameter_defaults):
        if (value := layer.get(name)) is not None:
            return value
    return stored.template.parameter_schemas[name].default

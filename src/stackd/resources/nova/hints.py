"""Scheduler hints by which a scheduler plug-in identifies an object's stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.resources.context import Context


def with_stack(ctx: Context, hints: Mapping[str, Any] | None) -> dict[str, Any]:
    """The user's hints, and where the operator wants it, those about the stack."""
    given = {key: value for key, value in (hints or {}).items() if value is not None}
    if not ctx.limits.get("stack_scheduler_hints"):
        return given
    stack = ctx.stack
    return given | {
        "heat_root_stack_id": stack.root_id,
        "heat_stack_id": stack.id,
        "heat_stack_name": stack.name,
        "heat_path_in_stack": [stack.root_name, *stack.path],
        "heat_resource_name": ctx.resource.name,
        "heat_resource_uuid": ctx.resource.id,
    }

"""Stacks by their ARN, or by name or id: how clients of CloudFormation name them."""

from __future__ import annotations

from stackd.engine.usecases.access import enforce, find, lookup
from stackd.engine.usecases.engine import Engine
from stackd.errors import EntityNotFound
from stackd.records import Caller, Stack
from stackd.resources.heat.addresses import parse_stack_arn, stack_arn

__all__ = ["stack_arn", "stack_named"]


async def stack_named(engine: Engine, caller: Caller, reference: str, *, rule: str) -> Stack:
    """The stack of an ARN or id, also when it is deleted, or the live one of a name.

    ``EntityNotFound`` names it as the request does.
    """
    enforce(engine, caller, rule)
    try:
        if (named := parse_stack_arn(reference)) is None:
            return await lookup(engine, caller, reference, rule=rule)
        stack = await find(engine, caller, named.stack_id, rule, name=named.stack_name)
    except EntityNotFound:
        raise EntityNotFound("Stack", reference) from None
    if stack.project_id != named.project_id:
        raise EntityNotFound("Stack", reference)
    return stack

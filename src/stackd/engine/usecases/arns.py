"""Stacks by their ARN, or by name or id: how clients of CloudFormation name them."""

from __future__ import annotations

from stackd.engine.usecases.access import enforce, find, lookup
from stackd.engine.usecases.engine import Engine
from stackd.errors import ChangeSetNotFound, EntityNotFound
from stackd.records import Caller, ChangeSet, Stack
from stackd.resources.heat.addresses import (
    change_set_arn,
    parse_change_set_arn,
    parse_stack_arn,
    stack_arn,
)

__all__ = ["arn_of_change_set", "change_set_arn", "change_set_uuid", "stack_arn", "stack_named"]


def arn_of_change_set(change_set: ChangeSet) -> str:
    """The change set's name for CloudFormation."""
    return change_set_arn(change_set.project_id, change_set.name, change_set.uuid)


def change_set_uuid(caller: Caller, reference: str) -> str:
    """The id of a change set in its ARN; empty if it is a name. An ARN of another project names nothing."""
    named = parse_change_set_arn(reference)
    if named is None:
        return ""
    if named.project_id != caller.project_id:
        raise ChangeSetNotFound(reference)
    return named.stack_id


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

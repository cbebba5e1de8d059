"""What keeps stacks from harm: termination protection and stack policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.cloudformation.requests import stack_of
from stackd.cfn_query.cloudformation.terms import policy_given
from stackd.cfn_query.params import bad_value, flag
from stackd.engine.usecases import protection
from stackd.engine.usecases.arns import stack_arn


async def update_termination_protection(call: Call) -> Mapping[str, Any]:
    """UpdateTerminationProtection: of an outermost stack, for all inside it."""
    wanted = flag(call.params, "EnableTerminationProtection")
    if wanted is None:
        raise bad_value("EnableTerminationProtection", "is required")
    stack = await stack_of(call)
    await protection.protect(call.engine, call.caller, stack, protected=wanted, rule=call.rule)
    return {"StackId": stack_arn(stack)}


async def set_stack_policy(call: Call) -> None:
    """SetStackPolicy: from now on updates are judged by it."""
    policy = await policy_given(call)
    await protection.set_policy(call.engine, call.caller, await stack_of(call), policy, rule=call.rule)


async def get_stack_policy(call: Call) -> Mapping[str, Any]:
    """GetStackPolicy: without an element for a stack that has none."""
    found = await protection.policy_of(call.engine, call.caller, await stack_of(call), rule=call.rule)
    return {"StackPolicyBody": found}


ACTIONS = table(
    Action("UpdateTerminationProtection", update_termination_protection),
    Action("SetStackPolicy", set_stack_policy),
    Action("GetStackPolicy", get_stack_policy),
)

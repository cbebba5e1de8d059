"""SignalResource."""

from __future__ import annotations

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.cloudformation.requests import stack_of
from stackd.cfn_query.cloudformation.terms import required_choice
from stackd.cfn_query.params import bad_value, required
from stackd.engine.usecases import signals

_LONGEST_ID = 64


async def signal_resource(call: Call) -> None:
    """SignalResource: the word of whoever knows that something has come to its end, or will not."""
    name, unique_id = required(call.params, "LogicalResourceId"), required(call.params, "UniqueId")
    if len(unique_id) > _LONGEST_ID:
        raise bad_value("UniqueId", f"may have {_LONGEST_ID} characters")
    status = required_choice(call.params, "Status", "SUCCESS", "FAILURE")
    stack = await stack_of(call)
    await signals.signal_end(call.engine, call.caller, stack, name, unique_id, status, rule=call.rule)


ACTIONS = table(Action("SignalResource", signal_resource))

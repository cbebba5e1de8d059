"""What an account may have, and what its stacks cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.cfn_query.actions import Action, Call, table
from stackd.engine.usecases.access import enforce


async def estimate_template_cost(call: Call) -> Mapping[str, Any]:
    """EstimateTemplateCost: a page of prices, of which the cloud has none."""
    enforce(call.engine, call.caller, call.rule)
    return {"Url": "https://www.openstack.org/"}


async def describe_account_limits(call: Call) -> Mapping[str, Any]:
    """DescribeAccountLimits: what the operator allows a project and a stack."""
    enforce(call.engine, call.caller, call.rule)
    limits = call.front.settings.limits
    rows = (
        ("StackLimit", limits.max_stacks_per_tenant),
        ("StackResourcesLimit", limits.max_resources_per_stack),
    )
    return {"AccountLimits": [{"Name": name, "Value": value} for name, value in rows if value >= 0]}


ACTIONS = table(
    Action("EstimateTemplateCost", estimate_template_cost),
    Action("DescribeAccountLimits", describe_account_limits),
)

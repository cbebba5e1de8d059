"""OS::Octavia::L7Rule, a condition that requests must meet for a policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from stackd.errors import PropertyError
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.octavia.balanced import Balanced, octavia
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, same
from stackd.resources.rules import is_set
from stackd.resources.schema import IN_PLACE, Properties, prop


class L7RuleProps(Properties):
    """Properties of a rule."""

    admin_state_up: bool = prop("Whether the rule counts.", default=True, update=IN_PLACE)
    l7policy: str = prop("Name or id of the policy.", required=True, find="octavia.l7policy")
    type: str = prop(
        "The part of a request that is compared.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE")],
    )
    compare_type: str = prop(
        "How it is compared.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("REGEX", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "EQUAL_TO")],
    )
    invert: bool = prop("Whether requests must not match.", default=False, update=IN_PLACE)
    key: str | None = prop("Name of the header or cookie that is compared.", update=IN_PLACE)
    value: str = prop("What it is compared with.", required=True, update=IN_PLACE)


@resource_type("OS::Octavia::L7Rule", since="10.0.0")
class L7Rule(Balanced[L7RuleProps]):
    """A condition. It has no name, and is found again by a tag with the id of its resource."""

    entity = octavia("rule", "rules", inside="/l7policies/{l7policy}", name="")
    fields: ClassVar = same("admin_state_up", "type", "compare_type", "invert", "value") | {
        "key": Field("key", cleared=None)
    }

    def validate(self, props: L7RuleProps) -> None:
        """A header or a cookie has a name."""
        super().validate(props)
        if props.type in ("HEADER", "COOKIE") and not is_set(props.key):
            raise PropertyError(
                f"The property key is required when type is {props.type}.",
                path="properties",
                remedy="Give the name of the header or cookie.",
            )

    def body(self, ctx: Context, props: L7RuleProps) -> JSON:
        """The rule with its tag."""
        return super().body(ctx, props) | {"tags": [ctx.resource.id]}

    async def find_placed(self, ctx: Context, props: L7RuleProps) -> Sequence[JSON]:
        """The rules of the policy with the tag."""
        entity = self.entity.of(ctx.resource)
        rules = await self.service_of(ctx).list_all(entity.path, entity.plural, {"tags": ctx.resource.id})
        return [rule for rule in rules if ctx.resource.id in rule["tags"]]

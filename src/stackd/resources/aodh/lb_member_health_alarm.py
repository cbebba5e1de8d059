"""OS::Aodh::LBMemberHealthAlarm, an alarm on members of a load balancer that do not answer."""

from __future__ import annotations

from stackd.resources.aodh.alarm_props import AlarmProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, prop


class LBMemberHealthAlarmProps(AlarmProps):
    """Properties of ``OS::Aodh::LBMemberHealthAlarm``."""

    pool: str = prop("Name or id of the pool.", required=True, update=IN_PLACE)
    stack: str = prop("Id of the outermost stack around the members, as in OS::stack_id.", required=True)
    autoscaling_group_id: str = prop(
        "The group that contains the members: its stack's id.", required=True, update=IN_PLACE
    )


@resource_type("OS::Aodh::LBMemberHealthAlarm", since="13.0.0")
class LBMemberHealthAlarm(AlarmType[LBMemberHealthAlarmProps]):
    """Watches the members of a pool.

    With the action ``trust+heat://`` the service marks the resources of broken members and updates the
    stack, which replaces them.
    """

    alarm_type = "loadbalancer_member_health"

    async def rule(self, ctx: Context, props: LBMemberHealthAlarmProps) -> JSON:
        """The pool by its id."""
        return {
            "pool_id": await ctx.find.id_of("octavia.pool", props.pool),
            "stack_id": props.stack,
            "autoscaling_group_id": props.autoscaling_group_id,
        }

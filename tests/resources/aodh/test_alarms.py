"""What every alarm does, by the example of one, and the rule of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import CloudNotFound, PropertyError, ResourceFailure
from stackd.resources.follows import Sibling
from tests.support.context import FakeContext, among, followed, gone, make_resource

KIND = "OS::Aodh::PrometheusAlarm"
QUERY: dict[str, Any] = {"query": "up", "threshold": 1}
SIGNED = "http://heat.test:8000/v1/signal/arn?Signature=a%3D"
UP = {"url": SIGNED, "trust": "trust+http://heat.test/v1/p/signal"}


def context(kind: str = KIND, physical: str | None = "a1", **properties: Any) -> FakeContext:
    return FakeContext(kind, properties=properties, physical=physical)


async def sent(kind: str, **properties: Any) -> Any:
    """The request that makes an alarm."""
    ctx = context(kind, None, **properties)
    ctx.cloud.on("POST", "/alarms", {"alarm_id": "a1"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "a1"
    assert {call.service for call in ctx.cloud.calls} == {"alarm"}
    return ctx.cloud.sent("POST")[0]


async def changed(ctx: FakeContext, action: Any) -> Any:
    """The definition that an action sends for an alarm that is there."""
    live = {"alarm_id": "a1", "state": "alarm", "enabled": True, "prometheus_rule": {"query": "old"}}
    ctx.cloud.on("GET", "/alarms/a1", live).on("PUT", "/alarms/a1", live)
    await action
    assert ctx.cloud.asked() == [("PUT", "/alarms/a1")]
    return ctx.cloud.sent("PUT")[0]


# --- what all have in common ------------------------------------------------------------------------


async def test_an_alarm_is_made_whole() -> None:
    assert await sent(KIND, **QUERY) == {
        "name": "app-thing-abcdefghijkl",
        "type": "prometheus",
        "description": "",
        "severity": "low",
        "enabled": True,
        "repeat_actions": True,
        "time_constraints": [],
        "prometheus_rule": {"query": "up", "threshold": 1},
        "alarm_actions": [],
        "ok_actions": [],
        "insufficient_data_actions": [],
    }


async def test_its_time_constraints_have_no_nulls() -> None:
    span = {"name": "night", "start": "0 23 * * *", "duration": 60, "timezone": None}
    body = await sent(KIND, **QUERY, time_constraints=[span], description="d", severity="critical")
    assert body["time_constraints"] == [
        {"name": "night", "start": "0 23 * * *", "duration": 60, "timezone": ""}
    ]
    assert (body["description"], body["severity"]) == ("d", "critical")


async def test_urls_of_actions_pass_untouched_and_queues_become_urls() -> None:
    body = await sent(
        KIND,
        **QUERY,
        alarm_actions=[UP["url"], UP["trust"]],
        ok_actions=["log://"],
        alarm_queues=["a b&c"],
        insufficient_data_queues=["none"],
    )
    assert body["alarm_actions"] == [UP["url"], UP["trust"], "trust+zaqar://?queue_name=a+b%26c"]
    assert body["ok_actions"] == ["log://"]
    assert body["insufficient_data_actions"] == ["trust+zaqar://?queue_name=none"]


@pytest.mark.parametrize("actions", [{"alarm_queues": ["q"]}, {"ok_actions": [UP["trust"]]}])
async def test_a_token_that_can_delegate_is_used_where_the_service_makes_a_trust(actions: Any) -> None:
    ctx = context(physical=None, **QUERY, **actions)
    ctx.cloud.on("POST", "/alarms", {"alarm_id": "a1"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.places == ["delegating"]
    live: dict[str, Any] = {"alarm_actions": [], "ok_actions": []}
    ctx.cloud.on("GET", "/alarms/a1", live, {"ok_actions": ["trust+zaqar:?queue_name=q"]})
    ctx.cloud.on("PUT", "/alarms/a1")
    await ctx.type.update(ctx, ctx.props, ctx.props)
    assert ctx.places == ["delegating"] * 2
    await ctx.type.suspend(ctx, ctx.props)  # the service has its trust already
    assert ctx.places == ["delegating"] * 2


async def test_the_name_of_a_policy_stands_for_its_url() -> None:
    policy = make_resource("up", "OS::Heat::ScalingPolicy", data={"ec2_signed_url": SIGNED})
    ctx = FakeContext(KIND, properties={**QUERY, "alarm_actions": ["up"]}, siblings=[policy])
    ctx.cloud.on("POST", "/alarms", {"alarm_id": "a1"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST")[0]["alarm_actions"] == [SIGNED]


async def test_a_resource_without_a_url_is_no_action() -> None:
    siblings = [make_resource("word", "OS::Heat::RandomString")]
    ctx = FakeContext(KIND, properties={**QUERY, "ok_actions": ["word"]}, siblings=siblings)
    with pytest.raises(ResourceFailure, match='"word" is neither a URL nor a resource that has one'):
        await ctx.type.create(ctx, ctx.props)


def test_an_action_that_names_nothing_is_refused_with_its_place() -> None:
    ctx = context(**QUERY, ok_actions=["http://x", "dwon"])
    siblings = among(Sibling("down", "OS::Heat::ScalingPolicy", {}))
    with pytest.raises(PropertyError, match='"dwon" is neither a URL') as caught:
        ctx.type.validate_among(ctx.props, siblings)
    assert caught.value.path == "properties.ok_actions[1]"
    assert followed(ctx, ctx.props, siblings) == set()


def test_an_alarm_comes_after_the_resources_that_its_actions_name() -> None:
    ctx = context(**QUERY, alarm_actions=["up"], ok_actions=["http://x", "down"])
    siblings = among(*(Sibling(name, "OS::Heat::ScalingPolicy", {}) for name in ("up", "down", "other")))
    ctx.type.validate_among(ctx.props, siblings)
    assert followed(ctx, ctx.props, siblings) == {"up", "down"}


async def test_an_update_sends_the_whole_definition_and_keeps_the_state() -> None:
    ctx = context(**QUERY, description="before")
    new = ctx.load({"query": "down", "threshold": 2.5, "repeat_actions": False})
    body = await changed(ctx, ctx.type.update(ctx, ctx.props, new))
    assert body["state"] == "alarm"
    assert body["prometheus_rule"] == {"query": "down", "threshold": 2.5}
    assert (body["description"], body["repeat_actions"], body["name"]) == ("", False, ctx.physical_name)


async def test_a_suspended_alarm_is_disabled_and_a_resumed_one_as_its_properties_say() -> None:
    for enabled in (True, False):
        ctx = context(**QUERY, enabled=enabled)
        body = await changed(ctx, ctx.type.suspend(ctx, ctx.props))
        assert (body["enabled"], body["state"]) == (False, "alarm")
        ctx = context(**QUERY, enabled=enabled)
        assert (await changed(ctx, ctx.type.resume(ctx, ctx.props)))["enabled"] is enabled


async def test_an_alarm_whose_id_was_never_stored_is_found_by_its_name() -> None:
    ctx = context(physical=None, **QUERY)
    ctx.cloud.on("GET", "/alarms", [{"alarm_id": "a7"}])
    assert [each["alarm_id"] for each in await ctx.type.find(ctx, ctx.props)] == ["a7"]
    asked = ctx.cloud.calls[0].params
    assert asked == {"q.field": "name", "q.op": "eq", "q.value": ctx.physical_name}


async def test_a_missing_alarm_fails_the_check_and_is_deleted_by_its_id() -> None:
    ctx = context(**QUERY)
    ctx.cloud.on("GET", "/alarms/a1", gone()).on("DELETE", "/alarms/a1")
    assert ctx.type.checkable
    with pytest.raises(CloudNotFound):
        await ctx.type.check(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/alarms/a1")]


# --- the rules of each kind ---------------------------------------------------------------------------

COMPARED = {
    "aggregation_method": "mean",
    "granularity": 60,
    "evaluation_periods": 2,
    "comparison_operator": "gt",
    "threshold": 50,
}
OF_RESOURCE = {"metric": "cpu", "resource_type": "instance"}
RULES: list[tuple[str, str, Any, Any]] = [
    (
        *("GnocchiResourcesAlarm", "gnocchi_resources_threshold"),
        {**COMPARED, **OF_RESOURCE, "resource_id": "r"},
        {**COMPARED, **OF_RESOURCE, "resource_id": "r"},
    ),
    (
        *("GnocchiAggregationByMetricsAlarm", "gnocchi_aggregation_by_metrics_threshold"),
        {"metrics": ["m1", "m2"], "threshold": 0.5},
        {"metrics": ["m1", "m2"], "threshold": 0.5},
    ),
    (
        *("GnocchiAggregationByResourcesAlarm", "gnocchi_aggregation_by_resources_threshold"),
        {**COMPARED, **OF_RESOURCE, "query": '{"=": {"server_group": "s"}}'},
        {**COMPARED, **OF_RESOURCE, "query": '{"=": {"server_group": "s"}}'},
    ),
    ("EventAlarm", "event", {}, {"event_type": "*"}),
    (
        *("EventAlarm", "event"),
        {"event_type": "compute.*", "query": [{"field": "traits.state", "op": "eq", "value": "error"}]},
        {
            "event_type": "compute.*",
            "query": [{"field": "traits.state", "op": "eq", "type": "string", "value": "error"}],
        },
    ),
    (
        *("CompositeAlarm", "composite"),
        {"composite_rule": {"operator": "or", "rules": [{"type": "prometheus"}, {"and": [{}, {}]}]}},
        {"or": [{"type": "prometheus"}, {"and": [{}, {}]}]},
    ),
    (
        *("Alarm", "threshold"),
        {"meter_name": "cpu_util", "statistic": "avg", "period": 60, "threshold": "50"},
        {"meter_name": "cpu_util", "statistic": "avg", "period": 60, "threshold": 50, "query": []},
    ),
]


@pytest.mark.parametrize(("kind", "name", "properties", "rule"), RULES)
async def test_rule(kind: str, name: str, properties: Any, rule: Any) -> None:
    body = await sent(f"OS::Aodh::{kind}", **properties)
    assert body["type"] == name
    assert body[f"{name}_rule"] == rule


@pytest.mark.parametrize(
    ("meter", "key", "field"),
    [
        ("network.incoming.bytes", "stack", "metadata.metering.stack"),
        ("network.incoming.bytes", "metadata.metering.stack", "metadata.metering.stack"),
        ("cpu_util", "stack", "metadata.user_metadata.stack"),
        ("disk.read.bytes", "metering.stack", "metadata.user_metadata.stack"),
    ],
)
async def test_wanted_metadata_are_conditions_on_the_samples(meter: str, key: str, field: str) -> None:
    condition = {"field": "resource_id", "op": "eq", "value": "r"}
    body = await sent(
        "OS::Aodh::Alarm", meter_name=meter, threshold=1, query=[condition], matching_metadata={key: 7}
    )
    assert body["threshold_rule"]["query"] == [
        {**condition, "type": "string"},
        {"field": field, "op": "eq", "value": "7"},
    ]


async def test_the_pool_of_members_may_be_given_by_name() -> None:
    pool = ("octavia.pool", "web")
    properties = {"pool": "web", "stack": "s", "autoscaling_group_id": "g"}
    ctx = FakeContext("OS::Aodh::LBMemberHealthAlarm", properties=properties, finds={pool: "p1"})
    ctx.cloud.on("POST", "/alarms", {"alarm_id": "a1"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST")[0]["loadbalancer_member_health_rule"] == {
        "pool_id": "p1",
        "stack_id": "s",
        "autoscaling_group_id": "g",
    }


def test_a_query_for_resources_that_is_not_json_is_refused() -> None:
    ctx = context(
        "OS::Aodh::GnocchiAggregationByResourcesAlarm", **OF_RESOURCE, threshold=1, query="{'=': {}}"
    )
    with pytest.raises(PropertyError, match="The query is not JSON") as caught:
        ctx.type.validate(ctx.props)
    assert caught.value.path == "properties.query"

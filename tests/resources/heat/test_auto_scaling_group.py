from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stackd.errors import InvalidTemplateAttribute, NotFound, PropertyError, RequestLimitExceeded
from stackd.records import Status
from stackd.resources.base import Members
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, make_resource

NOBODY = Members({}, {}, {}, lambda name, path: None)
START = datetime(2020, 1, 1, tzinfo=UTC)


def group(stored: Any = None, **properties: Any) -> FakeContext:
    defaults = {
        "min_size": 1,
        "max_size": 5,
        "resource": {"type": "OS::Heat::Value", "properties": {"value": 1}},
    }
    return FakeContext(
        "OS::Heat::AutoScalingGroup",
        name="grp",
        properties=defaults | properties,
        physical="child",
        stored=stored or {},
    )


def members(*names: str, failed: str = "", value: Any = 1) -> Members:
    rows = {
        name: replace(
            make_resource(name, "OS::Heat::Value", properties={"value": value}),
            created_at=START + timedelta(seconds=index),
            status=Status.FAILED if name == failed else Status.COMPLETE,
        )
        for index, name in enumerate(names)
    }
    return Members(rows, {name: f"ref-{name}" for name in names}, {}, lambda name, path: f"{name}.{path[0]}")


def names_after(ctx: FakeContext, current: Members, **old: Any) -> list[str]:
    before = replace(ctx.resource, properties={**ctx.props.data, **old})
    return list(ctx.type.data_after(before, ctx.props, current)["member_names"])


def test_new_group_has_the_desired_capacity_or_the_least() -> None:
    assert len(names_after(group(), NOBODY)) == 1
    made = names_after(group(desired_capacity=3), NOBODY)
    assert len(set(made)) == 3
    assert {len(name) for name in made} == {12}
    assert made == names_after(group(desired_capacity=3), NOBODY)


@pytest.mark.parametrize(
    ("properties", "old", "size"),
    [
        ({}, {}, 3),
        ({"desired_capacity": 2}, {"desired_capacity": 2}, 3),
        ({"desired_capacity": 2}, {"desired_capacity": None}, 2),
        ({"desired_capacity": 2}, {"cooldown": 60}, 2),
        ({}, {"desired_capacity": 4}, 3),
        ({"max_size": 2}, {}, 2),
        ({"min_size": 5}, {}, 5),
    ],
)
def test_size_stays_unless_bounds_or_a_change_with_a_capacity_change_it(
    properties: Any, old: Any, size: int
) -> None:
    ctx = group({"member_names": ["a", "b", "c"], "members_made": 3}, **properties)
    assert len(names_after(ctx, members("a", "b", "c"), **old)) == size


def test_failed_members_go_first_and_then_the_oldest() -> None:
    ctx = group({"member_names": ["a", "b", "c"], "members_made": 3}, max_size=2)
    assert names_after(ctx, members("a", "b", "c")) == ["b", "c"]
    assert names_after(ctx, members("a", "b", "c", failed="c")) == ["a", "b"]


def test_names_of_removed_members_are_not_used_again() -> None:
    first = group(desired_capacity=2)
    data = first.type.data_after(first.resource, first.props, NOBODY)
    assert data["members_made"] == 2
    kept = {**data, "member_names": data["member_names"][1:]}
    grown = names_after(group(kept, min_size=2), members(*kept["member_names"]))
    assert grown[0] == data["member_names"][1]
    assert grown[1] not in data["member_names"]


def sizes(ctx: FakeContext, current: Members, **old: Any) -> list[tuple[int, int]]:
    """Per batch how many members there are, and how many of these have the new definition."""
    before = type(ctx.props).load({**ctx.props.data, **old})
    batches = ctx.type.batches(ctx.resource, before, ctx.props, current, {})
    new = ctx.props.data["resource"]
    return [
        (len(each), sum(value == new for value in each.values()))
        for each in (batch.child.template["resources"] for batch in batches)
    ]


def test_new_definition_reaches_the_members_in_batches() -> None:
    old = {"resource": {"type": "OS::Heat::Value", "properties": {"value": 0}}}
    names = ["a", "b", "c", "d"]
    current = members(*names, value=0)

    def rolling(**policy: Any) -> FakeContext:
        return group({"member_names": names, "members_made": 4}, rolling_updates=policy)

    assert sizes(rolling(max_batch_size=2), current, **old) == [(4, 2), (4, 4)]
    assert sizes(rolling(max_batch_size=2, min_in_service=3), current, **old)[0][0] == 5
    assert sizes(rolling(max_batch_size=2, min_in_service=3), current, **old)[-1] == (4, 4)
    oldest_first = rolling().type.batches(
        rolling().resource,
        type(rolling().props).load({**rolling().props.data, **old}),
        rolling().props,
        current,
        {},
    )[0]
    assert oldest_first.child.template["resources"]["a"] == rolling().props.data["resource"]
    assert len(sizes(rolling(), current)) == 1


def test_attributes_are_in_order_and_count_only_members_that_work() -> None:
    ctx, current = group({"member_names": ["b", "a"]}), members("b", "a", "gone", failed="a")

    def read(name: str, *path: Any) -> Any:
        return ctx.type.read(ctx.resource, name, path, current)

    assert read("refs") == ["ref-a", "ref-b"]
    assert read("refs_map") == {"a": "ref-a", "b": "ref-b"}
    assert read("outputs", "ip") == {"a": "a.ip", "b": "b.ip"}
    assert read("outputs_list", "ip") == ["a.ip", "b.ip"]
    assert read("current_size") == 1
    assert (read("resource.1"), read("resource.1.ip")) == ("ref-b", "b.ip")
    with pytest.raises(NotFound, match="Member '2' not found in group resource 'grp'"):
        read("resource.2")
    for odd in ("outputs", "outputs_list", "other"):
        with pytest.raises(InvalidTemplateAttribute):
            read(odd)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"min_size": 6}, "MinSize can not be greater than MaxSize"),
        ({"desired_capacity": 6}, "DesiredCapacity must be between MinSize and MaxSize"),
        ({"desired_capacity": 0}, "DesiredCapacity must be between MinSize and MaxSize"),
    ],
)
def test_bounds_and_capacity_must_fit(properties: Any, reason: str) -> None:
    ctx = group(**properties)
    with pytest.raises(PropertyError, match=reason):
        ctx.type.validate(ctx.props)


def test_bounds_that_are_not_known_yet_are_not_compared() -> None:
    ctx = group()
    ctx.type.validate(type(ctx.props).wrap({**ctx.props.data, "min_size": Unknown("x")}))


def test_groups_of_absurd_size_are_refused_before_their_names_are_made() -> None:
    with pytest.raises(RequestLimitExceeded, match="more than 100000 members"):
        names_after(group(max_size=10**9, desired_capacity=10**9), NOBODY)

from dataclasses import replace
from typing import Any, cast

import pytest

from stackd.errors import InvalidTemplateAttribute, NotFound
from stackd.resources.base import Members
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, make_resource

KIND = "OS::Heat::ResourceGroup"
NOBODY = Members({}, {}, {}, lambda name, path: None)


def group(
    *, created: str | None = "child-id", stored: Any = None, policy: Any = None, **properties: Any
) -> FakeContext:
    defaults = {"resource_def": {"type": "OS::Heat::Value", "properties": {"value": "v%index%"}}}
    data = dict(stored or {}) | ({"update_policy": policy} if policy else {})
    return FakeContext(KIND, name="grp", properties=defaults | properties, physical=created, stored=data)


def members(*names: Any, value: str = "v") -> Any:
    resources = {
        name: make_resource(name, "OS::Heat::Value", properties={"value": value + name}) for name in names
    }
    references = {name: f"ref-{name}" for name in names}
    return Members(resources, references, {}, lambda name, path: f"{name}:{'.'.join(map(str, path))}")


def resources_of(child: Any) -> Any:
    assert child.template["heat_template_version"] == "2015-04-30"
    assert child.parameters == {}
    return child.template["resources"]


def after(ctx: FakeContext, current: Any) -> Any:
    """The members that the group wants, after its removal policies were taken into account."""
    for key, value in ctx.type.data_after(ctx.resource, ctx.props, current).items():
        cast(dict[str, Any], ctx.resource.data)[key] = value
    return sorted(resources_of(ctx.type.child(ctx.resource, ctx.props, current, {})))


def test_members_have_their_index_in_their_properties() -> None:
    ctx = group(
        count=2,
        resource_def={
            "type": "OS::Nova::Server",
            "properties": {
                "name": "web-%index%",
                "tags": ["%index%"],
                "meta": {"%index%": "%index%"},
                "x": None,
            },
            "metadata": {"role": "%index%"},
        },
    )
    assert resources_of(ctx.type.child(ctx.resource, ctx.props, NOBODY, {}))["1"] == {
        "type": "OS::Nova::Server",
        "properties": {"name": "web-1", "tags": ["1"], "meta": {"%index%": "1"}},
        "metadata": {"role": "%index%"},
    }


def test_another_index_variable_and_no_members() -> None:
    ctx = group(count=1, index_var="__i__", resource_def={"type": "T", "properties": {"a": "__i__%index%"}})
    assert resources_of(ctx.type.child(ctx.resource, ctx.props, NOBODY, {})) == {
        "0": {"type": "T", "properties": {"a": "0%index%"}}
    }
    assert (
        resources_of(ctx.type.child(ctx.resource, ctx.load({**ctx.properties, "count": 0}), NOBODY, {})) == {}
    )


def test_a_count_that_is_not_known_keeps_the_size() -> None:
    ctx = group(count=Unknown("other"))
    assert after(ctx, NOBODY) == ["0"]
    assert after(ctx, members("0", "1", "2")) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("entries", "wanted", "removed"),
    [
        (["1"], ["0", "2", "3"], "1"),
        ([1], ["0", "2", "3"], "1"),
        (["ref-0"], ["1", "2", "3"], "0"),
        (["ref-0", "2"], ["1", "3", "4"], "0,2"),
        (["7"], ["0", "1", "2"], None),
        ([Unknown("x")], ["0", "1", "2"], None),
    ],
)
def test_removed_members_are_not_used_again(entries: Any, wanted: Any, removed: Any) -> None:
    ctx = group(count=3, removal_policies=[{"resource_list": entries}])
    current = members("0", "1", "2")
    assert after(ctx, current) == wanted
    assert ctx.resource.data["name_blacklist"] == removed


def test_any_name_can_be_removed_before_the_group_exists() -> None:
    ctx = group(created=None, count=2, removal_policies=[{"resource_list": [0, "7"]}])
    assert after(ctx, NOBODY) == ["1", "2"]
    assert ctx.resource.data["name_blacklist"] == "0,7"


@pytest.mark.parametrize(("mode", "wanted"), [("append", ["2", "3", "4"]), ("update", ["0", "2", "3"])])
def test_removals_add_up_or_take_each_others_place(mode: Any, wanted: Any) -> None:
    ctx = group(
        count=3,
        removal_policies=[{"resource_list": ["1"]}],
        removal_policies_mode=mode,
        stored={"name_blacklist": "0"},
    )
    assert after(ctx, members("1", "2", "3")) == wanted


def test_creation_in_batches() -> None:
    ctx = group(created=None, count=5, policy={"batch_create": {"max_batch_size": 2, "pause_time": 3}})
    batches = ctx.type.batches(ctx.resource, None, ctx.props, NOBODY, {})
    assert [len(resources_of(batch.child)) for batch in batches] == [2, 4, 5]
    assert [batch.pause for batch in batches] == [3, 3, 3]


def test_an_empty_group_is_made_at_once() -> None:
    ctx = group(created=None, count=0, policy={"batch_create": {}})
    assert len(ctx.type.batches(ctx.resource, None, ctx.props, NOBODY, {})) == 1


def test_a_changed_definition_rolls_from_the_highest_index() -> None:
    policy = {"rolling_update": {"max_batch_size": 2, "min_in_service": 1, "pause_time": 1}}
    ctx = group(count=3, policy=policy)
    new = ctx.load(
        {"count": 3, "resource_def": {"type": "OS::Heat::Value", "properties": {"value": "w%index%"}}}
    )
    batches = ctx.type.batches(ctx.resource, ctx.props, new, members("0", "1", "2"), {})
    seen = [
        {name: each["properties"]["value"] for name, each in resources_of(batch.child).items()}
        for batch in batches
    ]
    assert seen == [{"0": "v0", "1": "w1", "2": "w2"}, {"0": "w0", "1": "w1", "2": "w2"}]
    assert [batch.pause for batch in batches] == [1, 1]


def test_rolling_counts_only_members_that_differ() -> None:
    policy = {"rolling_update": {"max_batch_size": 1}}
    ctx = group(count=2, policy=policy)
    new = ctx.load(
        {**ctx.properties}
        | {"resource_def": {"type": "OS::Heat::Value", "properties": {"value": "w%index%"}}}
    )
    mixed = members("0", "1")
    mixed.resources["1"] = make_resource("1", "OS::Heat::Value", properties={"value": "w1"})
    first = ctx.type.batches(ctx.resource, ctx.props, new, mixed, {})[0]
    assert resources_of(first.child)["0"]["properties"] == {"value": "w0"}


def test_growth_alone_never_rolls() -> None:
    ctx = group(count=1, policy={"rolling_update": {}, "batch_create": {}})
    new = ctx.load({**ctx.properties, "count": 4})
    batches = ctx.type.batches(ctx.resource, ctx.props, new, members("0"), {})
    assert len(batches) == 1
    assert len(resources_of(batches[0].child)) == 4


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("refs", (), ["ref-2", "ref-10"]),
        ("refs", (1,), "ref-10"),
        ("refs", ("0",), None),
        ("refs", (5,), None),
        ("refs_map", (), {"2": "ref-2", "10": "ref-10"}),
        ("refs_map", ("2",), "ref-2"),
        ("attributes", ("networks", "net"), {"2": "2:networks.net", "10": "10:networks.net"}),
        ("resource.2", (), "ref-2"),
        ("resource.2", ("value",), "2:value"),
        ("resource.10.networks", ("net", 0), "10:networks.net.0"),
        ("value", (), ["2:value", "10:value"]),
        ("networks", ("net",), ["2:networks.net", "10:networks.net"]),
        ("removed_rsrc_list", (), ["0", "1"]),
    ],
)
def test_attributes_come_from_the_members_in_order(name: Any, path: Any, value: Any) -> None:
    ctx = group(count=2, stored={"name_blacklist": "0,1"})
    assert ctx.type.read(ctx.resource, name, path, members("10", "2", "1")) == value


def test_wrong_attributes_say_what_is_wrong() -> None:
    ctx = group()
    with pytest.raises(NotFound, match="Member '9' not found in group resource 'grp'"):
        ctx.type.read(ctx.resource, "resource.9", (), members("0"))
    with pytest.raises(InvalidTemplateAttribute, match="grp attributes"):
        ctx.type.read(ctx.resource, "attributes", (), members("0"))


@pytest.mark.parametrize(
    ("adopted", "wanted"),
    [(["1", "3"], ["1", "3"]), (["0", "1"], ["0", "1"]), (["9" * 20, "name"], ["0", "1"]), ([], ["0", "1"])],
)
def test_adopted_members_keep_their_names(adopted: list[str], wanted: list[str]) -> None:
    ctx = group(created=None, count=2, removal_policies_mode="update")
    assert after(ctx, replace(NOBODY, adopted=adopted)) == wanted

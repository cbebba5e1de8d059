from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stackd.errors import InvalidTemplateAttribute, NotFound, PropertyError
from stackd.records import Resource, Status
from stackd.resources.aws.instance_groups import (
    batches_of_instances,
    check_configuration,
    configured,
    member,
    read,
    stack_of_instances,
    tags_of,
    with_properties,
)
from stackd.resources.base import Members
from stackd.resources.follows import Sibling
from stackd.resources.heat.rolling import Pace
from stackd.template.unknown import Unknown
from tests.support.context import LONG_AGO, among, make_resource

GROUP = make_resource(
    "grp", "OS::Heat::InstanceGroup", physical_id="child", data={"member_names": ["a", "b"]}
)
CONFIGURATION = "AWS::AutoScaling::LaunchConfiguration"
SIBLINGS = among(Sibling("conf", CONFIGURATION, {}), Sibling("other", "OS::Heat::Value", {}))
OLD, NEW = (member({"ImageId": each, "InstanceType": "m"}, {}) for each in ("old", "new"))


def conf(**values: Any) -> Resource:
    return make_resource("conf", CONFIGURATION, physical_id="s-conf-1", **values)


def members(
    *names: str, failed: str = "", sibling: Callable[[Any], Resource | None] = lambda reference: None
) -> Members:
    rows = {
        name: replace(
            make_resource(name, "AWS::EC2::Instance", properties=dict(OLD["properties"])),
            created_at=LONG_AGO + timedelta(seconds=index),
            status=Status.FAILED if name == failed else Status.COMPLETE,
        )
        for index, name in enumerate(names)
    }
    return Members(
        rows,
        {name: f"ref-{name}" for name in names},
        {},
        lambda name, path: f"{path[0]} of {name}",
        definitions=dict.fromkeys(names, OLD),
        sibling=sibling,
    )


def known(row: Resource | None) -> Members:
    return members(sibling=lambda reference: row)


def test_member_is_what_its_configuration_says() -> None:
    properties = {"ImageId": "i", "InstanceType": "m", "KeyName": None, "SecurityGroups": ["web"]}
    row = conf(properties=properties, metadata={"role": "web"})
    assert configured(GROUP, "s-conf-1", known(row)) == {
        "type": "AWS::EC2::Instance",
        "properties": {"ImageId": "i", "InstanceType": "m", "SecurityGroups": ["web"]},
        "metadata": {"role": "web"},
    }


def test_member_is_like_the_instance_of_its_configuration() -> None:
    row = conf(
        properties={"InstanceId": "s", "KeyName": "own"},
        data={"copied": {"ImageId": "i", "InstanceType": "m", "KeyName": "k"}},
    )
    found = configured(GROUP, "s-conf-1", known(row))["properties"]
    assert found == {"ImageId": "i", "InstanceType": "m", "KeyName": "own"}


def test_what_is_copied_from_an_instance_is_not_known_before() -> None:
    row = conf(properties={"InstanceId": "s", "ImageId": "own"})
    found = configured(GROUP, Unknown("conf"), known(row))["properties"]
    assert found["ImageId"] == "own"
    assert found["InstanceType"] == Unknown("conf", ("copied", "InstanceType"))


def test_configuration_that_is_not_known_yet_gives_unknown_members() -> None:
    found = configured(GROUP, Unknown("elsewhere", ("name",)), known(None))["properties"]
    assert isinstance(found["ImageId"], Unknown)


@pytest.mark.parametrize("row", [None, make_resource("other", "OS::Heat::Value", physical_id="s-conf-1")])
def test_group_needs_a_configuration_of_its_stack(row: Resource | None) -> None:
    with pytest.raises(
        PropertyError, match="must refer to a launch configuration of the same stack"
    ) as caught:
        configured(GROUP, "s-conf-1", known(row))
    assert caught.value.path == "resources.grp.properties.LaunchConfigurationName"


@pytest.mark.parametrize("reference", [Unknown("conf"), Unknown("", ("parameters", "name"))])
def test_references_to_configurations_are_accepted(reference: Unknown) -> None:
    check_configuration(reference, SIBLINGS)


@pytest.mark.parametrize("reference", ["conf", Unknown("other"), Unknown("conf", ("name",)), Unknown("none")])
def test_configurations_must_be_referred_to(reference: Any) -> None:
    with pytest.raises(PropertyError, match="must refer to a launch configuration") as caught:
        check_configuration(reference, SIBLINGS)
    assert caught.value.path == "properties.LaunchConfigurationName"


GROUPNAME = {"Key": "metering.groupname", "Value": "child"}
BY_GROUP = {"Key": "metering.AutoScalingGroupName", "Value": "child"}


@pytest.mark.parametrize(
    ("given", "own", "by_group"),
    [
        (None, [GROUPNAME], [GROUPNAME, BY_GROUP]),
        ([{"Key": "a", "Value": "1"}], [{"Key": "a", "Value": "1"}, GROUPNAME], None),
        ([{"Key": "metering.x", "Value": "1"}], [{"Key": "metering.x", "Value": "1"}], None),
        (Unknown("x"), Unknown("x"), Unknown("x")),
    ],
)
def test_members_have_tags_by_which_measurements_find_the_group(given: Any, own: Any, by_group: Any) -> None:
    assert tags_of(GROUP, given) == own
    assert tags_of(GROUP, given, by_group=True) == (by_group or [*own, BY_GROUP])


def test_tags_of_a_group_without_an_id_are_not_known_yet() -> None:
    [tag] = tags_of(replace(GROUP, physical_id=None), None)
    assert tag["Value"] == Unknown("grp")


def test_further_properties_are_added_as_far_as_they_have_values() -> None:
    assert with_properties(OLD, SubnetId="s", Tags=None)["properties"] == {
        **OLD["properties"],
        "SubnetId": "s",
    }
    assert "SubnetId" not in OLD["properties"]


def images(child: Any) -> dict[str, str]:
    return {name: each["properties"]["ImageId"] for name, each in child.template["resources"].items()}


def test_without_a_policy_only_new_and_failed_members_get_another_configuration() -> None:
    group = replace(GROUP, data={"member_names": ["a", "b", "c"]})
    child = stack_of_instances(group, members("a", "b", failed="b"), NEW, None)
    assert images(child) == {"a": "old", "b": "new", "c": "new"}
    [batch] = batches_of_instances(group, members("a", "b", failed="b"), NEW, None)
    assert batch.child == child


def test_with_a_policy_all_members_get_it_in_batches() -> None:
    pace = Pace(1, 60.0, 1)
    assert images(stack_of_instances(GROUP, members("a", "b"), NEW, pace)) == {"a": "new", "b": "new"}
    batches = batches_of_instances(GROUP, members("a", "b"), NEW, pace)
    assert [images(each.child) for each in batches] == [{"b": "old", "a": "new"}, {"a": "new", "b": "new"}]
    assert batches[0].pause == 60.0


def test_with_a_policy_and_the_same_configuration_there_is_one_step() -> None:
    assert len(batches_of_instances(GROUP, members("a", "b"), OLD, Pace(1))) == 1
    grown = replace(GROUP, data={"member_names": ["a", "b", "c"]})
    assert len(batches_of_instances(grown, members("a", "b", failed="a"), OLD, Pace(1))) == 1


def test_change_that_was_interrupted_goes_on_with_the_member_that_had_its_turn() -> None:
    given = members("a", "b", "c")
    begun = replace(given, definitions={"a": NEW, "b": NEW, "c": OLD}, reached=frozenset("a"))
    group = replace(GROUP, data={"member_names": ["a", "b", "c"]})
    batches = batches_of_instances(group, begun, NEW, Pace(1))
    assert [images(each.child) for each in batches] == [
        {"a": "new", "b": "new", "c": "old"},
        {"a": "new", "b": "new", "c": "new"},
    ]


def test_list_has_the_addresses_of_members_in_order() -> None:
    current = members("b", "a", "leaving", failed="a")
    assert read(GROUP, "InstanceList", (), current) == "PublicIp of a,PublicIp of b"
    assert read(GROUP, "resource.1", (), current) == "ref-b"
    assert read(GROUP, "resource.1.PrivateIp", (), current) == "PrivateIp of b"
    with pytest.raises(NotFound, match="Member '2' not found"):
        read(GROUP, "resource.2", (), current)
    with pytest.raises(InvalidTemplateAttribute):
        read(GROUP, "other", (), current)


def test_list_is_not_known_while_an_address_is_not() -> None:
    current = replace(members("a", "b"), attribute=lambda name, path: Unknown(name, path))
    assert read(GROUP, "InstanceList", (), current) == Unknown("grp", ("InstanceList",))

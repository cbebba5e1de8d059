"""What groups of instances share: members by a launch configuration, their tags and addresses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.aws.launch_configuration import properties_for
from stackd.resources.base import Batch, Child, Members
from stackd.resources.follows import Siblings
from stackd.resources.heat import scaling_groups
from stackd.resources.heat.members import is_member_attribute, no_attribute
from stackd.resources.heat.rolling import Definition, Pace
from stackd.template.functions.refs import select
from stackd.template.unknown import Unknown, has_unknown

LIST = "InstanceList"
_CONFIGURATION = "AWS::AutoScaling::LaunchConfiguration"
_MEMBER = "AWS::EC2::Instance"
_METERING = "metering."


def check_configuration(reference: Any, siblings: Siblings) -> None:
    """The launch configuration must be one of the stack, given by reference."""
    if not _may_be_configuration(reference, siblings):
        raise _no_configuration("properties.LaunchConfigurationName")


def _may_be_configuration(reference: Any, siblings: Siblings) -> bool:
    if not isinstance(reference, Unknown):
        return False
    if not reference.resource:
        return True
    found = siblings.named(reference.resource)
    return found is not None and found.kind == _CONFIGURATION and not reference.path


def _no_configuration(path: str) -> PropertyError:
    return PropertyError(
        "LaunchConfigurationName must refer to a launch configuration of the same stack.",
        path=path,
        remedy=f"Use get_resource (Ref) with the name of a resource of type {_CONFIGURATION}.",
    )


def tags_of(group: Resource, given: Any, *, by_group: bool = False) -> Any:
    """The tags of the members: the group's own, and those by which measured values find the group.

    ``metering.groupname`` is left out where the user has a tag for metering.
    """
    if isinstance(given, Unknown):
        return given
    own = [dict(each) if isinstance(each, Mapping) else each for each in given or ()]
    group_id = group.physical_id or Unknown(group.name)
    if not any(_is_for_metering(each) for each in own):
        own.append({"Key": f"{_METERING}groupname", "Value": group_id})
    if by_group:
        own.append({"Key": f"{_METERING}AutoScalingGroupName", "Value": group_id})
    return own


def _is_for_metering(tag: Any) -> bool:
    key = tag.get("Key") if isinstance(tag, Mapping) else None
    return isinstance(key, str) and key.startswith(_METERING)


def configured(group: Resource, reference: Any, members: Members) -> Definition:
    """A member's definition by the launch configuration that a reference means.

    It is not known where that is not; an error once the group exists.
    """
    found = members.sibling(reference)
    if found is not None and found.kind == _CONFIGURATION:
        return member(properties_for(found.name, found.properties, found.data), found.metadata)
    if group.physical_id is not None and not isinstance(reference, Unknown):
        raise _no_configuration(f"resources.{group.name}.properties.LaunchConfigurationName")
    unknown = Unknown(reference.resource if isinstance(reference, Unknown) else "", ("configuration",))
    return member({"ImageId": unknown, "InstanceType": unknown}, {})


def member(properties: Mapping[str, Any], metadata: Mapping[str, Any]) -> Definition:
    """The definition of an instance."""
    parts = (("properties", dict(properties)), ("metadata", dict(metadata)))
    return {"type": _MEMBER} | {key: part for key, part in parts if part}


def with_properties(definition: Definition, **properties: Any) -> Definition:
    """The definition with further properties, as far as they have values."""
    given = {key: value for key, value in properties.items() if value is not None}
    return {**definition, "properties": {**definition["properties"], **given}}


def stack_of_instances(group: Resource, members: Members, shared: Definition, pace: Pace | None) -> Child:
    """The nested stack; without a rolling policy only new and failed members get the newest definition."""
    if pace is not None:
        return scaling_groups.uniform_stack(group, members, shared)
    names = scaling_groups.wanted_names(group, members)
    return scaling_groups.stack_of(scaling_groups.kept_definitions(names, members, shared))


def batches_of_instances(
    group: Resource, members: Members, shared: Definition, pace: Pace | None
) -> Sequence[Batch]:
    """The steps to there: several where a policy brings a new definition to all members."""
    given = (members.definitions.get(name, shared) for name in scaling_groups.wanted_names(group, members))
    is_new = members.reached is not None or any(each != shared for each in given)
    if pace is None or not is_new:
        return [Batch(stack_of_instances(group, members, shared, pace))]
    return scaling_groups.rolling_batches(group, members, None, shared, pace)


def read(group: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
    """The addresses of the members in order, separated by commas; or something of one member."""
    names = scaling_groups.existing_in_order(group, members)
    if is_member_attribute(name):
        return scaling_groups.attribute_by_position(group, name, path, names, members)
    if name != LIST:
        raise no_attribute(group, name)
    found = [members.attribute(each, ("PublicIp",)) for each in names]
    if has_unknown(found):
        return Unknown(group.name, (LIST, *path))
    return select(",".join(str(each) for each in found if each), path)

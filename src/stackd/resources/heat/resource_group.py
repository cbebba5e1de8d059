"""OS::Heat::ResourceGroup, a number of resources that are the same but for their index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count, islice
from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import Batch, Child, Members, NestedType
from stackd.resources.heat.group_limits import refuse_too_large, refuse_too_many
from stackd.resources.heat.group_props import GroupUpdatePolicy, ResourceGroupProps
from stackd.resources.heat.members import group_attribute
from stackd.resources.heat.rolling import Definition, Pace, definition_now, walk
from stackd.resources.registry import resource_type
from stackd.template.functions.refs import select
from stackd.template.unknown import Unknown

_SKIPPED = "name_blacklist"
_LONGEST = 5
"""Digits of a member's name: no group has more members than that."""
_VERSION = "2015-04-30"


@resource_type("OS::Heat::ResourceGroup", since="2014.1")
class ResourceGroup(NestedType[ResourceGroupProps]):
    """Makes any number of resources from one definition.

    Members are named by their index, which their properties can use through ``index_var``.
    """

    update_policy = GroupUpdatePolicy.schema
    checkable = True
    adopted = (_SKIPPED,)
    shaping = ("count", "removal_policies", "removal_policies_mode")
    attributes: ClassVar = {
        "refs": attr("References of the members in order.", "list"),
        "refs_map": attr("References of the members by name.", "map", since="7.0.0"),
        "attributes": attr("The named attribute of all members by name.", "map", since="2014.2"),
        "removed_rsrc_list": attr("Names that are not used any more.", "list", since="7.0.0"),
    }

    def count(self, props: ResourceGroupProps) -> int | None:
        """The number of members."""
        wanted = props.data["count"]
        return wanted if isinstance(wanted, int) else None

    def child(
        self, resource: Resource, props: ResourceGroupProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """All members in their newest definition."""
        size = _size(props, members)
        refuse_too_large(size, props.data["resource_def"])
        names = _names(size, _skipped(resource))
        return _stack({name: _member(props, name) for name in names})

    def batches(
        self,
        resource: Resource,
        old: ResourceGroupProps | None,
        new: ResourceGroupProps,
        members: Members,
        files: Mapping[str, str],
    ) -> Sequence[Batch]:
        """Several steps when a policy asks for them: for a creation, or when the definition changes."""
        pace = _pace(resource, old, new)
        target = _size(new, members)
        refuse_too_large(target, new.data["resource_def"])
        if pace is None or (old is None and not target):
            return [Batch(self.child(resource, new, members, files))]
        skipped = _skipped(resource)
        define = cache(lambda name: _member(new, name))
        if old is None:
            now = {name: define(name) for name in sorted(members.reached or ())}
        else:
            now = _definitions(old, define, members, skipped)
        walked = walk(now, lambda size: _names(size, skipped), target, pace, define)
        plan = [Batch(_stack(state), pace.pause) for state in walked]
        last = Batch(self.child(resource, new, members, files), pace.pause)
        if plan and plan[-1].child == last.child:
            plan.pop()
        return [*plan, last]

    def data_after(
        self, resource: Resource, props: ResourceGroupProps, members: Members
    ) -> Mapping[str, Any]:
        """The names that are not used any more."""
        before = _skipped(resource) | _lacking(members.adopted)
        replaces = props.removal_policies_mode == "update" and not members.adopted
        kept = set() if replaces else before
        after = kept | set(_removed(resource, props, members, before))
        return {_SKIPPED: ",".join(sorted(after)) or None}

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """Lists and maps of the members' references and attributes."""
        skipped = _skipped(resource)
        if name == "removed_rsrc_list":
            return select(sorted(skipped), path)
        names = sorted((each for each in members.resources if each not in skipped), key=_order)
        return group_attribute(resource, name, path, names, members)


def _size(props: ResourceGroupProps, members: Members) -> int:
    """The wanted number of members; as many as there are (or one) while it is not known."""
    wanted = props.data["count"]
    if isinstance(wanted, Unknown):
        return len(members.resources) or 1
    refuse_too_many(wanted)
    return int(wanted)


def _skipped(resource: Resource) -> set[str]:
    return set(filter(None, str(resource.data.get(_SKIPPED) or "").split(",")))


def _lacking(names: Sequence[str]) -> set[str]:
    """The names between those of adopted members: they were removed before."""
    numbers = [int(name) for name in names if name.isdecimal() and len(name) <= _LONGEST]
    return set(map(str, range(max(numbers, default=0)))) - set(names)


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (-1, name)


def _names(size: int, skipped: set[str]) -> list[str]:
    return list(islice((name for name in map(str, count()) if name not in skipped), size))


def _removed(
    resource: Resource, props: ResourceGroupProps, members: Members, before: set[str]
) -> Iterator[str]:
    """The names that the removal policies mean, by name or by reference."""
    by_reference = {reference: name for name, reference in members.references.items()}
    created = resource.physical_id is not None
    for policy in props.removal_policies:
        for entry in policy.resource_list or ():
            if isinstance(entry, Unknown):
                continue
            if not created or str(entry) in before or str(entry) in members.resources:
                yield str(entry)
            elif entry in by_reference:
                yield by_reference[entry]


def _member(props: ResourceGroupProps, name: str) -> Definition:
    """A member's definition, with its name in place of the index variable."""
    shared = props.resource_def
    values = {
        key: _indexed(value, props.index_var, name)
        for key, value in (shared.properties or {}).items()
        if value is not None
    }
    return _definition(shared.type, values, shared.metadata)


def _definitions(
    old: ResourceGroupProps, define: Callable[[str], Definition], members: Members, skipped: set[str]
) -> dict[str, Definition]:
    """What each member is now, while the group changes from ``old``."""
    shared = old.data["resource_def"]
    return {
        name: definition_now(name, _stored(member, shared), _member(old, name), define(name), members.reached)
        for name, member in members.resources.items()
        if name not in skipped
    }


def _stored(member: Resource, shared: Mapping[str, Any]) -> Definition:
    """The definition that a member has now."""
    values = {key: value for key, value in member.properties.items() if value is not None}
    return _definition(member.type, values, shared.get("metadata"))


def _definition(kind: str, values: Mapping[str, Any], metadata: Any) -> Definition:
    parts = (("properties", values), ("metadata", metadata))
    return {"type": kind} | {key: part for key, part in parts if part}


def _indexed(value: Any, variable: str, name: str) -> Any:
    if isinstance(value, str):
        return value.replace(variable, name)
    if isinstance(value, Mapping):
        return {key: _indexed(each, variable, name) for key, each in value.items()}
    if isinstance(value, list):
        return [_indexed(each, variable, name) for each in value]
    return value


def _stack(members: Mapping[str, Definition]) -> Child:
    return Child({"heat_template_version": _VERSION, "resources": dict(members)})


def _pace(resource: Resource, old: ResourceGroupProps | None, new: ResourceGroupProps) -> Pace | None:
    """The pace that the update policy sets for this change, None when it is done at once."""
    policy = GroupUpdatePolicy.load(resource.data.get("update_policy") or {}, "update_policy")
    if old is None:
        creating = policy.batch_create
        return Pace(creating.max_batch_size, creating.pause_time) if creating else None
    rolling = policy.rolling_update
    if rolling is None or "resource_def" not in new.changed(old):
        return None
    return Pace(rolling.max_batch_size, rolling.pause_time, rolling.min_in_service)

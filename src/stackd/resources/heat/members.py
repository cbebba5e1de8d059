"""Attributes of groups, read from their members. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackd.errors import InvalidTemplateAttribute, NotFound
from stackd.records import Resource
from stackd.resources.base import Members
from stackd.template.functions.refs import select
from stackd.wording import Reason

_PREFIX = "resource."


def is_member_attribute(name: str) -> bool:
    """Whether an attribute's name is of the form ``resource.<member>[.<attribute>]``."""
    return name.startswith(_PREFIX)


def member_attribute(group: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
    """``resource.<member>`` is that member's reference, ``resource.<member>.<attribute>`` its attribute."""
    member, _, attribute = name.removeprefix(_PREFIX).partition(".")
    if member not in members.resources:
        raise NotFound(f"Member '{member}' not found in group resource '{group.name}'.")
    wanted = ((attribute,) if attribute else ()) + path
    return members.attribute(member, wanted) if wanted else members.references.get(member)


def group_attribute(
    group: Resource, name: str, path: tuple[Any, ...], names: Sequence[str], members: Members
) -> Any:
    """An attribute that groups share; ``names`` are the members in their order.

    ``refs``, ``refs_map``, ``attributes`` with a name, and any other name as the list of the members'
    attributes of that name.
    """
    if is_member_attribute(name):
        return member_attribute(group, name, path, members)
    if name == "refs":
        return select([members.references.get(each) for each in names], path)
    if name == "refs_map":
        return select({each: members.references.get(each) for each in names}, path)
    if name == "attributes":
        if not path:
            raise no_attribute(group, name)
        return {each: members.attribute(each, path) for each in names}
    return [members.attribute(each, (name, *path)) for each in names]


def no_attribute(resource: Resource, name: str) -> InvalidTemplateAttribute:
    """The error for an attribute that a resource does not have."""
    return InvalidTemplateAttribute(Reason.UNKNOWN_ATTRIBUTE(resource=resource.name, name=name))

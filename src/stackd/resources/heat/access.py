"""What the users of a stack may read of it: the access rules of guests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from stackd.records import Resource

_USER: Final = "AWS::IAM::User"
_POLICY: Final = "OS::Heat::AccessPolicy"


def may_read(rows: Iterable[Resource], user_id: str, name: str) -> bool:
    """Whether a user of the stack domain may read the metadata of the resource ``name`` of a stack.

    ``rows`` are the resources of the stack. The user of a resource, such as a server, reads this one only. A
    user that is a resource itself reads all, or what each of its policies allows.
    """
    known = list(rows)
    return any(_accepts(row, known, name) for row in known if _user_of(row.data) == user_id)


def _user_of(data: Mapping[str, Any]) -> str | None:
    return (data.get("stack_user") or {}).get("user_id") or data.get("user_id")


def _accepts(row: Resource, rows: Iterable[Resource], name: str) -> bool:
    if row.kind != _USER:
        return row.name == name
    policies = row.properties.get("Policies") or ()
    return all(name in _allowed(policy, rows) for policy in policies)


def _allowed(policy: Any, rows: Iterable[Resource]) -> frozenset[Any]:
    """What the policy of this name allows: nothing where there is none."""
    found = [row for row in rows if row.kind == _POLICY and row.name == policy]
    return frozenset(found[-1].properties.get("AllowedResources") or ()) if found else frozenset()

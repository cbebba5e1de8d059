"""New values of records: ids, times, and events. Everything else in the engine may use these."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from stackd.db.journal import Insert
from stackd.records import Action, Event, Hidden, Resource, Stack, Status
from stackd.template.masking import Secrets, concealed_text
from stackd.template.parameters import StackIdentity
from stackd.template.parse import MASK

STACK_TYPE = "OS::Heat::Stack"
REASON_LIMIT = 255


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new random id."""
    return str(uuid.uuid4())


def identity_of(stack: Stack) -> StackIdentity:
    """The identity that pseudo parameters show."""
    return StackIdentity(project_id=stack.project_id, stack_name=stack.name, stack_id=stack.id)


_DRAWN_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An id that a service has drawn at random, rather than a name that somebody gave."""


def hidden_if_secret(identity: str, secrets: Secrets) -> str:
    """An id of the cloud, marked as hidden if it is a hidden value or made from one."""
    is_drawn = _DRAWN_ID.fullmatch(identity) is not None  # a short secret may be in it by chance
    if identity not in secrets and (is_drawn or concealed_text(identity, secrets) == identity):
        return identity
    return Hidden(identity)


def shown_id(physical_id: str | None) -> str | None:
    """A physical id as it is shown: masked if it is made from hidden values."""
    return MASK if isinstance(physical_id, Hidden) else physical_id


def stack_event(stack: Stack, action: Action, status: Status, reason: str) -> Insert:
    """The record that a stack changed its state."""
    return _event(stack, stack.name, STACK_TYPE, action, status, reason, physical_id=stack.id)


def resource_event(
    stack: Stack,
    row: Resource,
    action: Action,
    status: Status,
    reason: str,
    physical_id: str | None,
    properties: Mapping[str, Any] | None = None,
) -> Insert:
    """The record that a resource changed its state; ``properties`` are those it gets, without secrets."""
    return _event(
        stack,
        row.name,
        row.type,
        action,
        status,
        reason,
        physical_id=shown_id(physical_id),
        resource_id=row.id,
        properties=properties,
    )


def _event(
    stack: Stack, name: str, kind: str, action: Action, status: Status, reason: str, **fields: Any
) -> Insert:
    return Insert(
        Event(
            id=new_id(),
            stack_id=stack.id,
            root_id=stack.root_id,
            project_id=stack.project_id,
            time=now(),
            resource_name=name,
            resource_type=kind,
            action=action,
            status=status,
            reason=reason[:REASON_LIMIT],
            **fields,
        )
    )

"""The frozen records that all layers share: who calls, stacks, resources, events, operations.

They carry state and no behaviour. A record is changed by writing the change to the store and
making a new record with ``drafts.changed``. Times are aware datetimes in UTC.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stackd.urls import is_signed


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new random id: the text of a UUID of version 4, which `uuid` makes at three times the cost."""
    drawn = os.urandom(16).hex()
    variant = "89ab"[int(drawn[16], 16) % 4]
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:]}"


class Action(enum.StrEnum):
    """The action on a stack or resource; ``INIT`` is for resources that wait."""

    INIT = "INIT"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    ROLLBACK = "ROLLBACK"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    CHECK = "CHECK"
    ADOPT = "ADOPT"
    SNAPSHOT = "SNAPSHOT"
    RESTORE = "RESTORE"
    SIGNAL = "SIGNAL"


class Status(enum.StrEnum):
    """The status of the action."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"


class Hidden(str):
    """A text made from a hidden value, such as a name that is an id: stored encrypted, shown masked."""

    __slots__ = ()


def type_name(name: str) -> str:
    """The name of a type, marked as hidden if it is a URL with what may be a signature."""
    return Hidden(name) if is_signed(name) else name


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated author of a request: a user, in one scope, with roles.

    The scope is a project, or a domain or the system, and then there is no project. ``is_admin_project`` is
    whether Keystone says so of the project; a token that does not mention it is not the administrator's.
    ``is_signed`` is whether the token was issued for a signature: nothing can be delegated with it.
    """

    user_id: str
    user_name: str
    project_id: str
    project_name: str = ""
    user_domain_id: str = ""
    project_domain_id: str = ""
    roles: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    is_admin_project: bool = False
    trust_id: str = ""
    domain_id: str = ""
    system_scope: str = ""
    expires_at: datetime | None = None
    request_id: str = ""
    global_request_id: str = ""
    region: str = ""
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """The definition of a stack: ids of its template, environment and files in the document store.

    ``files`` is the id of a manifest document: a JSON object of file name → document id.
    Empty strings mean "nothing": an empty template, no environment, no files.
    """

    template: str = ""
    environment: str = ""
    files: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack, root or nested. ``previous`` is what a rollback returns to.

    ``operation_id`` names the newest accepted operation: a traversal may change the stack's state only while
    that is its own. ``outputs`` is stored when a traversal completes: ``{key: {"value": ...} | {"error":
    text}}``. ``protected`` keeps a root from being deleted, with all inside it; ``policy`` is the JSON text
    of its stack policy; ``settings`` is what else its owner asked to be kept with it
    (``engine.usecases.terms``). ``drift_id`` names the newest detection of drift.
    """

    id: str
    project_id: str
    name: str
    owner: str
    user_id: str
    action: Action
    status: Status
    reason: str
    definition: Definition
    previous: Definition | None = None
    tags: tuple[str, ...] | None = None
    timeout_mins: int | None = None
    disable_rollback: bool = True
    parent_id: str | None = None
    parent_resource: str | None = None
    root_id: str
    depth: int = 0
    created_at: datetime
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    stack_user_project_id: str | None = None
    credential_id: str | None = None
    operation_id: str | None = None
    outputs: Mapping[str, Any] | None = None
    protected: bool = False
    policy: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    drift_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a stack: the logical name, the object behind it and what was last applied.

    ``type`` is as written in the template, ``kind`` the registered type behind it (the same unless
    an environment maps it). ``properties`` are the resolved ones last *sent* to the cloud: they are
    stored with the intent, before the call. ``applied_from`` names the definition they came from
    (``engine.plan.target_of``). ``requires`` are logical names. ``data`` is the type's private store.
    ``physical_id`` and ``external_id`` are ``Hidden`` where they are made from hidden values, ``type`` and
    ``kind`` if they are URLs that may be signed (``type_name``).
    """

    id: str
    stack_id: str
    root_id: str
    name: str
    type: str
    kind: str
    action: Action = Action.INIT
    status: Status = Status.COMPLETE
    reason: str = ""
    physical_id: str | None = None
    requires: tuple[str, ...] = ()
    applied_from: str = ""
    deletion_policy: str = "Delete"
    external_id: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    nested_stack_id: str | None = None
    created_at: datetime
    updated_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    previous_properties: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A recorded change of status of a stack or resource, a signal or a hook.

    ``seq`` orders events of one moment; the store assigns it. ``resource_id`` names the row of the resource.
    ``properties`` stand in the event that begins a change of them, without secrets; None in any other, and
    in lists.
    """

    id: str = field(default_factory=new_id)
    stack_id: str
    root_id: str
    project_id: str
    time: datetime = field(default_factory=now)
    resource_name: str
    resource_type: str
    physical_id: str | None
    action: Action
    status: Status
    reason: str
    resource_id: str | None = None
    properties: Mapping[str, Any] | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One accepted request to change a stack, from its acceptance to its end.

    ``options`` are what the request chose (converge, rollback, ...); ``state`` is ``queued``,
    ``running``, ``done``. ``request_id`` is our id of the request, ``global_request_id`` the one that the
    client gave it, if any. ``timeout`` is the time in seconds that it may take, and its rollback; the
    ``deadline`` may be renewed until ``latest_deadline``. Both are unknown of old operations.
    """

    id: str
    stack_id: str
    root_id: str
    project_id: str
    action: Action
    state: str
    created_at: datetime
    deadline: datetime
    timeout: int = 0
    latest_deadline: datetime | None = None
    request_id: str = ""
    global_request_id: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


class HookState(enum.StrEnum):
    """The state of a hook: scheduled after the running action, waiting for the user, or cleared."""

    ARMED = "armed"
    PENDING = "pending"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook: a pause at one resource that the environment asks for, stored once it is certain to occur.

    ``hook`` is its type (``pre-create``); ``operation_id`` names the operation that it belongs to.
    """

    id: str
    stack_id: str
    root_id: str
    resource_id: str
    hook: str
    operation_id: str
    state: HookState


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """The progress of the delivery of a tree's events to the event sinks of its environment.

    ``id`` is the root stack's, ``cursor`` the ``seq`` of the last event that was delivered.
    """

    id: str
    cursor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export: a name under which a stack offers a value to the other stacks of its project.

    ``id`` is made of project and name (``db.exports.export_id``), so a name has one owner. ``offered``
    is whether there is a value yet: until then the name is only reserved. ``revision`` is new with
    every value, ``touched`` with every stack that begins to import it.
    """

    id: str
    project_id: str
    name: str
    stack_id: str
    root_id: str
    output: str
    offered: bool
    revision: str
    touched: str
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import: the use of an export by a stack, stored until the stack no longer needs it."""

    id: str
    project_id: str
    name: str
    stack_id: str
    root_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan that was stored to be executed later, with the definition that it leads to.

    ``stack_id`` is empty for a stack that does not exist yet, unless its name is reserved. ``content`` is the
    plan's stored form, ``fingerprint`` a digest of each part of what it was made from by the part's name,
    ``options`` what the request chose besides the definition. ``state`` is ``ready``, ``executed`` or
    ``outdated``.
    """

    id: str
    project_id: str
    stack_id: str
    stack_name: str
    action: Action
    state: str
    user_id: str
    user_name: str
    created_at: datetime
    expires_at: datetime
    definition: Definition
    options: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """A saved plan under a name, of a stack that exists or is reserved (its action is INIT).

    ``id`` is made of stack and name (``db.change_sets.change_set_id``), so a stack has one of a name;
    ``uuid`` is what clients see. ``plan_id`` is empty where there was nothing to plan, and ``reason``
    is why. ``based_on`` is the stack's newest operation when it was made. ``content`` is what it was made
    for, and the changes that it shows.
    """

    id: str
    uuid: str
    project_id: str
    stack_id: str
    name: str
    kind: str
    plan_id: str
    reason: str | None = None
    based_on: str | None = None
    created_at: datetime
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestToken:
    """A request that was accepted under a token of its client, who may repeat it.

    ``id`` is made of project and token, ``digest`` of the action and its arguments.
    """

    id: str
    project_id: str
    stack_id: str
    digest: str
    created_at: datetime


class DriftState(enum.StrEnum):
    """How a detection of drift stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftDetection:
    """A comparison of the resources of a stack with their objects in the cloud.

    ``names`` limits it to some resources, ``drifted`` is how many are not as they should be, ``compared``
    how many could be compared.
    """

    id: str
    project_id: str
    stack_id: str
    state: DriftState
    reason: str = ""
    names: tuple[str, ...] | None = None
    drifted: int = 0
    compared: int = 0
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDrift:
    """How one resource differs from its object, as of the newest detection that covered it.

    ``id`` is made of stack and resource. ``content`` has the ``expected`` and ``actual`` properties and the
    ``differences`` between them, without secrets.
    """

    id: str
    project_id: str
    stack_id: str
    name: str
    type: str
    physical_id: str | None
    status: str
    reason: str | None = None
    checked_at: datetime
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot of a stack: its definition, and what its resources left to restore them from.

    ``project_id`` is the project of whoever took it, the only one that sees it. ``action`` is CREATE, or
    DELETE once it is being deleted; ``reason`` is None before anything ended. ``content`` is the id of a
    document of the stack's project: the stack and its resources as they were.
    """

    id: str
    stack_id: str
    root_id: str
    project_id: str
    name: str | None
    action: Action
    status: Status
    reason: str | None = None
    definition: Definition
    content: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Delegated credentials that outlive a token: one trust per user, project and set of roles.

    ``state`` is ``standing`` while ``trust_id`` serves, ``pending`` while the trust is being made and
    ``token``, a caller's, serves in its place, and ``lost`` when Keystone accepts neither. Unless it stands,
    ``trust_id`` is that of the former trust. ``expires_at`` is the trust's, by which it is recognised.
    ``application`` is an application credential that serves instead of a trust, its id and secret parted by a
    colon. What is ``enrolled`` is kept also while no stack uses it.
    """

    id: str
    user_id: str
    project_id: str
    roles: tuple[str, ...]
    trust_id: str
    created_at: datetime
    state: str = "standing"
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    application: str | None = field(default=None, repr=False)
    enrolled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareConfig:
    """What software inside a server is to do: a script, a map or any other text, and its inputs and outputs.

    It never changes. ``content`` has ``config``, ``options``, ``inputs`` and ``outputs``.
    """

    id: str
    project_id: str
    name: str | None
    group: str | None
    created_at: datetime
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareDeployment:
    """A software config on one server, and what came of it.

    ``user_project_id`` is the project of the user in whose name the server's guest acts, if it has one.
    """

    id: str
    project_id: str
    user_project_id: str | None
    server_id: str
    config_id: str
    action: str | None
    status: str | None
    status_reason: str | None
    created_at: datetime
    updated_at: datetime | None = None
    input_values: Any = None
    output_values: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm on a metric of a project, with its state.

    ``id`` follows from project and name. ``origin`` is ``api``, or ``template`` for one that the resource
    ``resource_id`` of the stack ``stack_id`` made. ``configuration`` is what PutMetricAlarm takes.
    It is evaluated when it is due, every ``interval`` seconds; ``revision`` counts its changes. ``acted_at``
    is when its actions were begun last in this state.
    """

    id: str
    project_id: str
    name: str
    origin: str
    stack_id: str | None = None
    resource_id: str | None = None
    namespace: str | None = None
    metric_name: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    actions_enabled: bool = True
    suspended: bool = False
    state: str = "INSUFFICIENT_DATA"
    reason: str
    reason_data: str = ""
    configured_at: datetime
    updated_at: datetime
    transitioned_at: datetime
    acted_at: datetime | None = None
    interval: int
    due_at: datetime
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmHistory:
    """What happened to an alarm; it outlives that. ``kind`` is ConfigurationUpdate, StateUpdate or Action."""

    id: str
    project_id: str
    alarm_name: str
    kind: str
    time: datetime
    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAction:
    """An action of an alarm that is to be carried out: stored with the state that it is for.

    ``target`` is an ARN, a URL or the reference of a resource, ``message`` what it is sent. ``state`` is
    ``pending`` until it is ``done``.
    """

    id: str
    alarm_id: str
    project_id: str
    target: str = field(repr=False)
    message: Mapping[str, Any]
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    state: str = "pending"


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write to the tree of stacks below ``root_id``, until a newer epoch is claimed."""

    root_id: str
    epoch: int

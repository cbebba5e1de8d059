"""Models of the answers for the OpenAPI document. They check and convert nothing."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A JSON object that may have further members."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class Link(Model):
    """Where something else is."""

    href: str
    rel: str


class Finding(Model):
    """A mistake in a template, or (without a type) what is allowed in it but probably not meant."""

    message: str
    type: str | None = None
    path: str
    file: str = Field(description="A name in `files`, or `template` for the template itself.")
    line: int = Field(description="From 1; 0 where no line is to blame.")
    column: int
    value: Any = Field(None, description="What stands there, if that can be shown.")
    remedy: str


class Fault(Model):
    """What went wrong; in templates also where, what to do about it, and all else that is wrong."""

    type: str
    message: str | None = None
    traceback: str | None = None
    path: str | None = None
    remedy: str | None = None
    errors: list[Finding] | None = None
    omitted_errors: int | None = Field(None, description="How many more there are.")


class Error(Model):
    """An error of a handler or the engine."""

    code: int
    title: str
    explanation: str
    error: Fault


class Refusal(Model):
    """The token is missing or not valid."""

    error: dict[str, Any]


class Notice(Model):
    """No such path, a redirect, or an accepted request."""

    code: str
    title: str
    message: str


class Version(Model):
    """A version of the API."""

    id: str
    status: str
    links: list[Link]


class StackItem(Model):
    """A stack in a list."""

    id: str
    links: list[Link]
    stack_name: str
    description: str
    stack_status: str
    stack_status_reason: str
    creation_time: str
    updated_time: str | None
    deletion_time: str | None
    stack_owner: str
    parent: str | None
    stack_user_project_id: str | None
    tags: list[str] | None
    project: str | None = None


class StackList(Model):
    """Stacks, and where the next page is."""

    stacks: list[StackItem]
    links: list[Link] | None = None
    count: int | None = None


class Output(Model):
    """An output with its value."""

    output_key: str
    description: str
    output_value: Any = None
    output_error: str | None = None


class Stack(Model):
    """A stack by itself."""

    id: str
    links: list[Link]
    stack_name: str
    description: str
    template_description: str
    creation_time: str | None
    updated_time: str | None
    deletion_time: str | None
    stack_status: str | None = None
    stack_status_reason: str | None = None
    stack_owner: str
    stack_user_project_id: str | None
    parent: str | None
    parameters: dict[str, str]
    disable_rollback: bool
    timeout_mins: int | None
    capabilities: list[str]
    notification_topics: list[str]
    tags: list[str]
    outputs: list[Output] | None = None
    resources: list[Any] | None = None


class StackAnswer(Model):
    """One stack."""

    stack: Stack


class NewStack(Model):
    """The id of a new stack."""

    id: str
    links: list[Link]


class NewStackAnswer(Model):
    """A stack that is being created."""

    stack: NewStack


class Changes(Model):
    """Resources by what an update would do to each."""

    unchanged: list[dict[str, Any]]
    updated: list[dict[str, Any]]
    replaced: list[dict[str, Any]]
    added: list[dict[str, Any]]
    deleted: list[dict[str, Any]]


class ChangesAnswer(Model):
    """What an update would do."""

    resource_changes: Changes


class OutputKey(Model):
    """An output without its value."""

    output_key: str
    description: str


class OutputList(Model):
    """Outputs."""

    outputs: list[OutputKey]


class OutputAnswer(Model):
    """One output."""

    output: Output


class Resource(Model):
    """A resource of a stack."""

    resource_name: str
    logical_resource_id: str
    physical_resource_id: str
    resource_type: str
    resource_status: str
    resource_status_reason: str
    creation_time: str
    updated_time: str
    required_by: list[str]
    links: list[Link]
    parent_resource: str | None = None
    description: str | None = None
    attributes: dict[str, Any] | None = None


class ResourceList(Model):
    """Resources."""

    resources: list[Resource]


class ResourceAnswer(Model):
    """One resource."""

    resource: Resource


class MetadataAnswer(Model):
    """The metadata of a resource."""

    metadata: dict[str, Any]


class Event(Model):
    """A change of state."""

    id: str
    links: list[Link]
    event_time: str
    resource_name: str
    logical_resource_id: str
    physical_resource_id: str | None
    resource_status: str
    resource_status_reason: str
    resource_type: str | None = None
    resource_properties: dict[str, Any] | None = None


class EventList(Model):
    """Events."""

    events: list[Event]


class EventAnswer(Model):
    """One event."""

    event: Event


class TypeList(Model):
    """Names of resource types, or names with descriptions."""

    resource_types: list[str | dict[str, str]]


class ResourceTypeAnswer(Model):
    """What a resource type takes and gives."""

    resource_type: str
    properties: dict[str, dict[str, Any]]
    attributes: dict[str, dict[str, Any]]
    support_status: dict[str, Any]


class VersionList(Model):
    """Versions of the template language."""

    template_versions: list[dict[str, Any]]


class FunctionList(Model):
    """Functions of a version."""

    template_functions: list[dict[str, str]]


class ServiceList(Model):
    """Engines."""

    services: list[dict[str, Any]]


class BuildInfo(Model):
    """Which build answers."""

    api: dict[str, str]
    engine: dict[str, str]


class Validated(Model):
    """What a template asks for."""

    Description: str
    Parameters: dict[str, dict[str, Any]]
    Environment: dict[str, Any]
    errors: list[Finding] | None = Field(None, description="Mistakes for which a stack would be refused.")
    omitted_errors: int | None = Field(None, description="How many more there are.")
    warnings: list[Finding] | None = Field(None, description="What is allowed but probably not meant.")


class Anything(Model):
    """A JSON object."""


class PlanCause(Model):
    """Why a step does something."""

    path: str = Field(description="The property, `metadata`, or empty for the resource itself.")
    old: Any = None
    new: Any = None
    unknown: bool | None = Field(None, description="The new value is known only after other steps.")
    replaces: bool | None = Field(None, description="It forces a replacement.")
    rule: str | None = None


class PlanStep(Model):
    """What is done to one resource."""

    path: list[str] = Field(description="Names of the resources that lead to it, and its own.")
    type: str
    verb: str
    row: str | None = None
    causes: list[PlanCause] | None = None
    removes: bool | None = Field(None, description="The resource goes.")
    deferred: bool | None = Field(None, description="What is inside is planned when it is reached.")
    refused: str | None = Field(None, description="Why the change will be refused, if it will.")


class PlanSummary(Model):
    """A plan, without its steps."""

    id: str | None
    action: str
    state: str = Field(
        description="`ready`, or why it cannot be executed: `executed`, `expired`, `outdated` (its stack "
        "is gone or has changed) or `refused` (some of its steps are)."
    )
    reason: str | None = Field(None, description="Why it cannot be executed, unless it is `ready`.")
    stack_name: str
    stack_id: str | None
    created_at: str
    created_by: str
    expires_at: str | None
    summary: dict[str, int] = Field(
        description="How many steps of each verb there are, and how many are `refused`."
    )


class PlanView(PlanSummary):
    """A plan with the steps that change something."""

    format: int
    fingerprint: str
    steps: list[PlanStep]


class PlanAnswer(Model):
    """One plan."""

    plan: PlanView


class PlanList(Model):
    """Plans."""

    plans: list[PlanSummary]


class EnrollmentView(Model):
    """A credential that is kept for a user."""

    kind: str
    roles: list[str]
    state: str


class EnrollmentAnswer(Model):
    """The credentials that are kept for a user in a project."""

    enrollment: list[EnrollmentView]


class SoftwareConfigItem(Model):
    """A software configuration, without what it says."""

    id: str
    name: str | None
    group: str | None
    creation_time: str
    project: str | None = Field(None, description="For administrators only.")


class SoftwareConfigView(SoftwareConfigItem):
    """A software configuration."""

    config: Any
    options: dict[str, Any]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


class SoftwareConfigAnswer(Model):
    """One software configuration."""

    software_config: SoftwareConfigView


class SoftwareConfigList(Model):
    """Software configurations, newest first."""

    software_configs: list[SoftwareConfigItem]


class SoftwareDeploymentView(Model):
    """A software configuration on one server, and what came of it."""

    id: str
    server_id: str
    config_id: str
    action: str | None
    status: str | None
    status_reason: str | None
    input_values: Any
    output_values: Any
    creation_time: str
    updated_time: str | None = Field(None, description="Missing until it is changed.")


class SoftwareDeploymentAnswer(Model):
    """One software deployment."""

    software_deployment: SoftwareDeploymentView


class SoftwareDeploymentList(Model):
    """Software deployments, oldest first."""

    software_deployments: list[SoftwareDeploymentView]


class ServerSoftware(Model):
    """What a server is to do."""

    metadata: list[SoftwareConfigView]

"""The built-in policy, which the operator's files override. Data only.

Names and checks are those that operators' files of an orchestration service already use. ``legacy`` is the
check that applied before policy distinguished readers from members; it counts only with old defaults.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, check, description, accepted scopes and legacy check."""

    name: str
    check: str
    about: str
    scopes: tuple[str, ...] = ("project",)
    legacy: str = ""


_READER = "role:reader and project_id:%(project_id)s"
_MEMBER = "role:member and project_id:%(project_id)s"
_ADMIN = "role:admin and project_id:%(project_id)s"
_READER_OR_GUEST = (
    "(role:reader and project_id:%(project_id)s) or (role:heat_stack_user and project_id:%(project_id)s)"
)
_MEMBER_OR_GUEST = (
    "(role:member and project_id:%(project_id)s) or (role:heat_stack_user and project_id:%(project_id)s)"
)
_NO_GUEST = "rule:deny_stack_user"
_ANYBODY = "rule:allow_everybody"


_BASIC: tuple[Rule, ...] = (
    Rule(
        "context_is_admin",
        "(role:admin and is_admin_project:True)",
        "An administrator of the cloud, who reaches the stacks of every project.",
        scopes=(),
    ),
    Rule("project_admin", "role:admin", "An administrator of the project.", scopes=()),
    Rule("deny_stack_user", "not role:heat_stack_user", "Anybody but the users inside guests.", scopes=()),
    Rule("deny_everybody", "!", "Nobody.", scopes=()),
    Rule("allow_everybody", "", "Everybody.", scopes=()),
)


_OPERATIONS: tuple[Rule, ...] = (
    Rule(
        "actions:action", _MEMBER, "Run any action on a stack that has no rule of its own.", legacy=_NO_GUEST
    ),
    Rule("actions:snapshot", _MEMBER, "Take a snapshot of a stack by an action.", legacy=_NO_GUEST),
    Rule("actions:suspend", _MEMBER, "Suspend a stack.", legacy=_NO_GUEST),
    Rule("actions:resume", _MEMBER, "Resume a suspended stack.", legacy=_NO_GUEST),
    Rule(
        "actions:check",
        _READER,
        "Check whether the resources of a stack are as they should be.",
        legacy=_NO_GUEST,
    ),
    Rule("actions:cancel_update", _MEMBER, "Cancel an update and roll it back.", legacy=_NO_GUEST),
    Rule(
        "actions:cancel_without_rollback",
        _MEMBER,
        "Stop what a stack is doing and leave it as it is.",
        legacy=_NO_GUEST,
    ),
    Rule("build_info:build_info", _READER, "Show which build answers.", legacy=_NO_GUEST),
    Rule("events:index", _READER, "List the events of a stack.", legacy=_NO_GUEST),
    Rule("events:show", _READER, "Show an event.", legacy=_NO_GUEST),
    Rule("enrollment:create", _READER, "Let the server act for oneself later.", legacy=_NO_GUEST),
    Rule("enrollment:show", _READER, "See by what the server may act for oneself.", legacy=_NO_GUEST),
    Rule("enrollment:delete", _READER, "Withdraw that as soon as no stack needs it.", legacy=_NO_GUEST),
    Rule("plans:create", _MEMBER, "Make a plan, to be shown or stored.", legacy=_NO_GUEST),
    Rule("plans:index", _READER, "List the stored plans.", legacy=_NO_GUEST),
    Rule("plans:show", _READER, "Show a stored plan.", legacy=_NO_GUEST),
    Rule("plans:delete", _MEMBER, "Remove a stored plan.", legacy=_NO_GUEST),
    Rule("plans:execute", _MEMBER, "Execute a stored plan.", legacy=_NO_GUEST),
    Rule("resource:index", _READER, "List the resources of a stack.", legacy=_NO_GUEST),
    Rule("resource:metadata", _READER_OR_GUEST, "Read the metadata of a resource.", legacy=_ANYBODY),
    Rule("resource:signal", _READER_OR_GUEST, "Signal a resource.", legacy=_ANYBODY),
    Rule(
        "resource:mark_unhealthy", _MEMBER, "Mark a resource as broken, or as sound again.", legacy=_NO_GUEST
    ),
    Rule("resource:show", _READER, "Show a resource.", legacy=_NO_GUEST),
    Rule("service:index", _ADMIN, "List the engines.", legacy="rule:context_is_admin"),
    Rule(
        "software_configs:global_index",
        "rule:deny_everybody",
        "List the software configurations of all projects.",
        scopes=(),
    ),
    Rule("software_configs:index", _READER, "List software configurations.", legacy=_NO_GUEST),
    Rule("software_configs:create", _MEMBER, "Create a software configuration.", legacy=_NO_GUEST),
    Rule("software_configs:show", _READER, "Show a software configuration.", legacy=_NO_GUEST),
    Rule("software_configs:delete", _MEMBER, "Delete a software configuration.", legacy=_NO_GUEST),
    Rule("software_deployments:index", _READER, "List software deployments.", legacy=_NO_GUEST),
    Rule("software_deployments:create", _MEMBER, "Create a software deployment.", legacy=_NO_GUEST),
    Rule("software_deployments:show", _READER, "Show a software deployment.", legacy=_NO_GUEST),
    Rule("software_deployments:update", _MEMBER, "Change a software deployment.", legacy=_NO_GUEST),
    Rule("software_deployments:delete", _MEMBER, "Delete a software deployment.", legacy=_NO_GUEST),
    Rule("software_deployments:metadata", _READER_OR_GUEST, "Read what a server is to deploy."),
    Rule("stacks:abandon", _MEMBER, "Give up a stack and keep its resources in the cloud.", legacy=_NO_GUEST),
    Rule("stacks:create", _MEMBER, "Create or adopt a stack.", legacy=_NO_GUEST),
    Rule("stacks:delete", _MEMBER, "Delete a stack.", legacy=_NO_GUEST),
    Rule("stacks:detail", _READER, "List stacks with all they show.", legacy=_NO_GUEST),
    Rule("stacks:export", _MEMBER, "Export a stack.", legacy=_NO_GUEST),
    Rule("stacks:generate_template", _MEMBER, "Make a template for a resource type.", legacy=_NO_GUEST),
    Rule("stacks:global_index", "rule:deny_everybody", "List the stacks of all projects.", scopes=()),
    Rule("stacks:index", _READER, "List stacks.", legacy=_NO_GUEST),
    Rule("stacks:list_resource_types", _READER, "List the resource types.", legacy=_NO_GUEST),
    Rule("stacks:list_template_versions", _READER, "List the template versions.", legacy=_NO_GUEST),
    Rule(
        "stacks:list_template_functions",
        _READER,
        "List the functions of a template version.",
        legacy=_NO_GUEST,
    ),
    Rule("stacks:lookup", _READER_OR_GUEST, "Find a stack by its name or id.", legacy=_ANYBODY),
    Rule("stacks:preview", _READER, "See what a new stack would be.", legacy=_NO_GUEST),
    Rule("stacks:resource_schema", _READER, "Show what a resource type takes and gives.", legacy=_NO_GUEST),
    Rule("stacks:show", _READER, "Show a stack.", legacy=_NO_GUEST),
    Rule("stacks:template", _READER, "Read the template of a stack.", legacy=_NO_GUEST),
    Rule("stacks:environment", _READER, "Read the environment of a stack.", legacy=_NO_GUEST),
    Rule("stacks:files", _READER, "Read the files of a stack.", legacy=_NO_GUEST),
    Rule("stacks:update", _MEMBER, "Update a stack.", legacy=_NO_GUEST),
    Rule(
        "stacks:update_patch",
        _MEMBER,
        "Update a stack, keeping what the request leaves out.",
        legacy=_NO_GUEST,
    ),
    Rule("stacks:update_no_change", "rule:stacks:update_patch", "Update a stack with what it has already."),
    Rule("stacks:preview_update", _MEMBER, "See what an update would do.", legacy=_NO_GUEST),
    Rule(
        "stacks:preview_update_patch",
        _MEMBER,
        "See what an update would do that keeps what the request leaves out.",
        legacy=_NO_GUEST,
    ),
    Rule("stacks:validate_template", _MEMBER, "Validate a template.", legacy=_NO_GUEST),
    Rule("stacks:snapshot", _MEMBER, "Take a snapshot of a stack.", legacy=_NO_GUEST),
    Rule("stacks:show_snapshot", _READER, "Show a snapshot.", legacy=_NO_GUEST),
    Rule("stacks:delete_snapshot", _MEMBER, "Delete a snapshot.", legacy=_NO_GUEST),
    Rule("stacks:list_snapshots", _READER, "List the snapshots of a stack.", legacy=_NO_GUEST),
    Rule("stacks:restore_snapshot", _MEMBER, "Restore a stack from a snapshot.", legacy=_NO_GUEST),
    Rule("stacks:list_outputs", _READER, "List the outputs of a stack.", legacy=_NO_GUEST),
    Rule("stacks:show_output", _READER, "Show an output of a stack.", legacy=_NO_GUEST),
)


# Actions of the CloudFormation API: check and older check of each.
_CLOUDFORMATION: tuple[tuple[str, str, str], ...] = (
    ("ListStacks", _READER, _NO_GUEST),
    ("CreateStack", _MEMBER, _NO_GUEST),
    ("DescribeStacks", _READER, _NO_GUEST),
    ("DeleteStack", _MEMBER, _NO_GUEST),
    ("UpdateStack", _MEMBER, _NO_GUEST),
    ("CancelUpdateStack", _MEMBER, _NO_GUEST),
    ("DescribeStackEvents", _READER, _NO_GUEST),
    ("ValidateTemplate", _READER, _NO_GUEST),
    ("GetTemplate", _READER, _NO_GUEST),
    ("EstimateTemplateCost", _READER, _NO_GUEST),
    ("DescribeStackResource", _READER_OR_GUEST, _ANYBODY),
    ("DescribeStackResources", _READER, _NO_GUEST),
    ("ListStackResources", _READER, _NO_GUEST),
    ("CreateChangeSet", _MEMBER, _NO_GUEST),
    ("DescribeChangeSet", _READER, _NO_GUEST),
    ("DescribeChangeSetHooks", _READER, _NO_GUEST),
    ("ListChangeSets", _READER, _NO_GUEST),
    ("ExecuteChangeSet", _MEMBER, _NO_GUEST),
    ("DeleteChangeSet", _MEMBER, _NO_GUEST),
    ("UpdateTerminationProtection", _MEMBER, _NO_GUEST),
    ("SetStackPolicy", _MEMBER, _NO_GUEST),
    ("GetStackPolicy", _READER, _NO_GUEST),
    ("RollbackStack", _MEMBER, _NO_GUEST),
    ("ContinueUpdateRollback", _MEMBER, _NO_GUEST),
    ("SignalResource", _READER_OR_GUEST, _ANYBODY),
    ("DetectStackDrift", _READER, _NO_GUEST),
    ("DetectStackResourceDrift", _READER, _NO_GUEST),
    ("DescribeStackDriftDetectionStatus", _READER, _NO_GUEST),
    ("DescribeStackResourceDrifts", _READER, _NO_GUEST),
    ("GetTemplateSummary", _READER, _NO_GUEST),
    ("ListExports", _READER, _NO_GUEST),
    ("ListImports", _READER, _NO_GUEST),
    ("DescribeAccountLimits", _READER, _NO_GUEST),
)


# Actions of the CloudWatch API: check and older check of each.
_CLOUDWATCH: tuple[tuple[str, str, str], ...] = (
    ("PutMetricData", _MEMBER_OR_GUEST, _ANYBODY),
    ("GetMetricStatistics", _READER, _NO_GUEST),
    ("GetMetricData", _READER, _NO_GUEST),
    ("ListMetrics", _READER, _NO_GUEST),
    ("PutMetricAlarm", _MEMBER, _NO_GUEST),
    ("DescribeAlarms", _READER, _NO_GUEST),
    ("DescribeAlarmsForMetric", _READER, _NO_GUEST),
    ("DescribeAlarmHistory", _READER, _NO_GUEST),
    ("SetAlarmState", _MEMBER, _NO_GUEST),
    ("EnableAlarmActions", _MEMBER, _NO_GUEST),
    ("DisableAlarmActions", _MEMBER, _NO_GUEST),
    ("DeleteAlarms", _MEMBER, _NO_GUEST),
    ("TagResource", _MEMBER, _NO_GUEST),
    ("UntagResource", _MEMBER, _NO_GUEST),
    ("ListTagsForResource", _READER, _NO_GUEST),
)


# Resource types that only an administrator of the project may use.
ADMIN_TYPES: tuple[str, ...] = (
    "OS::Nova::Flavor",
    "OS::Cinder::EncryptedVolumeType",
    "OS::Cinder::VolumeType",
    "OS::Cinder::Quota",
    "OS::Neutron::Quota",
    "OS::Nova::Quota",
    "OS::Octavia::Quota",
    "OS::Manila::ShareType",
    "OS::Neutron::ProviderNet",
    "OS::Neutron::QoSPolicy",
    "OS::Neutron::QoSBandwidthLimitRule",
    "OS::Neutron::QoSDscpMarkingRule",
    "OS::Neutron::QoSMinimumBandwidthRule",
    "OS::Neutron::QoSMinimumPacketRateRule",
    "OS::Neutron::Segment",
    "OS::Nova::HostAggregate",
    "OS::Cinder::QoSSpecs",
    "OS::Cinder::QoSAssociation",
    "OS::Keystone::*",
    "OS::Blazar::Host",
    "OS::Octavia::Flavor",
    "OS::Octavia::FlavorProfile",
    "OS::Octavia::AvailabilityZone",
    "OS::Octavia::AvailabilityZoneProfile",
)


DEFAULT_RULES: tuple[Rule, ...] = (
    *_BASIC,
    *_OPERATIONS,
    *(
        Rule(f"cloudformation:{action}", check, f"Call the CloudFormation action {action}.", legacy=legacy)
        for action, check, legacy in _CLOUDFORMATION
    ),
    *(
        Rule(f"cloudwatch:{action}", check, f"Call the CloudWatch action {action}.", legacy=legacy)
        for action, check, legacy in _CLOUDWATCH
    ),
    *(Rule(f"resource_types:{kind}", "rule:project_admin", f"Use the type {kind}.") for kind in ADMIN_TYPES),
)
